#include "runtime/audit.hpp"

#include "runtime/log_fold.hpp"
#include "storage/local_log.hpp"
#include "storage/rocksdb_store.hpp"

#include <utility>

namespace berth {

namespace {

void compare(shard_verdict& v, uint64_t other, const char* with) {
  v.compared_with = with;
  v.agrees = other == v.state_hash;
  if (!v.agrees && v.problem.empty())
    v.problem = std::string("the ") + with
                + "'s state is not what log_fold the log gives: keep a copy of "
                  "the data folder, then remove its store/ and start again";
}

class node_audit final : public audit_source {
public:
  explicit node_audit(node& of) : node_(of) {}

  std::variant<std::vector<story_line>, api_error>
  history(const job_key& job) override {
    return tell_history(node_.event_log(), job);
  }

  std::variant<std::vector<shard_verdict>, api_error> verify() override {
    std::vector<shard_verdict> all;
    for (const auto& live : node_.status(true)) {
      auto& of = node_.event_log();
      log_fold fold{of, live.id};
      auto end = live.is_at_rest ? end_of(of, live.id) : live.folded_offset + 1;
      if (const auto* error = std::get_if<storage_error>(&end))
        return api_error{api_errc::internal, error->message};
      auto error = read_records(of, live.id, of.begin_offset(live.id),
                                std::get<log_offset>(end),
                                [&](const log_record& r) { fold.take(r); });
      if (error)
        return api_error{api_errc::internal, error.message};
      auto v = fold.verdict();
      if (live.is_at_rest)
        v.agrees = v.problem.empty();
      else
        compare(v, live.state_hash, "server");
      all.push_back(std::move(v));
    }
    return all;
  }

private:
  node& node_;
};

class folder_audit final : public audit_source {
public:
  folder_audit(const data_folder& folder, std::unique_ptr<log> of)
      : folder_(folder), log_(std::move(of)) {}

  std::variant<std::vector<story_line>, api_error>
  history(const job_key& job) override {
    return tell_history(*log_, job);
  }

  std::variant<std::vector<shard_verdict>, api_error> verify() override {
    std::vector<shard_verdict> all;
    for (uint32_t i = 0; i < log_->partitions(); ++i) {
      auto verdict = verify_one(shard_id{i});
      if (auto* error = std::get_if<api_error>(&verdict))
        return *error;
      all.push_back(std::get<shard_verdict>(std::move(verdict)));
    }
    return all;
  }

private:
  std::variant<shard_verdict, api_error> verify_one(shard_id shard) {
    auto found = end_of(*log_, shard);
    if (const auto* error = std::get_if<storage_error>(&found))
      return api_error{api_errc::internal, error->message};
    auto end = std::get<log_offset>(found);
    log_fold whole{*log_, shard};
    if (auto error = read_records(*log_, shard, log_->begin_offset(shard), end,
                                  [&](const auto& r) { whole.take(r); }))
      return api_error{api_errc::internal, error.message};
    auto v = whole.verdict();
    auto opened = open_rocksdb_store(
        {.folder = folder_.store_folder(shard), .read_only = true});
    if (!opened.opened) {
      v.problem = opened.error.message;
      return v;
    }
    log_fold rest{*log_, shard};
    for (const auto& range : shard_state::live_ranges())
      for (const auto& [key, bytes] :
           opened.opened->scan(range.from, range.to, SIZE_MAX))
        rest.machine().load_row(key, bytes);
    rest.machine().finish_load(opened.opened->last_checkpoint());
    if (auto error = read_records(*log_, shard, rest.machine().resume_offset(),
                                  end, [&](const auto& r) { rest.take(r); }))
      return api_error{api_errc::internal, error.message};
    compare(v, rest.machine().state().hash(), "store");
    return v;
  }

  const data_folder& folder_;
  std::unique_ptr<log> log_;
};

} // namespace

std::unique_ptr<audit_source> make_node_audit(node& of) {
  return std::make_unique<node_audit>(of);
}

folder_log_result open_folder_log(const data_folder& folder) {
  local_log_options wanted;
  wanted.folder = folder.log_folder();
  wanted.cluster_id = folder.cluster_id();
  wanted.create_if_missing = false;
  wanted.read_only = true;
  auto opened = open_local_log(wanted);
  return {std::move(opened.opened), std::move(opened.error)};
}

std::unique_ptr<audit_source> make_folder_audit(const data_folder& folder,
                                                storage_error& error) {
  auto opened = open_folder_log(folder);
  error = opened.error;
  if (!opened.opened)
    return nullptr;
  return std::make_unique<folder_audit>(folder, std::move(opened.opened));
}

} // namespace berth

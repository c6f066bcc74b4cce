#include "runtime/audit.hpp"

#include "actors/job_story.hpp"
#include "messages/codec.hpp"
#include "runtime/boottime.hpp"
#include "storage/local_log.hpp"
#include "storage/rocksdb_store.hpp"

#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>

namespace berth {

namespace {

using on_log_record = std::function<void(const log_record&)>;

/// Hands over every record from `from` to before `until`; waits until done.
storage_error read_records(log& from_log, shard_id shard, log_offset from,
                           log_offset until, const on_log_record& take) {
  if (from >= until)
    return {};
  std::promise<storage_error> done;
  auto finished = false;
  auto reading = from_log.read(
      shard, from,
      [&](const std::vector<log_record>& records) {
        for (const auto& r : records) {
          if (finished || r.offset >= until)
            break;
          take(r);
          if (r.offset + 1 == until) {
            finished = true;
            done.set_value({});
          }
        }
      },
      [&](storage_error error) {
        if (!std::exchange(finished, true))
          done.set_value(std::move(error));
      });
  return done.get_future().get();
}

log_offset end_of(log& of, shard_id shard) {
  std::promise<log_offset> end;
  of.end_offset(shard, [&](log_offset offset, const storage_error&) {
    end.set_value(offset);
  });
  return end.get_future().get();
}

shard_options options_for(log& of, shard_id shard) {
  shard_options o;
  o.state.self = shard;
  o.state.catalog.shard_count = of.partitions();
  o.cluster_id = of.cluster_id();
  o.node = "audit";
  return o;
}

/// Folds records into a machine that never claims; keeps what is fatal.
class folding {
public:
  folding(log& of, shard_id shard) : machine_(options_for(of, shard)) {}

  shard& machine() { return machine_; }
  void take(const log_record& r) {
    ++records_;
    machine_.on_record(r.offset, r.append_ms, r.bytes);
    for (auto& effect : machine_.take_effects())
      if (auto* fatal = std::get_if<fatal_effect>(&effect))
        problem_ = fatal->why;
  }
  shard_verdict verdict() {
    const auto& counters = machine_.counters();
    shard_verdict v;
    v.shard = machine_.state().self().value;
    v.records = records_;
    v.decisions = counters.decisions;
    v.events = counters.events;
    v.fenced = counters.fenced;
    v.out_of_sequence = counters.out_of_sequence;
    v.up_to = machine_.folded_offset();
    v.state_hash = machine_.state().hash();
    v.problem = problem_;
    return v;
  }

private:
  shard machine_;
  uint64_t records_ = 0;
  std::string problem_;
};

std::variant<std::vector<story_line>, api_error>
tell_history(log& of, const job_key& job) {
  auto shard = shard_of(job.id);
  if (shard.value >= of.partitions())
    return std::vector<story_line>{};
  job_story story{job};
  berth::shard machine{options_for(of, shard)};
  auto error = read_records(
      of, shard, of.begin_offset(shard), end_of(of, shard),
      [&](const log_record& r) {
        if (auto decoded = decode<record>(r.bytes))
          if (const auto* claim = std::get_if<claim_record>(&decoded->body))
            story.on_claim(r.offset, *claim);
        machine.on_record(r.offset, r.append_ms, r.bytes);
        for (auto& effect : machine.take_effects())
          if (const auto* folded = std::get_if<folded_effect>(&effect))
            story.on_decision(folded->offset, *folded->decision);
      });
  if (error)
    return api_error{api_errc::internal, error.message};
  return story.lines();
}

void compare(shard_verdict& v, uint64_t other, const char* with) {
  v.compared_with = with;
  v.agrees = other == v.state_hash;
  if (!v.agrees && v.problem.empty())
    v.problem = std::string("the ") + with
                + "'s state is not what folding the log gives: keep a copy of "
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
      folding fold{of, live.id};
      auto error = read_records(of, live.id, of.begin_offset(live.id),
                                live.folded_offset + 1,
                                [&](const log_record& r) { fold.take(r); });
      if (error)
        return api_error{api_errc::internal, error.message};
      auto v = fold.verdict();
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
    auto end = end_of(*log_, shard);
    folding whole{*log_, shard};
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
    folding rest{*log_, shard};
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

std::unique_ptr<audit_source> make_folder_audit(const data_folder& folder,
                                                storage_error& error) {
  local_log_options wanted;
  wanted.folder = folder.log_folder();
  wanted.cluster_id = folder.cluster_id();
  wanted.create_if_missing = false;
  wanted.read_only = true;
  auto opened = open_local_log(wanted);
  error = opened.error;
  if (!opened.opened)
    return nullptr;
  return std::make_unique<folder_audit>(folder, std::move(opened.opened));
}

} // namespace berth

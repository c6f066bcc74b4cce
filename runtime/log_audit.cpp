#include "runtime/log_audit.hpp"

#include "messages/codec.hpp"
#include "runtime/log_fold.hpp"
#include "runtime/valid_decisions.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace berth {

namespace {

/// Between two calls of the progress.
constexpr uint64_t records_per_progress = 10'000;

class progress_count {
public:
  progress_count(uint64_t of, const audit_progress& tell)
      : of_(of), tell_(tell) {}

  void add_one() {
    auto now = ++done_;
    if (!tell_ || (now % records_per_progress != 0 && now != of_))
      return;
    std::lock_guard lock{mutex_};
    tell_(now, of_);
  }

private:
  const uint64_t of_;
  const audit_progress& tell_;
  std::atomic<uint64_t> done_ = 0;
  std::mutex mutex_;
};

class log_audit final : public audit_source {
public:
  log_audit(std::unique_ptr<log> of, audit_progress on_progress)
      : log_(std::move(of)), on_progress_(std::move(on_progress)) {}

  std::variant<std::vector<story_line>, api_error>
  history(const job_key& job) override {
    return tell_history(*log_, job);
  }

  std::variant<std::vector<shard_verdict>, api_error> verify() override {
    std::vector<log_offset> begins;
    std::vector<log_offset> ends;
    uint64_t total = 0;
    for (uint32_t i = 0; i < log_->partitions(); ++i) {
      auto end = end_of(*log_, shard_id{i});
      if (const auto* error = std::get_if<storage_error>(&end))
        return api_error{api_errc::internal, error->message};
      ends.push_back(std::get<log_offset>(end));
      begins.push_back(log_->begin_offset(shard_id{i}));
      total += static_cast<uint64_t>(ends.back() - begins.back());
    }
    std::vector<shard_verdict> verdicts(ends.size());
    progress_count progress{total, on_progress_};
    std::atomic<uint32_t> next = 0;
    auto work = [&] {
      for (auto i = next++; i < ends.size(); i = next++)
        verdicts[i] = verify_one(shard_id{i}, begins[i], ends[i], progress);
    };
    std::vector<std::thread> threads;
    auto count =
        std::min<size_t>(std::thread::hardware_concurrency(), verdicts.size());
    for (size_t i = 0; i < count; ++i)
      threads.emplace_back(work);
    work();
    for (auto& t : threads)
      t.join();
    return verdicts;
  }

private:
  shard_verdict verify_one(shard_id shard, log_offset begin, log_offset end,
                           progress_count& progress) {
    log_fold fold{*log_, shard};
    auto error = read_records(*log_, shard, begin, end, [&](const auto& r) {
      fold.take(r);
      progress.add_one();
    });
    auto v = fold.verdict();
    if (error && v.problem.empty())
      v.problem = error.message;
    if (begin > 0 && v.problem.empty())
      v.problem = "the log begins at offset " + std::to_string(begin)
                  + ": what was before is not kept, so it cannot be folded";
    v.agrees = v.problem.empty();
    return v;
  }

  std::unique_ptr<log> log_;
  audit_progress on_progress_;
};

/// One shard's part of an export.
class shard_export {
public:
  shard_export(shard_id shard, const export_options& options,
               const std::function<bool(const exported_event&)>& take)
      : shard_(shard), options_(options), take_(take), decisions_(shard, -1) {}

  /// False = enough.
  bool take(const log_record& r) {
    auto taken = decisions_.take(r);
    if (auto* stopped = std::get_if<log_problem>(&taken)) {
      problem = std::move(stopped->message);
      return false;
    }
    const auto& d = std::get<std::optional<decision_record>>(taken);
    if (!d)
      return take_claim(r);
    if (!is_asked_for(d->at_ms))
      return true;
    exported_event e{shard_,      r.offset, d->at_ms, d->seq,
                     d->at_epoch, node_,    0,        nullptr};
    for (const auto& what : d->events) {
      ++e.number;
      e.what = &what;
      if (!take_(e))
        return false;
    }
    return true;
  }

  std::string problem;

private:
  bool is_asked_for(int64_t at_ms) const {
    return (!options_.since_ms || at_ms >= *options_.since_ms)
           && (!options_.until_ms || at_ms < *options_.until_ms);
  }

  bool take_claim(const log_record& r) {
    auto decoded = decode<record>(r.bytes);
    const auto* claim =
        decoded ? std::get_if<claim_record>(&decoded->body) : nullptr;
    if (claim == nullptr)
      return true;
    node_ = claim->node;
    if (!is_asked_for(r.append_ms))
      return true;
    return take_(
        {shard_, r.offset, r.append_ms, 0, epoch{r.offset}, node_, 0, nullptr});
  }

  const shard_id shard_;
  const export_options& options_;
  const std::function<bool(const exported_event&)>& take_;
  valid_decisions decisions_;
  std::string node_;
};

/// Reads on in all shards at once until one of them ends it.
storage_error follow(log& of, std::vector<shard_export>& shards,
                     const std::vector<log_offset>& from) {
  std::mutex mutex;
  std::condition_variable changed;
  bool enough = false;
  storage_error failed;
  std::vector<std::unique_ptr<log_reading>> readings;
  for (uint32_t i = 0; i < shards.size(); ++i)
    readings.push_back(of.read(
        shard_id{i}, from[i],
        [&, i](const std::vector<log_record>& records) {
          std::lock_guard lock{mutex};
          for (const auto& r : records) {
            enough = enough || !shards[i].take(r);
            if (enough)
              break;
          }
          changed.notify_one();
        },
        [&](storage_error error) {
          std::lock_guard lock{mutex};
          failed = std::move(error);
          enough = true;
          changed.notify_one();
        }));
  std::unique_lock lock{mutex};
  changed.wait(lock, [&] { return enough; });
  lock.unlock();
  readings.clear();
  return failed;
}

} // namespace

std::unique_ptr<audit_source> make_log_audit(std::unique_ptr<log> of,
                                             audit_progress on_progress) {
  return std::make_unique<log_audit>(std::move(of), std::move(on_progress));
}

storage_error
export_log(log& of, const export_options& options,
           const std::function<bool(const exported_event&)>& take) {
  std::vector<shard_export> shards;
  std::vector<log_offset> ends;
  for (uint32_t i = 0; i < of.partitions(); ++i)
    shards.emplace_back(shard_id{i}, options, take);
  auto enough = false;
  for (uint32_t i = 0; i < of.partitions() && !enough; ++i) {
    auto end = end_of(of, shard_id{i});
    if (const auto* error = std::get_if<storage_error>(&end))
      return *error;
    ends.push_back(std::get<log_offset>(end));
    if (auto error = read_records(of, shard_id{i}, of.begin_offset(shard_id{i}),
                                  ends.back(), [&](const log_record& r) {
                                    enough = enough || !shards[i].take(r);
                                  }))
      return error;
  }
  if (options.follow && !enough)
    if (auto error = follow(of, shards, ends))
      return error;
  for (const auto& s : shards)
    if (!s.problem.empty())
      return {storage_errc::fatal, s.problem};
  return {};
}

} // namespace berth

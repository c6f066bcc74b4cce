// A log with faults: what a broker, a disk or another node may do to appends,
// by plan or by seed. Reading is not disturbed.
#pragma once

#include "storage/log.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

enum class append_fault : uint8_t {
  none = 0,
  /// Answered `refused`; not in the log.
  refused = 1,
  /// Answered `unknown`, and in the log.
  unknown_and_kept = 2,
  /// Answered `unknown`, and not in the log.
  unknown_and_lost = 3,
  /// Answered `unknown`; gets into the log when it is released, behind whatever
  /// was appended since.
  unknown_and_late = 4,
  /// In the log; answered only after a reading of this log has been given it,
  /// or when it is released.
  late_answer = 5,
  /// Waits until it is released, and all later appends to its partition too.
  slow = 6,
  /// In the log twice, as after a resend without idempotence.
  twice = 7,
};
constexpr size_t append_fault_count = 8;

struct planned_fault {
  append_fault fault = append_fault::none;
  /// Appended right before by somebody else, such as a second owner.
  std::vector<std::string> intruders = {};
};

struct random_faults {
  uint64_t seed = 0;
  /// Of 1000 appends, how many have which fault; index is the fault's number,
  /// and that of `none` is not looked at.
  unsigned per_mille[append_fault_count] = {};
  /// Of 1000 appends, before how many somebody else appends first.
  unsigned intruded_per_mille = 0;
  /// Makes what the intruder appends, from what is being appended.
  std::function<std::string(shard_id, std::string_view)> intruder = {};
};

/// Thread-safe when the log behind it is. Destroying it answers what it holds
/// with `unknown`. The log behind it must live longer.
class faulty_log final : public log {
public:
  explicit faulty_log(log& behind);
  ~faulty_log() override;

  faulty_log(const faulty_log&) = delete;
  faulty_log& operator=(const faulty_log&) = delete;

  /// The next append to the partition that has no plan yet gets this one.
  void plan(shard_id partition, planned_fault next);
  /// Appends without a plan fail by chance, the same for the same seed and
  /// order of calls.
  void fail_at_random(random_faults faults);
  /// No more random faults; plans and what is held stay.
  void heal();

  /// How many appends and answers are held.
  size_t held() const;
  /// Lets one go: slow appends first, then late ones, then late answers, the
  /// longest held first; `choice` (modulo their number) picks another.
  /// False when there is none.
  bool release_one(size_t choice = 0);
  /// Lets all go that are held now.
  void release();

  /// How often a fault was done since the beginning.
  size_t done(append_fault fault) const;

  uint32_t partitions() const override;
  std::string cluster_id() const override;
  void append(shard_id partition, std::string bytes,
              append_callback done) override;
  std::unique_ptr<log_reading>
  read(shard_id partition, log_offset from, records_callback on_records,
       std::function<void(storage_error)> failed) override;
  void end_offset(shard_id partition,
                  std::function<void(log_offset, storage_error)> done) override;
  log_offset begin_offset(shard_id partition) override;

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace berth

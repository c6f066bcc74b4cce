// Publishes what one shard's log says: `<prefix>.job-state-changes`, and
// `<prefix>.rejections` for submissions of a topic. It follows the log by
// itself and never delays the shard's owner. At least once: what was published
// after its cursor was written last is published again by whoever takes over.
#pragma once

#include "messages/event_source.hpp"
#include "messages/public_events.hpp"
#include "messages/record.hpp"
#include "messages/responses.hpp"
#include "runtime/batch_credit.hpp"
#include "runtime/change_position.hpp"
#include "runtime/job_transitions.hpp"
#include "runtime/valid_decisions.hpp"
#include "storage/log.hpp"
#include "storage/topic_writer.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// What a publisher asks of its host. A `done` may be called from any thread,
/// also from inside the call; once, or never when the host stops.
struct publisher_ports {
  /// Runs tasks one at a time, in their order; `post_later` after a pause.
  std::function<void(std::function<void()>)> post;
  std::function<void(int64_t after_ms, std::function<void()>)> post_later;
  /// The jobs as they are now, whose account they may be; an answer of
  /// `describe_jobs_call` for `anyone`.
  std::function<void(std::vector<job_key>, std::function<void(result)>)>
      describe;
  /// The dialect's.
  std::function<std::string(const job_event&, const change_sequence&)>
      print_change;
  std::function<std::string(const rejected_submission&)> print_rejection;
  /// What an operator should know.
  std::function<void(std::string)> warn;
  credit_maker credit = make_batch_credit;
};

/// They outlive the publisher.
struct publisher_topics {
  log* truth = nullptr;
  /// Read with its keys.
  log* submissions = nullptr;
  std::string submissions_name;
  topic_writer* changes = nullptr;
  topic_writer* rejections = nullptr;
  /// The same topic twice: the last record of a shard is its publisher's.
  log* cursors = nullptr;
  topic_writer* cursors_writer = nullptr;
};

/// Thread-safe. Make it with `std::make_shared`. A bounded number of batches of
/// records waits; the reading waits beyond.
class publisher : public std::enable_shared_from_this<publisher> {
public:
  publisher(shard_id shard, publisher_topics topics, publisher_ports ports);
  ~publisher();

  /// This node owns the shard now, and publishes for it.
  void on_owned();
  /// It does not any more.
  void on_disowned();

private:
  struct item {
    /// Where it is: `given` counts the items of a decision.
    change_cursor at;
    std::variant<job_transition, message_refused> what;
  };
  /// A record on its way to a public topic.
  struct printed {
    topic_writer* to = nullptr;
    shard_id partition;
    std::string key;
    std::string text;
  };
  struct batch {
    size_t items = 0;
    std::map<job_key, job_view> views;
    /// By partition and offset.
    std::map<std::pair<uint32_t, log_offset>, log_record> originals;
    /// Ranges that are still to be read.
    std::map<uint32_t, std::pair<log_offset, log_offset>> wanted;
    std::vector<printed> records;
  };
  using task = void (publisher::*)();

  void begin();
  void end();
  void find_cursor();
  void take_cursors(const std::vector<log_record>& records, log_offset end);
  void follow();
  void on_records(const std::vector<log_record>& records);
  void take(log_offset offset, const decision_record& decision);
  void pump();
  void describe();
  void on_described(result answer);
  void find_originals();
  void read_originals(uint32_t partition, log_offset from, log_offset to);
  void print();
  void print_one(const job_transition& t);
  void print_one(const message_refused& r);
  void write();
  void on_written(bool whole);
  void give_credit();
  void note_cursor(const change_cursor& at);
  void write_cursor();
  void write_cursor_later();
  /// Runs in its turn, unless the publisher has begun anew or ended since.
  std::function<void(std::function<void()>)> later();
  void pause(int64_t ms, task then);
  void give_up(const std::string& why);

  const shard_id shard_;
  const publisher_topics topics_;
  const publisher_ports ports_;

  uint64_t generation_ = 0;
  bool active_ = false;
  std::optional<change_cursor> cursor_;
  bool cursor_moved_ = false;
  bool cursor_due_ = false;

  std::optional<valid_decisions> decisions_;
  std::shared_ptr<batch_credit> credit_;
  std::unique_ptr<log_reading> reading_;
  /// Of the cursors, then of originals.
  std::unique_ptr<log_reading> side_reading_;
  /// Last offsets of the batches of records that wait.
  std::deque<log_offset> batch_ends_;
  std::deque<item> items_;
  /// The last valid decision that was read, and the number of its items.
  change_cursor read_up_to_;
  /// The items at the front, while they are on their way.
  std::optional<batch> batch_;
};

} // namespace berth

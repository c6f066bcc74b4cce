// Reads `<prefix>.submissions` for one shard: partitions i where i modulo the
// number of shards is the shard's number. Each submission is resolved against
// the catalog and given to the shard's owner, whose decision carries the
// cursor; so each comes into the log exactly once, whoever owned the shard
// meanwhile.
#pragma once

#include "actors/admission.hpp"
#include "actors/shard.hpp"
#include "messages/submission.hpp"
#include "runtime/batch_credit.hpp"
#include "runtime/shard_driver.hpp"
#include "storage/log.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth {

/// What a reader asks of its host. Each `done` may be called from any thread,
/// also from inside the call; once, or never when the host stops.
struct submission_ports {
  /// Runs tasks one at a time, in their order; `post_later` after a pause.
  std::function<void(std::function<void()>)> post;
  std::function<void(int64_t after_ms, std::function<void()>)> post_later;
  submission_parser parse;
  /// To the gateway; see `resolve_submissions`.
  std::function<void(std::shared_ptr<const std::vector<public_submission>>,
                     std::function<void(std::vector<resolved_submission>)>)>
      resolve;
  /// To the shard's host; see `shard_driver::on_submissions`.
  std::function<void(const std::string& source, log_offset after,
                     std::shared_ptr<const std::vector<topic_submission>>,
                     std::function<void(submissions_standing)>)>
      give;
  /// What an operator should know.
  std::function<void(std::string)> warn;
  credit_maker credit = make_batch_credit;
};

struct submission_reader_options {
  shard_id shard;
  uint32_t shards = 1;
  /// The topic, read with its keys; outlives the reader.
  log* from = nullptr;
  /// Its name; sources are named `<topic>/<partition>`.
  std::string topic;
};

/// Thread-safe. Make it with `std::make_shared`. It holds a bounded number of
/// batches of records; the reading waits beyond.
class submission_reader
    : public std::enable_shared_from_this<submission_reader> {
public:
  submission_reader(submission_reader_options options, submission_ports ports);
  ~submission_reader();

  /// The shard is owned by this node, each time anew (`shard_port::owned`): it
  /// reads on from where the shard is. It stops by itself when the shard says
  /// that this is no owner any more.
  void on_owned();
  /// Reads no more. Destruction alone does not wait for a callback at work.
  void stop();

private:
  struct waiting_submission {
    log_offset offset = -1;
    int64_t timestamp_ms = 0;
    std::variant<public_submission, api_error> parsed;
  };
  /// One partition.
  struct feed {
    shard_id partition;
    std::string name;
    /// What comes for an older one is void.
    uint64_t generation = 0;
    bool reads = false;
    /// Something is on its way to gateway or shard.
    bool busy = false;
    /// What the shard has taken, as far as known.
    log_offset taken = -1;
    std::deque<waiting_submission> waiting;
    /// Last offsets of the batches that wait.
    std::deque<log_offset> batch_ends;
    std::shared_ptr<batch_credit> credit;
    std::unique_ptr<log_reading> reading;
  };
  using task = void (submission_reader::*)(feed&);

  void begin(feed& f);
  void end(feed& f);
  void start_reading(feed& f, log_offset from);
  void on_records(feed& f, const std::vector<log_record>& records);
  void on_failed(feed& f, const storage_error& error);
  void pump(feed& f);
  void on_resolved(feed& f, size_t count,
                   std::vector<resolved_submission> answers);
  void on_standing(feed& f, log_offset given_up_to, submissions_standing now);
  void pause(feed& f, int64_t ms, task then);
  /// Runs in its turn, unless the feed has begun anew or ended since.
  std::function<void(std::function<void(feed&)>)> later_for(const feed& f);
  topic_submission submission_of(const feed& f, const waiting_submission& w,
                                 const admitted_submission& what) const;

  const submission_reader_options options_;
  const submission_ports ports_;
  /// Never resized after the start: feeds are named by their index.
  std::vector<feed> feeds_;
};

} // namespace berth

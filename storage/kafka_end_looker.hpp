// Answers questions for the ends of partitions (rule Barrier), in threads of
// its own.
//
// Those that came before a broker was asked share its answer. A partition whose
// leader does not answer at once goes on being asked for beside the others, so
// that it keeps them waiting for one short look at most; its questions wait
// until a leader answers.
#pragma once

#include "storage/kafka_source.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace berth {

class kafka_end_looker {
public:
  using answer = std::function<void(log_offset, storage_error)>;

  storage_error open(std::shared_ptr<const kafka_source> source);
  /// Answers what still waits with `fenced`.
  ~kafka_end_looker();

  /// The answer comes from a thread of its own.
  void ask(shard_id partition, answer done);

  /// False when no leader answered within the log's `answer_patience_ms`.
  bool look_now(shard_id partition, log_bounds& seen);

private:
  enum class lane { prompt, failing };
  using questions = std::pair<shard_id, std::vector<answer>>;

  void serve(lane which);
  /// Waits for questions of the lane; false when closing. Partitions take
  /// turns.
  bool take(lane which, shard_id last, questions& taken);
  bool find(lane which, shard_id last, questions& taken);
  void put_back(questions unanswered);

  std::shared_ptr<const kafka_source> source_;
  kafka_owned<rd_kafka_t> client_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<shard_id, std::vector<answer>> asked_;
  /// Partitions whose last look had no answer.
  std::set<shard_id> failing_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

} // namespace berth

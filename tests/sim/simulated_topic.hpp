// A topic as those of a Kafka with several brokers: what an appender is told
// and what became of its record are two things, readers see a record some time
// after it is in, and each partition's broker gives append times by a clock of
// its own.
#pragma once

#include "storage/log.hpp"
#include "tests/sim/simulated_network.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::sim {

/// Who appends or reads, and from where.
struct log_client {
  /// `node 2`, `agent 1`
  std::string name;
  place at;
  process_life* life = nullptr;
};

/// One append, for whoever looks at the topic from outside.
struct landed_append {
  shard_id partition;
  log_offset offset = 0;
  /// Counts all appends to the topic, in the order in which they were made.
  uint64_t number = 0;
  const log_client& by;
  const std::string& bytes;
  /// Its appender does not hear of it, or has given it up already.
  bool is_unknown = false;
};

class topic_watcher {
public:
  virtual ~topic_watcher() = default;
  virtual void landed(const landed_append& a) = 0;
  virtual void visible(shard_id partition, log_offset offset) = 0;
  /// Its appender will be told that the outcome is unknown, and it never lands.
  virtual void lost() = 0;
};

class simulated_topic {
public:
  /// `watcher`: nobody, or somebody who outlives the topic.
  simulated_topic(const parameters& with, timeline& time, random_source random,
                  simulated_network& network, uint32_t partitions,
                  topic_watcher* watcher);

  /// `done` comes in the client's present life; in no other is it heard.
  void append(const log_client& by, shard_id to, std::string bytes,
              std::function<void(append_outcome)> done);

  /// Lands at once, whoever it is from.
  void insert(const log_client& by, shard_id to, std::string bytes);

  /// Records in offset order, from `from` on, until `stop_reading`.
  uint64_t
  start_reading(const log_client& by, shard_id from_shard, log_offset from,
                std::function<void(const std::vector<log_record>&)> on_records);
  void stop_reading(uint64_t reading);

  /// What readers can see now, asked over the network.
  void end_offset(const log_client& by, shard_id of,
                  std::function<void(log_offset)> done);

  uint32_t partitions() const {
    return static_cast<uint32_t>(partitions_.size());
  }
  const std::vector<log_record>& records(shard_id of) const {
    return partitions_.at(of.value).records;
  }
  /// Records that no reader can see yet, or appends on their way.
  bool is_quiet() const;
  sim_time last_landed_at() const { return last_landed_at_; }

  /// Everything takes so many times as long; 1 = as usual.
  void set_slowness(shard_id of, double times);
  void jump_clock(shard_id of, int64_t by_ms);
  /// Appends on their way may still be lost or land late.
  void end_faults();

private:
  enum class fate : uint8_t { fine, refused, lost, unknown, late };
  struct append_under_way;
  using shared_append = std::shared_ptr<append_under_way>;

  struct partition {
    std::vector<log_record> records;
    /// The high watermark: readers see what is before it.
    log_offset visible = 0;
    sim_time next_visible_at = 0;
    int64_t clock_offset_ms = 0;
    double slowness = 1;
    /// When each client's last append arrives.
    std::map<std::string, sim_time> last_arrival;
    /// What a client's life could not bring here yet, and what came behind it.
    std::map<std::pair<std::string, uint64_t>, std::deque<shared_append>> held;
  };
  struct reader {
    log_client by;
    shard_id shard;
    log_offset next = 0;
    bool fetching = false;
    std::function<void(const std::vector<log_record>&)> on_records;
  };

  fate draw_fate();
  sim_time latency(const partition& p, double share);
  void arrive(const shared_append& a);
  void try_again(const shared_append& first);
  void lose();
  void land(const shared_append& a);
  void land_again(const append_under_way& a);
  void become_visible(const shared_append& a, log_offset offset);
  void tell(const shared_append& a, append_outcome outcome, sim_time when);
  void fetch(uint64_t reading);
  void deliver(uint64_t reading);

  const parameters& with_;
  timeline& time_;
  random_source random_;
  simulated_network& network_;
  std::vector<partition> partitions_;
  topic_watcher* watcher_;
  std::map<uint64_t, reader> readers_;
  uint64_t last_reading_ = 0;
  uint64_t last_append_ = 0;
  uint64_t under_way_ = 0;
  sim_time last_landed_at_ = 0;
  bool faults_on_ = true;
};

} // namespace berth::sim

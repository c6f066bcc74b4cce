// One shard of one node: the driver that nodes run, and everything that it asks
// of its host, done by the simulated world.
#pragma once

#include "runtime/shard_driver.hpp"
#include "tests/sim/node_watch.hpp"
#include "tests/sim/simulated_store.hpp"
#include "tests/sim/simulated_topic.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::sim {

class sim_node;

class node_shard final : public shard_port {
public:
  node_shard(sim_node& node, shard_id id, simulated_store& store);
  ~node_shard() override;
  node_shard(const node_shard&) = delete;
  node_shard& operator=(const node_shard&) = delete;

  void start();
  void set_candidate(bool candidate) { driver_.set_candidate(candidate); }
  void set_followed(bool followed) { driver_.set_followed(followed); }
  void on_taken(const std::string& destination, uint64_t up_to,
                bool and_no_more);
  /// Calls that a gateway, of this node or another, brings; that life of it
  /// waits for the answers.
  void take_calls(sim_node& from, uint64_t life,
                  std::vector<std::pair<call_token, shard_call>> calls);

  /// Of a topic; see `shard_driver::on_submissions`.
  submissions_standing
  take_submissions(const std::string& source, log_offset after,
                   const std::vector<topic_submission>& given) {
    return driver_.on_submissions(source, after, given);
  }

  /// Of the node's watch over an agent: nobody waits for its answer.
  void take_call_of_nobody(shard_call call);
  void on_agent_heartbeat(const agent_heartbeat& h) { watch_.on_heartbeat(h); }
  void on_heartbeats_read(uint64_t look) { watch_.on_heartbeats_read(look); }
  /// Whether heartbeats can be appended and read.
  void on_broker(bool is_there) { watch_.on_broker(is_there); }

  /// Calls `then` once everything that is in the log now was folded here.
  void when_at_end(std::function<void()> then);
  bool is_owner() const;
  /// Its configuration was folded here.
  bool knows(environment_uid environment) const;
  /// Folded to near the log's end.
  bool is_warm() const;
  /// What waits to be decided, read back or delivered; empty when nothing does.
  std::string what_is_left() const;
  const shard_driver& driver() const { return driver_; }

  // What the driver asks for.
  int64_t boottime_ms() override;
  std::string fresh_nonce() override;
  void start_reading(uint64_t incarnation, log_offset from) override;
  void stop_reading() override;
  void look_at_end(uint64_t incarnation) override;
  void append(uint64_t incarnation, std::string bytes) override;
  void append_to(uint64_t incarnation, shard_id to, sending this_time,
                 const std::string& bytes) override;
  void send(uint64_t incarnation, sending this_time, dispatch what) override;
  void write(std::shared_ptr<const row_batch> rows,
             const checkpoint& at) override;
  void wake_at(int64_t boottime_ms) override;
  void restart_later() override;
  void answer(std::vector<call_answer> answers) override;
  void folded(log_offset at,
              const std::shared_ptr<const decision_record>& d) override;
  void catalog_loaded(std::shared_ptr<std::vector<row>> rows) override;
  void owned() override;
  void disowned() override;
  void resting() override;
  void reloading(const std::string& why) override;
  void fatal(const std::string& why) override;

private:
  struct waiting_answer {
    sim_node* to = nullptr;
    uint64_t life = 0;
    call_token token = 0;
  };
  /// What was sent to an agent's session and has no receipt yet.
  struct lane_to_agent {
    uint64_t taken_up_to = 0;
  };

  void take(uint64_t incarnation, const std::vector<log_record>& records);
  void give(uint64_t incarnation, const std::vector<log_record>& records);
  bool is_ahead(std::string_view bytes) const;
  void tell_claim(const shard& m);
  void look_at_state(log_offset after);
  void go_on_at_end();
  void checkpoint_every_so_often();
  void stop_watching_when_fenced();
  void refuse_write();
  void send_by_topic(uint64_t incarnation, const sending& this_time,
                     const std::shared_ptr<const dispatch>& what);
  void expect_receipt(uint64_t incarnation, const sending& this_time);
  std::function<void(append_outcome)> when_sent(uint64_t incarnation,
                                                const sending& this_time);

  sim_node& node_;
  shard_id id_;
  simulated_store& store_;
  shard_driver driver_;
  node_watch watch_;
  bool is_watching_ = false;
  /// By its nonce.
  std::string claim_told_;
  bool reading_began_ = false;
  bool was_at_rest_ = false;
  uint64_t reading_ = 0;
  uint64_t wake_ = 0;
  std::string last_nonce_;
  call_token last_token_ = 0;
  std::map<call_token, waiting_answer> answers_;
  std::map<std::string, lane_to_agent> lanes_;
  /// By the end that each waits for.
  std::multimap<log_offset, std::function<void()>> waiting_for_end_;
};

} // namespace berth::sim

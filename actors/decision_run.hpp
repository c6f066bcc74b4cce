// One run of inputs on its way to becoming a decision (rule One at a time):
// each input sees the effects of those before it, messages between actors of
// the shard are handled inside, and at its end the queues and environments of
// the shard settle.
#pragma once

#include "actors/draft.hpp"
#include "actors/shard_state.hpp"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace berth {

struct topic_submission;

class decision_run {
public:
  decision_run(shard_state& state, const decision_context& context,
               uint64_t seq);

  // Inputs.
  void take(call_token token, const shard_call& call);
  void take(log_offset offset, const message_record& message);
  void take(topic_submission s);
  void record_delivery(const std::string& to, uint64_t up_to);
  /// Fires timers, goes on with long work, then lets queues and environments
  /// exchange demand and grant until nothing changes or the run is full.
  void finish();

  /// The named limits of a decision are reached: no further input fits.
  bool is_full() const;

  std::vector<event> events;
  std::vector<outbox_message> outbox;
  std::vector<call_answer> answers;
  /// Those of calls whose effect reaches other shards.
  std::vector<call_answer> answers_after_delivery;
  uint64_t messages_taken = 0;
  uint64_t messages_passed_over = 0;
  uint64_t messages_refused = 0;

private:
  template <class Decide>
  void decide(Decide&& what);
  void absorb();
  void emit(event e);
  void deliver_inside();
  void route(const actor_message& message);
  template <class Message>
  void route_one(const Message& message);
  void submit(call_token token, const submit_job_call& call);
  void take_submission(const submit_job& m);
  void take_reports(const agent_reports& reports);
  bool take_number(const std::string& source, uint64_t number);
  void settle();
  void drop_gone_queues();
  void post(destination to, outbox_body body);
  void forget_older_sessions(const agent_id& agent, const session_id& session);
  uint64_t last_taken(const std::string& source) const;

  shard_state& state_;
  decision_context context_;
  draft draft_;
  std::deque<actor_message> inside_;
  std::map<std::string, uint64_t> taken_;
  size_t bytes_ = 0;
};

} // namespace berth

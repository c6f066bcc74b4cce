// A decision in the making: where actors put what they decided.
//
// Actors are state machines: `decide(message, context, draft) const` reads its
// own state and changes nothing; `apply(event)` is the only writer, total, and
// the same live, in replay and on a follower. The shard applies each event of a
// draft as soon as the `decide` that emitted it has returned, then hands over
// the messages it sent to actors of the same shard, first in first out.
#pragma once

#include "messages/calls.hpp"
#include "messages/events.hpp"
#include "messages/record.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth {

/// Names a call that waits for its answer; the gateway's own number.
using call_token = uint64_t;
/// Of a call for which nobody waits: it is never answered.
constexpr call_token no_caller = 0;

/// Store rows fetched before a decision, by key: nothing = no such row.
using fetched_rows = std::map<std::string, std::optional<std::string>>;

/// What `decide` may know beside its state.
struct decision_context {
  /// The decision's `at_ms` (rule Time).
  int64_t now_ms = 0;
  shard_id self;
  /// What `keys_needed` named, fetched by the host.
  const fetched_rows* rows = nullptr;
};

/// A row range asked of the store: `from` <= key < `to`.
struct row_range {
  std::string from;
  std::string to;
  size_t limit = 0;
  bool backwards = false;
};

struct needed_rows {
  std::vector<std::string> keys;
  std::vector<row_range> ranges;
  bool empty() const { return keys.empty() && ranges.empty(); }
};

/// An actor message on its way to a shard; same-shard ones stay inside.
struct sent_message {
  shard_id to;
  actor_message body;
};

struct sent_dispatch {
  agent_id agent;
  session_id session;
  dispatch_body body;
};

struct call_answer {
  call_token token = 0;
  result answer;
};

class draft {
public:
  void emit(event e) { events.push_back(std::move(e)); }
  void send(shard_id to, actor_message m) {
    messages.push_back({to, std::move(m)});
  }
  void dispatch(agent_id agent, session_id session, dispatch_body body) {
    dispatches.push_back({std::move(agent), session, std::move(body)});
  }
  /// Released once the decision is confirmed.
  void answer(call_token token, result r) {
    answers.push_back({token, std::move(r)});
  }
  /// The position of a new submission; grows with every call and decision.
  queue_position next_position() { return position_base + positions++; }

  std::vector<event> events;
  std::vector<sent_message> messages;
  std::vector<sent_dispatch> dispatches;
  std::vector<call_answer> answers;
  queue_position position_base = 0;
  queue_position positions = 0;
};

/// Accumulates a state's fingerprint; equal states give equal values on every
/// node and after every kind of load. Order of adding does not matter.
class state_hash {
public:
  void add(std::string_view table, std::string_view row_bytes);
  uint64_t value() const { return value_; }

private:
  uint64_t value_ = 0;
};

} // namespace berth

// Where a gateway's calls go: each to the node that owns its shard, and again
// to the next one when that node turns it away, falls silent or loses the
// shard. Sending a call again is safe, for a repeated call has one effect and
// one answer (see "Ids make retries safe").
#pragma once

#include "actors/draft.hpp"
#include "messages/calls.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace berth {

struct call_router_settings {
  /// A call without an answer for so long is given up as `unavailable`.
  int64_t patience_ms = 15'000;
  /// Pause before a call that was turned away is made again; the second one and
  /// all further ones are twice as long.
  int64_t again_ms = 50;
};

/// Most calls that wait for an owner; more are turned away at once
/// (`too_many_requests`).
constexpr size_t routed_calls_max = 65'536;

/// Bring the call to the node.
struct bring_call_effect {
  std::string endpoint;
  shard_id to;
  call_token token = 0;
  shard_call what;
};
/// Tell the gateway.
struct answer_call_effect {
  call_token token = 0;
  result answer;
};
using call_router_effect = std::variant<bring_call_effect, answer_call_effect>;

class call_router {
public:
  explicit call_router(call_router_settings settings);

  // Inputs.

  /// CLOCK_BOOTTIME of this machine; comes before what happened at that time.
  void on_clock(int64_t boottime_ms);
  void on_call(shard_id to, call_token token, shard_call what);
  /// Who owns the shard, by the latest claim that this node has read.
  void on_owner(shard_id of, const std::string& endpoint);
  /// A member says that it owns the shard. Counts until a claim was read: a
  /// node that starts behind the latest one knows of nobody else.
  void on_holder(shard_id of, const std::string& endpoint);
  /// This node reads no claims of the shard from now on: what members say
  /// counts again.
  void on_at_rest(shard_id of);
  /// That node cannot be reached: what was brought to it is brought again.
  void on_unreachable(const std::string& endpoint);
  /// `from`: who answers. Of several answers to one call the first one that is
  /// not a turning away counts.
  void on_answer(const std::string& from, call_token token, result answer);

  std::vector<call_router_effect> take_effects();
  /// When `on_clock` is due next.
  std::optional<int64_t> next_due_boottime_ms() const;
  size_t waiting() const { return calls_.size(); }

private:
  struct routed_call {
    shard_id to;
    shard_call what;
    int64_t given_up_ms = 0;
    /// Brought to this node and not answered; empty = it waits here.
    std::string at;
    /// When it is brought again at the latest; 0 = with the next owner.
    int64_t again_ms = 0;
    bool turned_away = false;
  };
  void bring_to_owner(shard_id of, const std::string& endpoint);
  void bring(call_token token, routed_call& call);
  void wait(call_token token, routed_call& call);
  void drop_due(call_token token, const routed_call& call);
  void finish(call_token token, result answer);
  void give_up(call_token token);

  call_router_settings settings_;
  int64_t boottime_ms_ = 0;
  std::map<shard_id, std::string> owners_;
  /// Shards whose owner a claim has named.
  std::set<shard_id> claimed_;
  std::map<call_token, routed_call> calls_;
  /// Both by time.
  std::set<std::pair<int64_t, call_token>> again_;
  std::set<std::pair<int64_t, call_token>> ends_;
  std::vector<call_router_effect> effects_;
};

} // namespace berth

// A node's gateway: the machine, its replica of the catalog, and what
// `runtime/gateway` does around it.
#pragma once

#include "actors/call_router.hpp"
#include "actors/change_spread.hpp"
#include "actors/gateway_machine.hpp"
#include "messages/gateway_interface.hpp"
#include "messages/record.hpp"
#include "messages/submission.hpp"
#include "storage/store.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace berth::sim {

class sim_node;

class node_gateway {
public:
  explicit node_gateway(sim_node& node);

  void call(caller who, request what, std::function<void(result)> answer);
  /// Submissions of a topic; all are answered at once.
  void resolve(const std::vector<public_submission>& what,
               std::function<void(std::vector<resolved_submission>)> done);
  /// Of a call to a shard, from the node at `from`; too late when that was
  /// given up.
  void on_answer(const std::string& from, call_token token, result answer);
  void on_claim(shard_id of, const std::string& endpoint);
  /// A member says that it owns the shard.
  void on_holder(shard_id of, const std::string& endpoint);
  /// Claims of the shard are not read here any more.
  void on_at_rest(shard_id of) { router_.on_at_rest(of); }
  void on_members(const std::vector<std::string>& endpoints);
  void on_unreachable(const std::string& endpoint);
  void on_folded(log_offset at, const decision_record& decision);
  void on_catalog(const std::vector<row>& rows);

private:
  /// Submissions that are answered together, by the token of the first.
  struct batch {
    std::vector<resolved_submission> answers;
    size_t outstanding = 0;
    std::function<void(std::vector<resolved_submission>)> done;
  };
  /// A change of the catalog that members are waited for with.
  struct open_change {
    std::string invocation_id;
    int64_t since_boottime_ms = 0;
    std::set<std::string> asked;
    std::set<std::string> answered;
  };
  void carry_out();
  void note(submission_resolved_effect& resolved);
  void carry_out(gateway_effect& effect);
  void route();
  void set_clock();
  void wake_when_due();
  void ask_replica(call_token token);
  void ask_members();
  void spread(const spread_change_effect& change);
  void settle(call_token change);
  void answer_barrier(call_token token, result answer);

  sim_node& node_;
  gateway_machine machine_;
  call_router router_;
  change_spread spread_;
  uint64_t wake_ = 0;
  request_token last_token_ = 0;
  struct open_call {
    std::string invocation_id;
    std::function<void(result)> answer;
  };
  std::map<request_token, open_call> open_;
  std::map<call_token, open_change> changes_;
  std::set<std::string> members_;
  std::map<request_token, batch> batches_;
  /// Calls to shards, and barriers of the replica, that were neither answered
  /// nor given up.
  std::set<call_token> waiting_;
  std::set<call_token> barriers_;
};

} // namespace berth::sim

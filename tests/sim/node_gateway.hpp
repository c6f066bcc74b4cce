// A node's gateway: the machine, its replica of the catalog, and what
// `runtime/gateway` does around it.
#pragma once

#include "actors/gateway_machine.hpp"
#include "messages/gateway_interface.hpp"
#include "messages/record.hpp"
#include "storage/store.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace berth::sim {

class sim_node;

class node_gateway {
public:
  explicit node_gateway(sim_node& node);

  void call(caller who, request what, std::function<void(result)> answer);
  /// Of a call to a shard; too late when that was given up.
  void on_answer(call_token token, result answer);
  void on_folded(log_offset at, const decision_record& decision);
  void on_catalog(const std::vector<row>& rows);

private:
  void carry_out();
  void give_up(call_token token);

  sim_node& node_;
  gateway_machine machine_;
  request_token last_token_ = 0;
  std::map<request_token, std::function<void(result)>> open_;
  /// Calls to shards that were neither answered nor given up.
  std::set<call_token> waiting_;
};

} // namespace berth::sim

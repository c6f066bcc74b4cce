#include "tests/sim/node_gateway.hpp"

#include "tests/sim/sim_node.hpp"

#include <algorithm>

namespace berth::sim {

namespace {

/// How long a gateway waits for a shard's owner.
constexpr sim_time call_timeout = 3 * second;

/// Stands for the SHA-256 of the product: see `hash_of` in `runtime/gateway`.
std::array<uint8_t, 16> hash_of(const caller& who) {
  std::array<uint8_t, 16> hash{};
  uint64_t half = 0;
  for (size_t i = 0; i < hash.size(); ++i) {
    if (i % 8 == 0)
      for (const auto* part : {&who.owner.account, &who.owner.region,
                               &who.invocation_id, &who.body_hash})
        half = mixed(half + 1, std::string_view{*part});
    hash[i] = static_cast<uint8_t>(half >> (8 * (i % 8)));
  }
  return hash;
}

bool changes_environments(const decision_record& decision) {
  return std::any_of(decision.events.begin(), decision.events.end(),
                     [](const event& e) {
                       return std::holds_alternative<environment_created>(e)
                              || std::holds_alternative<environment_updated>(e)
                              || std::holds_alternative<environment_deleted>(e);
                     });
}

} // namespace

node_gateway::node_gateway(sim_node& node)
    : node_(node),
      machine_({node.world().cluster().shards,
                [](const std::string& stored, const std::string& update) {
                  return update.empty() ? stored : update;
                }}) {}

void node_gateway::call(caller who, request what,
                        std::function<void(result)> answer) {
  auto token = ++last_token_;
  open_[token] = std::move(answer);
  auto hash = hash_of(who);
  machine_.on_request(token, std::move(who), std::move(what), hash);
  carry_out();
}

void node_gateway::on_answer(call_token token, result answer) {
  if (waiting_.erase(token) == 0) {
    node_.world().history.situation("call_answered_after_it_was_given_up");
    return;
  }
  machine_.on_answer(token, std::move(answer));
  carry_out();
}

void node_gateway::give_up(call_token token) {
  if (waiting_.erase(token) == 0)
    return;
  machine_.on_answer(
      token, api_error{api_errc::unavailable, "the owner does not answer"});
  carry_out();
}

void node_gateway::on_folded(log_offset at, const decision_record& decision) {
  machine_.on_folded(decision);
  if (changes_environments(decision))
    node_.tell_environments(at, machine_.catalog());
}

void node_gateway::on_catalog(const std::vector<row>& rows) {
  for (const auto& [key, bytes] : rows)
    machine_.load_row(key, bytes);
}

void node_gateway::carry_out() {
  std::map<shard_id, sim_node::shard_calls> by_shard;
  for (auto& effect : machine_.take_effects()) {
    if (auto* call = std::get_if<call_shard_effect>(&effect)) {
      waiting_.insert(call->token);
      node_.life().after(call_timeout,
                         [this, token = call->token] { give_up(token); });
      // A replica's barrier is its own: what it has folded is what counts, not
      // what the owner has.
      if (call->to.value == 0
          && std::holds_alternative<barrier_call>(call->what)) {
        node_.shard(call->to).when_at_end([this, token = call->token] {
          on_answer(token, response{done_response{}});
        });
        continue;
      }
      by_shard[call->to].emplace_back(call->token, std::move(call->what));
      continue;
    }
    auto& answered = std::get<answer_request_effect>(effect);
    auto found = open_.find(answered.token);
    if (found == open_.end())
      continue;
    auto answer = std::move(found->second);
    open_.erase(found);
    answer(std::move(answered.answer));
  }
  for (auto& [to, calls] : by_shard)
    node_.bring(to, std::move(calls));
}

} // namespace berth::sim

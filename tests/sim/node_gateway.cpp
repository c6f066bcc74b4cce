#include "tests/sim/node_gateway.hpp"

#include "tests/sim/sim_node.hpp"

#include <algorithm>

namespace berth::sim {

namespace {

/// How long a gateway waits for a shard's owner; clients wait longer.
constexpr int64_t patience_ms = 3000;
/// How long a change of the catalog waits for a member.
constexpr int64_t spread_patience_ms = 2000;

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
                },
                true}),
      router_([] {
        call_router_settings s;
        s.patience_ms = patience_ms;
        return s;
      }()),
      spread_({node.endpoint(), spread_patience_ms}) {}

void node_gateway::call(caller who, request what,
                        std::function<void(result)> answer) {
  auto token = ++last_token_;
  open_[token] = {who.invocation_id, std::move(answer)};
  auto hash = hash_of(who);
  machine_.on_request(token, std::move(who), std::move(what), hash);
  carry_out();
}

void node_gateway::resolve(
    const std::vector<public_submission>& what,
    std::function<void(std::vector<resolved_submission>)> done) {
  if (what.empty())
    return done({});
  auto token = last_token_ + 1;
  last_token_ += what.size();
  batches_[token] = {std::vector<resolved_submission>(what.size()), what.size(),
                     std::move(done)};
  for (const auto& s : what)
    machine_.resolve(token++, s.owner, s.what);
  set_clock();
  carry_out();
}

void node_gateway::note(submission_resolved_effect& resolved) {
  auto found = std::prev(batches_.upper_bound(resolved.token));
  auto& [first, batch] = *found;
  batch.answers[resolved.token - first] = std::move(resolved.what);
  if (--batch.outstanding > 0)
    return;
  auto whole = std::move(batch);
  batches_.erase(found);
  whole.done(std::move(whole.answers));
}

void node_gateway::set_clock() {
  auto now = node_.clock().boottime_ms(node_.world().now());
  router_.on_clock(now);
  spread_.on_clock(now);
}

void node_gateway::on_answer(const std::string& from, call_token token,
                             result answer) {
  set_clock();
  auto has_folded = std::holds_alternative<response>(answer);
  if (auto change = changes_.find(token);
      change != changes_.end() && has_folded)
    change->second.answered.insert(from);
  if (spread_.on_answer(from, token, has_folded))
    return carry_out();
  if (waiting_.count(token) == 0)
    node_.world().history.situation("call_answered_after_it_was_given_up");
  router_.on_answer(from, token, std::move(answer));
  carry_out();
}

void node_gateway::on_claim(shard_id of, const std::string& endpoint) {
  set_clock();
  router_.on_owner(of, endpoint);
  carry_out();
}

void node_gateway::on_holder(shard_id of, const std::string& endpoint) {
  set_clock();
  router_.on_holder(of, endpoint);
  carry_out();
}

void node_gateway::on_members(const std::vector<std::string>& endpoints) {
  set_clock();
  members_ = {endpoints.begin(), endpoints.end()};
  spread_.on_members(endpoints);
  machine_.on_membership(
      std::find(endpoints.begin(), endpoints.end(), node_.endpoint())
      != endpoints.end());
  carry_out();
}

void node_gateway::on_unreachable(const std::string& endpoint) {
  set_clock();
  for (auto& [token, change] : changes_)
    change.asked.erase(endpoint);
  router_.on_unreachable(endpoint);
  spread_.on_unreachable(endpoint);
  carry_out();
}

/// A replica's barrier is its own: what it has folded is what counts, not what
/// the owner has.
void node_gateway::ask_replica(call_token token) {
  barriers_.insert(token);
  node_.life().after(patience_ms * millisecond, [this, token] {
    answer_barrier(token, api_error{api_errc::unavailable,
                                    "the log's end cannot be seen"});
  });
  node_.shard(shard_id{0}).when_at_end([this, token] {
    answer_barrier(token, response{done_response{}});
  });
}

void node_gateway::answer_barrier(call_token token, result answer) {
  if (barriers_.erase(token) == 0)
    return;
  machine_.on_answer(token, std::move(answer));
  set_clock();
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
  route();
  for (auto effects = machine_.take_effects(); !effects.empty();
       effects = machine_.take_effects()) {
    for (auto& effect : effects)
      carry_out(effect);
    route();
  }
  wake_when_due();
}

void node_gateway::carry_out(gateway_effect& effect) {
  if (auto* call = std::get_if<call_shard_effect>(&effect)) {
    if (call->to.value == 0 && std::holds_alternative<barrier_call>(call->what))
      return ask_replica(call->token);
    waiting_.insert(call->token);
    return router_.on_call(call->to, call->token, std::move(call->what));
  }
  if (auto* change = std::get_if<spread_change_effect>(&effect))
    return spread(*change);
  if (auto* resolved = std::get_if<submission_resolved_effect>(&effect))
    return note(*resolved);
  auto& answered = std::get<answer_request_effect>(effect);
  auto found = open_.find(answered.token);
  if (found == open_.end())
    return;
  auto answer = std::move(found->second.answer);
  open_.erase(found);
  answer(std::move(answered.answer));
}

/// Whom changes of the catalog wait for.
void node_gateway::ask_members() {
  for (auto& effect : spread_.take_effects())
    if (auto* settled = std::get_if<change_settled_effect>(&effect)) {
      settle(settled->token);
      machine_.on_answer(settled->token, response{done_response{}});
    } else {
      auto& asked = std::get<ask_member_effect>(effect);
      changes_[asked.token].asked.insert(asked.endpoint);
      node_.bring(asked.endpoint, catalog_shard,
                  {{asked.token, barrier_call{}}});
    }
}

void node_gateway::spread(const spread_change_effect& change) {
  auto& open = changes_[change.token];
  open.since_boottime_ms = node_.clock().boottime_ms(node_.world().now());
  if (auto call = open_.find(change.request); call != open_.end())
    open.invocation_id = call->second.invocation_id;
  spread_.on_change(change.token);
}

/// Says who was not waited for: who was none of the members then or is none
/// now, who cannot be reached, and, when it took too long, who is silent.
void node_gateway::settle(call_token change) {
  auto found = changes_.find(change);
  const auto& c = found->second;
  auto now = node_.clock().boottime_ms(node_.world().now());
  auto is_late = now - c.since_boottime_ms >= spread_patience_ms;
  change_spread_over over{c.invocation_id, {}};
  for (uint32_t i = 0; i < node_.world().cluster().nodes; ++i) {
    auto who = "sim-" + std::to_string(i);
    auto is_member = who == node_.endpoint() || members_.count(who) != 0;
    if (c.answered.count(who) == 0
        && (is_late || !is_member || c.asked.count(who) == 0))
      over.excused.insert(i);
  }
  node_.world().history.add(std::move(over));
  changes_.erase(found);
}

/// What the router wants; an answer may make the machine ask on.
void node_gateway::route() {
  ask_members();
  std::map<std::pair<std::string, shard_id>, sim_node::shard_calls> brought;
  for (auto& effect : router_.take_effects()) {
    if (auto* told = std::get_if<answer_call_effect>(&effect)) {
      waiting_.erase(told->token);
      machine_.on_answer(told->token, std::move(told->answer));
      continue;
    }
    auto& call = std::get<bring_call_effect>(effect);
    brought[{call.endpoint, call.to}].emplace_back(call.token,
                                                   std::move(call.what));
  }
  for (auto& [to, calls] : brought)
    node_.bring(to.first, to.second, std::move(calls));
}

void node_gateway::wake_when_due() {
  auto due = std::min(router_.next_due_boottime_ms().value_or(INT64_MAX),
                      spread_.next_due_boottime_ms().value_or(INT64_MAX));
  if (due == INT64_MAX)
    return;
  node_.life().at(node_.clock().when(due), [this, wake = ++wake_] {
    if (wake != wake_)
      return;
    set_clock();
    carry_out();
  });
}

} // namespace berth::sim

#include "runtime/gateway.hpp"

#include "actors/change_spread.hpp"
#include "actors/gateway_machine.hpp"
#include "runtime/boottime.hpp"
#include "runtime/shard_host.hpp"

#include <algorithm>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <openssl/evp.h>
#include <utility>

namespace berth {

namespace {

/// See "Ids make retries safe": the same for all tries of one call.
std::array<uint8_t, 16> hash_of(const caller& who) {
  auto text = who.owner.account + "\n" + who.owner.region + "\n"
              + who.invocation_id + "\n" + who.body_hash;
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(),
             nullptr);
  std::array<uint8_t, 16> first{};
  std::copy_n(digest.begin(), first.size(), first.begin());
  return first;
}

bool changes_environments(const decision_record& decision) {
  return std::any_of(decision.events.begin(), decision.events.end(),
                     [](const event& e) {
                       return std::holds_alternative<environment_created>(e)
                              || std::holds_alternative<environment_updated>(e)
                              || std::holds_alternative<environment_deleted>(e);
                     });
}

struct gateway_state {
  static inline const char* name = "gateway";

  gateway_actor::pointer self = nullptr;
  gateway_host_options options;
  std::unique_ptr<gateway_machine> machine;
  std::vector<shard_host_actor> shards;
  request_token last_token = 0;
  std::map<request_token, std::function<void(result)>> open;

  // In a cluster.
  std::optional<call_router> router;
  std::optional<change_spread> spread;
  node_door_actor door;
  /// Barriers of the replica that are not reached, and when each is given up.
  std::map<call_token, int64_t> barriers;
  int64_t wake_at_ms = INT64_MAX;
  uint64_t wake_generation = 0;

  /// A batch of submissions and the token of its first one.
  struct resolving {
    std::vector<resolved_submission> answers;
    size_t outstanding = 0;
    std::function<void(std::vector<resolved_submission>)> done;
  };
  std::map<request_token, resolving> batches;

  void make_machine() {
    machine = std::make_unique<gateway_machine>(
        gateway_options{options.shard_count, options.merge_details,
                        options.cluster.has_value()});
  }
  void carry_out();
  void call(call_shard_effect& call, std::map<shard_id, shard_calls>& local);
  void ask_replica(call_token token);
  void ask_own_replica(call_token token);
  void ask_members();
  void set_clock();
  void route();
  void wake_when_due();
  void on_owner(const owner_known& m);
  void on_members(const std::vector<std::string>& endpoints);
  void on_answers(const std::string& from,
                  const std::vector<call_answer>& answers);
  void give_barriers_up();
  void resolve(const resolve_submissions& m);
  void note(submission_resolved_effect& resolved);
  void tell_environments();
};

void gateway_state::call(call_shard_effect& call,
                         std::map<shard_id, shard_calls>& local) {
  if (!router) {
    local[call.to].calls.emplace_back(call.token, std::move(call.what));
    return;
  }
  // A replica's barrier is its own: what this node has folded counts, not what
  // the owner has.
  if (call.to == catalog_shard
      && std::holds_alternative<barrier_call>(call.what))
    ask_replica(call.token);
  else
    router->on_call(call.to, call.token, std::move(call.what));
}

void gateway_state::ask_replica(call_token token) {
  barriers[token] = boottime_ms() + options.cluster->routing.patience_ms;
  ask_own_replica(token);
}

void gateway_state::ask_own_replica(call_token token) {
  berth::ask_replica(
      shards.at(catalog_shard.value),
      [gateway = caf::actor_cast<gateway_actor>(self), token](result answer) {
        caf::anon_send(gateway, shard_answers{{{token, std::move(answer)}}});
      });
}

/// Whom changes of the catalog wait for.
void gateway_state::ask_members() {
  for (auto& effect : spread->take_effects()) {
    if (auto* settled = std::get_if<change_settled_effect>(&effect)) {
      machine->on_answer(settled->token, response{done_response{}});
      continue;
    }
    auto& asked = std::get<ask_member_effect>(effect);
    if (asked.endpoint == options.cluster->endpoint)
      ask_own_replica(asked.token);
    else
      caf::anon_send(
          door, peer_calls{asked.endpoint,
                           {{asked.token, catalog_shard, barrier_call{}}}});
  }
}

void gateway_state::give_barriers_up() {
  while (!barriers.empty() && barriers.begin()->second <= boottime_ms()) {
    auto token = barriers.begin()->first;
    barriers.erase(barriers.begin());
    machine->on_answer(token,
                       api_error{api_errc::unavailable,
                                 "this node cannot see the end of the log of "
                                 "shard 0 now; try again"});
  }
}

void gateway_state::set_clock() {
  if (!router)
    return;
  router->on_clock(boottime_ms());
  spread->on_clock(boottime_ms());
}

void gateway_state::carry_out() {
  set_clock();
  give_barriers_up();
  if (router)
    route();
  std::map<shard_id, shard_calls> local;
  for (auto effects = machine->take_effects(); !effects.empty();
       effects = machine->take_effects()) {
    for (auto& effect : effects) {
      if (auto* asked = std::get_if<call_shard_effect>(&effect)) {
        call(*asked, local);
        continue;
      }
      if (auto* resolved = std::get_if<submission_resolved_effect>(&effect)) {
        note(*resolved);
        continue;
      }
      if (auto* change = std::get_if<spread_change_effect>(&effect)) {
        spread->on_change(change->token);
        continue;
      }
      auto& answered = std::get<answer_request_effect>(effect);
      auto found = open.find(answered.token);
      if (found == open.end())
        continue;
      auto answer = std::move(found->second);
      open.erase(found);
      answer(std::move(answered.answer));
    }
    if (router)
      route();
  }
  for (auto& [to, calls] : local)
    caf::anon_send(shards.at(to.value), std::move(calls));
  wake_when_due();
}

/// What the router wants; an answer may make the machine ask on.
void gateway_state::route() {
  ask_members();
  std::map<shard_id, shard_calls> local;
  std::map<std::string, peer_calls> remote;
  for (auto& effect : router->take_effects()) {
    if (auto* told = std::get_if<answer_call_effect>(&effect)) {
      machine->on_answer(told->token, std::move(told->answer));
      continue;
    }
    auto& brought = std::get<bring_call_effect>(effect);
    if (brought.endpoint == options.cluster->endpoint)
      local[brought.to].calls.emplace_back(brought.token,
                                           std::move(brought.what));
    else
      remote[brought.endpoint].calls.push_back(
          {brought.token, brought.to, std::move(brought.what)});
  }
  for (auto& [to, calls] : local)
    caf::anon_send(shards.at(to.value), std::move(calls));
  for (auto& [endpoint, calls] : remote) {
    calls.endpoint = endpoint;
    caf::anon_send(door, std::move(calls));
  }
}

void gateway_state::wake_when_due() {
  if (!router)
    return;
  auto due = std::min(router->next_due_boottime_ms().value_or(INT64_MAX),
                      spread->next_due_boottime_ms().value_or(INT64_MAX));
  if (!barriers.empty())
    due = std::min(due, barriers.begin()->second);
  if (due >= wake_at_ms)
    return;
  wake_at_ms = due;
  auto wait = std::max<int64_t>(due - boottime_ms(), 1);
  self->delayed_send(caf::actor_cast<gateway_actor>(self),
                     std::chrono::milliseconds(wait), tick{++wake_generation});
}

void gateway_state::on_owner(const owner_known& m) {
  if (m.by_claim)
    router->on_owner(m.of, m.endpoint);
  else
    router->on_holder(m.of, m.endpoint);
  carry_out();
}

void gateway_state::on_members(const std::vector<std::string>& endpoints) {
  set_clock();
  spread->on_members(endpoints);
  machine->on_membership(
      std::find(endpoints.begin(), endpoints.end(), options.cluster->endpoint)
      != endpoints.end());
  carry_out();
}

void gateway_state::on_answers(const std::string& from,
                               const std::vector<call_answer>& answers) {
  set_clock();
  for (const auto& a : answers) {
    if (!router || barriers.erase(a.token) != 0)
      machine->on_answer(a.token, a.answer);
    else if (!spread->on_answer(from, a.token,
                                std::holds_alternative<response>(a.answer)))
      router->on_answer(from, a.token, a.answer);
  }
  carry_out();
}

void gateway_state::resolve(const resolve_submissions& m) {
  auto count = m.what->size();
  if (count == 0)
    return m.done({});
  auto first = last_token + 1;
  last_token += count;
  batches[first] = {std::vector<resolved_submission>(count), count, m.done};
  auto token = first;
  for (const auto& s : *m.what)
    machine->resolve(token++, s.owner, s.what);
  carry_out();
}

void gateway_state::note(submission_resolved_effect& resolved) {
  auto found = std::prev(batches.upper_bound(resolved.token));
  auto& [first, batch] = *found;
  batch.answers[resolved.token - first] = std::move(resolved.what);
  if (--batch.outstanding > 0)
    return;
  batch.done(std::move(batch.answers));
  batches.erase(found);
}

void gateway_state::tell_environments() {
  auto all = std::make_shared<std::vector<environment_object>>();
  for (const auto& [uid, object] : machine->catalog().environments())
    all->push_back(object);
  options.on_environments(std::move(all));
}

gateway_actor::behavior_type
gateway_behavior(gateway_actor::stateful_pointer<gateway_state> self,
                 gateway_host_options options) {
  self->state.self = self;
  self->state.options = std::move(options);
  self->state.make_machine();
  if (const auto& cluster = self->state.options.cluster) {
    self->state.router.emplace(cluster->routing);
    self->state.spread.emplace(change_spread_settings{cluster->endpoint});
  }
  return {
      [self](const api_request& m) {
        auto& st = self->state;
        auto token = ++st.last_token;
        st.open[token] = m.answer;
        st.machine->on_request(token, m.who, m.what, hash_of(m.who));
        st.carry_out();
      },
      [self](const shard_answers& m) {
        auto& st = self->state;
        st.on_answers(st.router ? st.options.cluster->endpoint : "", m.answers);
      },
      [self](const resolve_submissions& m) { self->state.resolve(m); },
      [self](const catalog_folded& m) {
        auto& st = self->state;
        st.machine->on_folded(*m.decision);
        if (changes_environments(*m.decision))
          st.tell_environments();
      },
      [self](const catalog_loaded& m) {
        auto& st = self->state;
        for (const auto& [key, bytes] : *m.rows)
          st.machine->load_row(key, bytes);
        st.tell_environments();
      },
      [self](const shards_known& m) {
        self->state.shards = m.shards;
        self->state.door = m.door;
      },
      [self](const owner_known& m) { self->state.on_owner(m); },
      [self](const shard_at_rest& m) { self->state.router->on_at_rest(m.of); },
      [self](const peer_answers& m) {
        self->state.on_answers(m.endpoint, m.answers);
      },
      [self](const members_known& m) { self->state.on_members(m.endpoints); },
      [self](const peer_unreachable& m) {
        self->state.set_clock();
        self->state.router->on_unreachable(m.endpoint);
        self->state.spread->on_unreachable(m.endpoint);
        self->state.carry_out();
      },
      [self](const tick& m) {
        if (m.generation != self->state.wake_generation)
          return;
        self->state.wake_at_ms = INT64_MAX;
        self->state.carry_out();
      },
      [self](const stop_now&) {
        for (auto& [token, answer] : std::exchange(self->state.open, {}))
          answer(api_error{api_errc::unavailable, "the server is stopping"});
        self->quit();
      },
  };
}

class gateway_door final : public gateway_interface {
public:
  explicit gateway_door(gateway_actor gateway) : gateway_(std::move(gateway)) {}

  void call(caller who, request what,
            std::function<void(result)> answer) override {
    caf::anon_send(gateway_, api_request{std::move(who), std::move(what),
                                         std::move(answer)});
  }

private:
  gateway_actor gateway_;
};

} // namespace

gateway_actor spawn_gateway(caf::actor_system& system,
                            gateway_host_options options) {
  return system.spawn(gateway_behavior, std::move(options));
}

std::unique_ptr<gateway_interface> make_gateway_door(gateway_actor gateway) {
  return std::make_unique<gateway_door>(std::move(gateway));
}

} // namespace berth

#include "runtime/gateway.hpp"

#include "actors/gateway_machine.hpp"

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

  gateway_host_options options;
  std::unique_ptr<gateway_machine> machine;
  std::vector<shard_host_actor> shards;
  request_token last_token = 0;
  std::map<request_token, std::function<void(result)>> open;

  void make_machine() {
    machine = std::make_unique<gateway_machine>(
        gateway_options{options.shard_count, options.merge_details});
  }
  void carry_out();
  void tell_environments();
};

void gateway_state::carry_out() {
  std::map<shard_id, shard_calls> by_shard;
  for (auto& effect : machine->take_effects()) {
    if (auto* call = std::get_if<call_shard_effect>(&effect)) {
      by_shard[call->to].calls.emplace_back(call->token, std::move(call->what));
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
  for (auto& [to, calls] : by_shard)
    caf::anon_send(shards.at(to.value), std::move(calls));
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
  self->state.options = std::move(options);
  self->state.make_machine();
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
        for (const auto& a : m.answers)
          st.machine->on_answer(a.token, a.answer);
        st.carry_out();
      },
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
      [self](const shards_known& m) { self->state.shards = m.shards; },
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

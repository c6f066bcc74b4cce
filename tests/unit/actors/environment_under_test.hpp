// One compute environment, its inputs, and what it grants.
#pragma once

#include "actors/compute_environment_actor.hpp"
#include "tests/support/draft_view.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

namespace berth::testing {

inline const shard_id here{3};
inline const shard_id elsewhere{4};
inline const environment_uid the_environment{7};
inline const queue_address q1{{11}, here};
inline const queue_address q2{{12}, elsewhere};
inline const session_id first_session{1, 1};
inline const session_id second_session{1, 2};

inline resources make(int64_t vcpus, int64_t memory_mib = 100'000) {
  return {vcpus * 1000, memory_mib, {}};
}
inline shape of(int64_t vcpus) {
  return {make(vcpus, 10), 1};
}
inline const shape small = of(1);
inline const shape big = of(8);

inline demand_run run(const shape& what, uint32_t count, int64_t oldest_ms = 0,
                      bool beyond = false) {
  return {what, count, oldest_ms, beyond};
}

inline environment_configured configured(environment_settings settings) {
  environment_configured e;
  e.object->uid = the_environment;
  e.object->shard = here;
  e.object->settings = std::move(settings);
  return e;
}
inline environment_settings
unmanaged(std::optional<int64_t> head_wait_ms = 60'000) {
  environment_settings s;
  s.name = "environment";
  s.type = environment_type::unmanaged;
  s.head_wait_ms = head_wait_ms;
  return s;
}
inline environment_settings managed(int64_t max_vcpus, int64_t min_vcpus = 0) {
  auto s = unmanaged();
  s.type = environment_type::managed;
  s.max_vcpus = max_vcpus;
  s.min_vcpus = min_vcpus;
  return s;
}

/// An environment whose decisions take effect at once.
struct environment_under_test {
  compute_environment_actor environment;
  decision_context context{1'000'000, here, nullptr};
  std::map<queue_uid, uint64_t> versions;

  explicit environment_under_test(environment_settings settings = unmanaged())
      : environment(configured(std::move(settings))) {}

  template <class Message>
  draft take(const Message& m) {
    draft out;
    environment.decide(m, context, out);
    apply_all(environment, out);
    environment.check_invariants();
    return out;
  }
  /// Passes until nothing is left to do; what all of them decided.
  draft pass() {
    draft all;
    for (int i = 0; i < 100; ++i) {
      draft out;
      environment.pass(context, out);
      apply_all(environment, out);
      environment.check_invariants();
      for (auto& e : out.events)
        all.emit(std::move(e));
      for (auto& m : out.messages)
        all.send(m.to, std::move(m.body));
      if (environment.is_settled())
        break;
    }
    // Afresh, without the memory of what was settled.
    auto loaded = compute_environment_actor::from_row(environment.to_row());
    draft again;
    loaded->pass(context, again);
    CHECK(again.events.empty());
    return all;
  }
  draft join(const std::string& agent, resources capacity,
             session_id session = first_session, uint64_t order = 0) {
    return take(agent_joins{
        {the_environment, agent}, session, std::move(capacity), order});
  }
  draft lose(const std::string& agent, session_id session = first_session) {
    draft out;
    environment.decide(agent_lost_call{{the_environment, agent}, session}, out);
    apply_all(environment, out);
    environment.check_invariants();
    return out;
  }
  draft want(const queue_address& queue, std::vector<demand_run> runs,
             int32_t priority = 1, uint64_t last_grant = 0) {
    return take(demand{the_environment, queue, priority, ++versions[queue.uid],
                       last_grant, std::move(runs)});
  }
  draft free(const queue_address& queue, std::vector<uint64_t> leases) {
    release m{the_environment, queue, {}};
    for (auto id : leases)
      m.leases.push_back(lease_id{id});
    return take(m);
  }
  draft configure(environment_settings settings) {
    return take(configure_environment{*configured(std::move(settings)).object});
  }
};

struct given {
  queue_uid queue;
  shape what;
  std::string agent;
  size_t count;
  friend bool operator==(const given&, const given&) = default;
};

/// The leases of all grants, those alike counted together, in order.
inline std::vector<given> grants(const draft& out) {
  std::vector<given> found;
  for (const auto& g : sent<grant>(out))
    for (const auto& one : g.leases) {
      given next{g.queue, one.what, one.agent, 1};
      if (!found.empty() && found.back().queue == next.queue
          && found.back().what == next.what && found.back().agent == next.agent)
        ++found.back().count;
      else
        found.push_back(next);
    }
  return found;
}

} // namespace berth::testing

#include "runtime/agent_host.hpp"

#include "actors/agent_machine.hpp"
#include "messages/codec.hpp"
#include "runtime/keeper_client.hpp"

#include <algorithm>
#include <atomic>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <map>
#include <set>
#include <spdlog/spdlog.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace berth {

namespace {

/// Between tries after an append or the keeper failed.
constexpr std::chrono::milliseconds retry_delay{200};

struct agent_host_state {
  static inline const char* name = "agent_host";

  agent_host_options options;
  agent_host_actor::pointer self = nullptr;
  agent_machine machine;
  std::unique_ptr<keeper_client> keeper;
  /// Those that there are; lowered when one is gone.
  std::map<environment_uid, std::shared_ptr<std::atomic<bool>>> present;
  std::function<void()> when_ended;
  bool keeper_told = false;
  bool ending = false;

  agent_host_actor me() { return caf::actor_cast<agent_host_actor>(self); }
  void connect();
  void carry_out();
  void append(const append_message_effect& e);
  void ask_for_the_rest(const session_attached_effect& e);
  void look_at(const std::vector<environment_object>& environments);
  void offer_when_ready(const environment_object& environment);
  void offer(const environment_object& environment);
  void on(const keeper_event& said);
};

void agent_host_state::connect() {
  std::string error;
  keeper = keeper_client::open(
      {options.data_folder, options.keeper_command},
      [host = me()](keeper_event e) {
        caf::anon_send(host, keeper_said{std::make_shared<const keeper_event>(
                                 std::move(e))});
      },
      [host = me()](std::string why) {
        caf::anon_send(host, keeper_lost{std::move(why)});
      },
      error);
  if (!keeper)
    return options.on_fatal("the keeper cannot be reached: " + error);
  caf::anon_send(me(), keeper_attached{});
}

void agent_host_state::append(const append_message_effect& e) {
  record r;
  r.body = e.what;
  options.log_->append(
      e.to, encode(r),
      [host = me(), token = e.token](append_outcome outcome,
                                     const storage_error&) {
        caf::anon_send(
            host, report_appended{token, outcome == append_outcome::appended});
      });
}

void agent_host_state::carry_out() {
  for (auto& effect : machine.take_effects()) {
    if (const auto* request = std::get_if<to_keeper_effect>(&effect)) {
      // A lost connection is noticed and mended as such: what was not taken is
      // said again after the next attachment.
      if (keeper)
        keeper->send(request->what);
    } else if (const auto* record = std::get_if<append_message_effect>(&effect))
      append(*record);
    else if (const auto* taken =
                 std::get_if<dispatch_delivered_effect>(&effect))
      caf::anon_send(options.shards.at(taken->source.value),
                     delivery_known{source_name(taken->agent, taken->session),
                                    taken->up_to, delivery::up_to});
    else
      ask_for_the_rest(std::get<session_attached_effect>(effect));
  }
}

void agent_host_state::ask_for_the_rest(const session_attached_effect& e) {
  auto to = source_name(e.agent, e.session);
  for (uint32_t i = 0; i < options.shards.size(); ++i) {
    auto taken = e.last_taken.find(i);
    auto last = taken == e.last_taken.end() ? 0 : taken->second;
    caf::anon_send(options.shards[i],
                   delivery_known{to, last, delivery::up_to});
    caf::anon_send(options.shards[i],
                   delivery_known{to, last + 1, delivery::failed_from});
  }
}

void agent_host_state::look_at(
    const std::vector<environment_object>& environments) {
  std::set<environment_uid> all;
  for (const auto& environment : environments) {
    all.insert(environment.uid);
    if (present.count(environment.uid) == 0)
      offer_when_ready(environment);
  }
  std::erase_if(present, [&](auto& entry) {
    if (all.count(entry.first) != 0)
      return false;
    *entry.second = false;
    machine.withdraw(entry.first);
    return true;
  });
}

/// The catalog's shard knows of it first. A join that came before the
/// environment's own shard has read of it would be passed over.
void agent_host_state::offer_when_ready(const environment_object& environment) {
  auto is_there = std::make_shared<std::atomic<bool>>(true);
  present[environment.uid] = is_there;
  caf::anon_send(
      options.shards.at(environment.shard.value),
      inspect_shard{[host = me(), is_there,
                     what = std::make_shared<const environment_object>(
                         environment)](const shard& m) {
        if (*is_there && m.state().environments().count(what->uid) == 0)
          return false;
        caf::anon_send(host, environment_ready{what});
        return true;
      }});
}

void agent_host_state::offer(const environment_object& environment) {
  if (present.count(environment.uid) == 0)
    return;
  // The environment keeps to its maxvCpus by itself, and that may change.
  machine.offer(
      {{environment.uid, "local"}, environment.shard, options.machine});
  carry_out();
}

void agent_host_state::on(const keeper_event& said) {
  if (const auto* hello = std::get_if<keeper_hello>(&said);
      hello != nullptr && !std::exchange(keeper_told, true))
    options.on_keeper(*hello);
  if (const auto* failure = std::get_if<keeper_failure>(&said))
    spdlog::error("keeper failed message=\"{}\"", failure->message);
  machine.on_keeper_event(said);
  carry_out();
}

agent_host_actor::behavior_type
agent_host_behavior(agent_host_actor::stateful_pointer<agent_host_state> self,
                    agent_host_options options) {
  self->state.self = self;
  self->state.options = std::move(options);
  self->state.connect();
  return {
      [self](const dispatch_released& m) {
        self->state.machine.on_dispatch(*m.what);
        self->state.carry_out();
      },
      [self](const environments_changed& m) {
        self->state.look_at(*m.environments);
        self->state.carry_out();
      },
      [self](const environment_ready& m) { self->state.offer(*m.what); },
      [self](const keeper_said& m) { self->state.on(*m.what); },
      [self](const keeper_attached&) {
        auto& st = self->state;
        st.keeper->send(keeper_node_environment{st.options.node_environment});
        st.machine.on_keeper_attached();
        st.carry_out();
      },
      [self](const keeper_lost& m) {
        auto& st = self->state;
        st.keeper.reset();
        if (st.ending) {
          if (auto done = std::exchange(st.when_ended, nullptr))
            done();
          return;
        }
        spdlog::warn("keeper lost reason=\"{}\": a new one is started", m.why);
        st.connect();
      },
      [self](const report_appended& m) {
        auto& st = self->state;
        if (!m.appended) {
          self->delayed_send(st.me(), retry_delay, tick{m.token});
          return;
        }
        st.machine.on_appended(m.token, true);
        st.carry_out();
      },
      [self](const end_jobs& m) {
        auto& st = self->state;
        st.ending = true;
        st.when_ended = m.done;
        if (!st.keeper || !st.keeper->send(keeper_shut_down{}))
          if (auto done = std::exchange(st.when_ended, nullptr))
            done();
      },
      [self](const tick& m) {
        // The append that failed is made again.
        self->state.machine.on_appended(m.generation, false);
        self->state.carry_out();
      },
      [self](const stop_now&) {
        self->state.keeper.reset();
        self->quit();
      },
  };
}

} // namespace

agent_host_actor spawn_agent_host(caf::actor_system& system,
                                  agent_host_options options) {
  return system.spawn<caf::detached>(agent_host_behavior, std::move(options));
}

resources resources_of_this_machine() {
  constexpr int64_t bytes_per_mib = 1024 * 1024;
  resources r;
  r.vcpu_milli =
      std::max<int64_t>(std::thread::hardware_concurrency(), 1) * 1000;
  r.memory_mib = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES))
                 * sysconf(_SC_PAGESIZE) / bytes_per_mib;
  return r;
}

} // namespace berth

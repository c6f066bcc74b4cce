#include "runtime/agent_host.hpp"

#include "messages/codec.hpp"
#include "runtime/batch_credit.hpp"
#include "runtime/boottime.hpp"
#include "runtime/keeper_client.hpp"
#include "runtime/report_gate.hpp"

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

/// The agent's partition of the dispatch topic, being read.
struct dispatch_reading {
  /// Grows; what an earlier one still brings is passed over.
  uint64_t number = 0;
  std::shared_ptr<batch_credit> credit;
  std::unique_ptr<log_reading> reading;

  void stop() {
    if (credit)
      credit->close();
    reading.reset();
  }
};

struct agent_host_state {
  static inline const char* name = "agent_host";

  agent_host_options options;
  agent_host_actor::pointer self = nullptr;
  std::unique_ptr<agent_machine> machine;
  report_gate gate;
  std::unique_ptr<keeper_client> keeper;
  /// Raised with each connection.
  uint64_t connection = 0;
  /// Those that there are; lowered when one is gone.
  std::map<environment_uid, std::shared_ptr<std::atomic<bool>>> present;
  std::map<agent_id, dispatch_reading> readings;
  uint64_t last_reading = 0;
  /// What the keeper has at hand, as far as was told.
  std::set<attempt_id> alive;
  size_t told_alive = 0;
  uint64_t wake = 0;
  int64_t wake_at_ms = INT64_MAX;
  std::function<void()> when_drained;
  std::function<void()> when_ended;
  /// Heartbeats that tell of the end, not answered yet.
  std::set<uint64_t> last_heartbeats;
  bool keeper_told = false;
  /// The present connection's keeper said hello.
  bool is_greeted = false;
  bool joined_told = false;
  bool ending = false;

  agent_host_actor me() { return caf::actor_cast<agent_host_actor>(self); }
  void start();
  void connect();
  void lose_keeper(const std::string& why);
  template <class Input>
  void give(Input input);
  void carry_out();
  void carry_out(const to_keeper_effect& e);
  void carry_out(const append_message_effect& e);
  void carry_out(const dispatch_delivered_effect& e) { options.port->tell(e); }
  void carry_out(const session_attached_effect& e) { options.port->tell(e); }
  void carry_out(const look_at_dispatch_end_effect& e);
  void carry_out(const read_dispatches_effect& e);
  void carry_out(const heartbeat_effect& e);
  void wake_when_due();
  void tell_progress();
  void look_at(const std::vector<environment_object>& environments);
  void offer_when_ready(const environment_object& environment);
  void offer(const environment_object& environment);
  void withdraw(environment_uid environment);
  void on(const keeper_said& m);
  void note_alive(const keeper_event& said);
  void on(const dispatches_read& m);
  void take(const agent_id& agent, const log_record& r);
  void pass_reports();
  void end_when_drained();
  void end(std::function<void()> done);
  void end_when_told();
};

void agent_host_state::start() {
  machine = std::make_unique<agent_machine>(options.machine);
  machine->on_clock(boottime_ms());
  if (options.ship_output)
    gate = report_gate{[this](const attempt_id& attempt) {
      options.ship_output(attempt, [host = me(), attempt] {
        caf::anon_send(host, output_settled{attempt});
      });
    }};
  connect();
}

void agent_host_state::connect() {
  std::string error;
  auto number = ++connection;
  is_greeted = false;
  keeper = keeper_client::open(
      {options.data_folder, options.keeper_command},
      [host = me(), number](keeper_event e) {
        caf::anon_send(host,
                       keeper_said{number, std::make_shared<const keeper_event>(
                                               std::move(e))});
      },
      [host = me(), number](std::string why) {
        caf::anon_send(host, keeper_lost{number, std::move(why)});
      },
      error);
  if (!keeper)
    return options.on_fatal("the keeper cannot be reached: " + error);
  keeper->send(keeper_node_environment{options.node_environment});
  give([](agent_machine& m) { m.on_keeper_attached(); });
}

void agent_host_state::lose_keeper(const std::string& why) {
  keeper.reset();
  ++connection;
  gate.clear();
  if (ending) {
    give([](agent_machine& m) { m.on_keeper_ended(); });
    return end_when_told();
  }
  give([](agent_machine& m) { m.on_keeper_detached(); });
  spdlog::warn("keeper lost reason=\"{}\": a new one is started", why);
  connect();
}

/// The clock comes before what happened at that time.
template <class Input>
void agent_host_state::give(Input input) {
  machine->on_clock(boottime_ms());
  input(*machine);
  carry_out();
}

void agent_host_state::carry_out() {
  for (const auto& effect : machine->take_effects())
    std::visit([this](const auto& e) { carry_out(e); }, effect);
  wake_when_due();
  tell_progress();
}

void agent_host_state::carry_out(const to_keeper_effect& e) {
  // A lost connection is noticed and mended as such: what was not taken is said
  // again after the next attachment. So is a keeper that is too far behind.
  if (keeper && !keeper->send(e.what))
    caf::anon_send(me(), keeper_lost{connection, "it does not take requests"});
}

void agent_host_state::carry_out(const append_message_effect& e) {
  record r;
  r.body = e.what;
  options.port->append(e.to, encode(r),
                       [host = me(), token = e.token](bool appended) {
                         caf::anon_send(host, report_appended{token, appended});
                       });
}

void agent_host_state::carry_out(const look_at_dispatch_end_effect& e) {
  options.port->look_at_dispatch_end(e.agent, [host = me(), e](log_offset end) {
    caf::anon_send(host, dispatch_end_known{e.agent, e.session, end});
  });
}

void agent_host_state::carry_out(const read_dispatches_effect& e) {
  auto& at = readings[e.agent];
  at.stop();
  at.number = ++last_reading;
  at.credit = std::make_shared<batch_credit>();
  at.reading = options.port->read_dispatches(
      e.agent, e.from,
      [host = me(), agent = e.agent, number = at.number,
       credit = at.credit](std::vector<log_record> records) {
        credit->take();
        caf::anon_send(
            host, dispatches_read{agent, number,
                                  std::make_shared<std::vector<log_record>>(
                                      std::move(records))});
      },
      [host = me()](const storage_error& error) {
        caf::anon_send(
            host, agent_failed{"dispatches cannot be read: " + error.message});
      });
}

void agent_host_state::carry_out(const heartbeat_effect& e) {
  if (ending && !keeper)
    last_heartbeats.insert(e.token);
  heartbeat h;
  h.body = e.what;
  options.port->append_heartbeat(
      encode(h), [host = me(), token = e.token](bool appended) {
        caf::anon_send(host, heartbeat_appended{token, appended});
      });
}

void agent_host_state::wake_when_due() {
  auto due = machine->next_due_boottime_ms();
  if (!due || *due >= wake_at_ms)
    return;
  wake_at_ms = *due;
  auto wait = std::max<int64_t>(*due - boottime_ms(), 1);
  self->delayed_send(me(), std::chrono::milliseconds(wait), tick{++wake});
}

void agent_host_state::tell_progress() {
  if (alive.size() != told_alive) {
    told_alive = alive.size();
    if (options.on_attempts)
      options.on_attempts(told_alive);
  }
  auto joined = machine->agent_count() != 0 && machine->all_joined();
  if (joined && !joined_told && options.on_joined)
    options.on_joined();
  joined_told = joined;
  end_when_drained();
}

// Environments

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
    withdraw(entry.first);
    return true;
  });
}

void agent_host_state::offer_when_ready(const environment_object& environment) {
  auto is_there = std::make_shared<std::atomic<bool>>(true);
  present[environment.uid] = is_there;
  options.port->when_ready(
      environment, [is_there] { return is_there->load(); },
      [host = me(),
       what = std::make_shared<const environment_object>(environment)] {
        caf::anon_send(host, environment_ready{what});
      });
}

void agent_host_state::offer(const environment_object& environment) {
  if (present.count(environment.uid) == 0)
    return;
  // The environment keeps to its maxvCpus by itself, and that may change.
  auto offered = options.offer(environment);
  if (offered)
    give([&](agent_machine& m) { m.offer(std::move(*offered)); });
}

void agent_host_state::withdraw(environment_uid environment) {
  for (auto at = readings.begin(); at != readings.end();) {
    if (at->first.environment == environment) {
      at->second.stop();
      at = readings.erase(at);
    } else {
      ++at;
    }
  }
  give([&](agent_machine& m) { m.withdraw(environment); });
}

// The keeper

void agent_host_state::on(const keeper_said& m) {
  if (m.connection != connection)
    return;
  const auto& said = *m.what;
  if (const auto* hello = std::get_if<keeper_hello>(&said)) {
    is_greeted = true;
    if (!std::exchange(keeper_told, true))
      options.on_keeper(*hello);
  }
  if (const auto* failure = std::get_if<keeper_failure>(&said)) {
    // It speaks another version of the protocol.
    if (!is_greeted)
      return options.on_fatal(failure->message);
    spdlog::error("keeper failed message=\"{}\"", failure->message);
  }
  note_alive(said);
  if (const auto* reports = std::get_if<keeper_reports>(&said)) {
    gate.take(*reports);
    return pass_reports();
  }
  give([&](agent_machine& to) { to.on_keeper_event(said); });
}

void agent_host_state::note_alive(const keeper_event& said) {
  if (const auto* session = std::get_if<keeper_session>(&said)) {
    alive.insert(session->alive.begin(), session->alive.end());
  } else if (const auto* reports = std::get_if<keeper_reports>(&said)) {
    for (const auto& report : reports->reports)
      if (const auto* begun = std::get_if<attempt_started_report>(&report.body))
        alive.insert(begun->attempt);
      else if (const auto* over =
                   std::get_if<attempt_ended_report>(&report.body))
        alive.erase(over->attempt);
  }
}

void agent_host_state::pass_reports() {
  for (auto& batch : gate.release())
    give([&](agent_machine& m) {
      m.on_keeper_event(keeper_event{std::move(batch)});
    });
  tell_progress();
}

void agent_host_state::end_when_drained() {
  if (when_drained && alive.empty() && machine->is_drained())
    end(std::exchange(when_drained, nullptr));
}

void agent_host_state::end(std::function<void()> done) {
  ending = true;
  when_ended = std::move(done);
  if (!keeper || !keeper->send(keeper_shut_down{}))
    end_when_told();
}

/// An owner that cannot be told waits for the lease to lapse.
void agent_host_state::end_when_told() {
  if (!last_heartbeats.empty())
    return;
  if (auto done = std::exchange(when_ended, nullptr))
    done();
}

// Dispatches

void agent_host_state::on(const dispatches_read& m) {
  auto at = readings.find(m.agent);
  if (at == readings.end() || at->second.number != m.reading)
    return;
  at->second.credit->give_back();
  machine->on_clock(boottime_ms());
  for (const auto& r : *m.records)
    take(m.agent, r);
  machine->on_dispatches_read(m.agent, m.records->back().offset + 1);
  carry_out();
}

void agent_host_state::take(const agent_id& agent, const log_record& r) {
  auto frame = decode<keeper_request_frame>(r.bytes);
  const auto* request =
      frame ? std::get_if<keeper_dispatch>(&frame->body) : nullptr;
  if (request == nullptr) {
    spdlog::error("dispatch passed over offset={}: it is damaged or of a "
                  "newer version of Berth; upgrade this agent",
                  r.offset);
    return;
  }
  // Each agent of the process reads for itself.
  if (request->what.agent == agent)
    machine->on_dispatch(request->what, r.offset);
}

agent_host_actor::behavior_type
agent_host_behavior(agent_host_actor::stateful_pointer<agent_host_state> self,
                    agent_host_options options) {
  self->state.self = self;
  self->state.options = std::move(options);
  self->state.start();
  return {
      [self](const dispatch_released& m) {
        self->state.give([&](agent_machine& to) { to.on_dispatch(*m.what); });
      },
      [self](const environments_changed& m) {
        self->state.look_at(*m.environments);
      },
      [self](const environment_ready& m) { self->state.offer(*m.what); },
      [self](const keeper_said& m) { self->state.on(m); },
      [self](const keeper_lost& m) {
        if (m.connection == self->state.connection)
          self->state.lose_keeper(m.why);
      },
      [self](const report_appended& m) {
        if (m.appended)
          self->state.give(
              [&](agent_machine& to) { to.on_appended(m.token, true); });
        else
          self->delayed_send(self->state.me(), retry_delay,
                             append_again{m.token});
      },
      [self](const heartbeat_appended& m) {
        self->state.give([&](agent_machine& to) {
          to.on_heartbeat_appended(m.token, m.appended);
        });
        if (self->state.last_heartbeats.erase(m.token) != 0)
          self->state.end_when_told();
      },
      [self](const dispatch_end_known& m) {
        self->state.give([&](agent_machine& to) {
          to.on_dispatch_end(m.agent, m.session, m.end);
        });
      },
      [self](const dispatches_read& m) { self->state.on(m); },
      [self](const output_settled& m) {
        self->state.gate.on_settled(m.attempt);
        self->state.pass_reports();
      },
      [self](const agent_failed& m) { self->state.options.on_fatal(m.why); },
      [self](const end_jobs& m) { self->state.end(m.done); },
      [self](const drain_agents& m) {
        self->state.when_drained = m.done;
        self->state.give([](agent_machine& to) { to.drain(); });
      },
      [self](const append_again& m) {
        self->state.give(
            [&](agent_machine& to) { to.on_appended(m.token, false); });
      },
      [self](const tick& m) {
        if (m.generation != self->state.wake)
          return;
        self->state.wake_at_ms = INT64_MAX;
        self->state.give([](agent_machine&) {});
      },
      [self](const stop_now&) {
        auto& st = self->state;
        for (auto& [agent, reading] : st.readings)
          reading.stop();
        st.readings.clear();
        st.keeper.reset();
        ++st.connection;
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

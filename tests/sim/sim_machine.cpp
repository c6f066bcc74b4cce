#include "tests/sim/sim_machine.hpp"

#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "tests/sim/cluster.hpp"
#include "tests/sim/draws.hpp"
#include "tests/sim/sim_node.hpp"

#include <algorithm>
#include <utility>

namespace berth::sim {

namespace {

/// A frame on the socket, from the agent.
constexpr sim_time frame_delay = 50;
/// An agent that slept finds what its other threads have for it before what is
/// in its socket.
constexpr double late_frame_mean_us = 5.0 * millisecond;
constexpr double keeper_start_mean_us = 30.0 * millisecond;
constexpr double crash_noticed_mean_us = 10.0 * millisecond;
/// Between tries after an append failed.
constexpr sim_time retry_delay = 200 * millisecond;
/// Whether an environment that was there too early is known now.
constexpr sim_time look_again = 100 * millisecond;
constexpr int64_t memory_mib_per_vcpu = 4096;

} // namespace

sim_machine::sim_machine(sim_world& world, cluster& all, uint32_t index)
    : world_(world), all_(all), index_(index),
      random_(world.random.fork("machine")),
      clock_(random_, world.faults().clock_drift_ppm_max), os_(world.time),
      agent_life_(world.time),
      keeper_(world, index, clock_, os_,
              [this](std::string bytes) { hear(std::move(bytes)); }) {}

void sim_machine::start() {
  os_.begin();
  start_agent();
}

void sim_machine::start_agent() {
  agent_life_.begin();
  agent_machine_settings settings;
  settings.dispatch_topic = world_.has_leases();
  settings.heartbeat_interval_ms = world_.cluster().heartbeat_interval_ms;
  settings.stop_grace_ms = world_.cluster().stop_grace_ms;
  agent_ = std::make_unique<agent_machine>(settings);
  agent_->on_clock(clock_.boottime_ms(world_.now()));
  offered_.clear();
  connect();
  if (const auto* environments = all_.environments())
    offer(*environments);
}

void sim_machine::drain_agent() {
  agent_drains_ = true;
  agent_->on_clock(clock_.boottime_ms(world_.now()));
  agent_->drain();
  carry_out();
}

void sim_machine::crash_agent() {
  if (std::exchange(agent_drains_, false) && agent_->is_drained())
    world_.history.situation("agent_drained");
  agent_life_.end();
  agent_.reset();
  for (const auto& [agent, reading] : std::exchange(dispatch_readings_, {}))
    world_.dispatches.stop_reading(reading);
  if (std::exchange(connection_, 0) != 0 && keeper_.is_alive())
    keeper_.life().after(frame_delay, [this] {
      if (connection_ == 0)
        keeper_.disconnected();
    });
}

void sim_machine::crash_keeper() {
  keeper_.crash();
  lose_keeper();
}

void sim_machine::crash() {
  pauses_at_frame_ = false;
  crash_agent();
  if (keeper_.is_alive())
    keeper_.crash_with_machine(random_);
  os_.end();
  clock_.reboot(world_.now());
}

void sim_machine::pause() {
  world_.history.fault("machine_suspend",
                       "machine " + std::to_string(index_) + " is suspended");
  os_.pause();
  agent_life_.pause();
  keeper_.life().pause();
}

void sim_machine::resume() {
  pauses_at_frame_ = false;
  if (is_paused())
    world_.history.fault("machine_resume",
                         "machine " + std::to_string(index_) + " goes on");
  os_.resume();
  keeper_.life().resume();
  agent_life_.resume();
}

bool sim_machine::is_quiet() const {
  return agent_ != nullptr && connection_ != 0 && keeper_.is_quiet();
}

// The keeper.

void sim_machine::connect() {
  if (keeper_.is_alive())
    return attach();
  os_.after(exponential(random_, keeper_start_mean_us), [this] {
    if (!keeper_.is_alive())
      keeper_.start();
    attach();
  });
}

void sim_machine::attach() {
  if (!agent_life_.is_alive() || connection_ != 0)
    return;
  connection_ = ++last_connection_;
  frames_.clear();
  keeper_.life().after(frame_delay, [this, connection = connection_] {
    if (connection == connection_)
      keeper_.connected();
  });
  send_to_keeper(keeper_attach{});
}

void sim_machine::lose_keeper() {
  if (std::exchange(connection_, 0) == 0)
    return;
  agent_life_.after(exponential(random_, crash_noticed_mean_us), [this] {
    agent_->on_clock(clock_.boottime_ms(world_.now()));
    agent_->on_keeper_detached();
    carry_out();
    connect();
  });
}

void sim_machine::send_to_keeper(const keeper_request& what) {
  // A lost connection is noticed and mended as such: what was not taken is said
  // again after the next attachment.
  if (connection_ == 0)
    return;
  keeper_.life().after(frame_delay,
                       [this, bytes = encode(keeper_request_frame{what}),
                        connection = connection_] {
                         if (connection == connection_)
                           keeper_.take_frame(bytes);
                       });
}

void sim_machine::hear(std::string bytes) {
  frames_.push_back(std::move(bytes));
  auto when = world_.now()
              + exponential(
                  random_, static_cast<double>(world_.cluster().frame_mean_us));
  auto take = [this, connection = connection_] {
    if (connection == connection_)
      take_next_frame();
  };
  agent_life_.at(when, [this, when, take] {
    if (world_.now() == when)
      take();
    else
      agent_life_.after(exponential(random_, late_frame_mean_us), take);
  });
  if (std::exchange(pauses_at_frame_, false))
    pause();
}

/// They are read in the order in which they were written.
void sim_machine::take_next_frame() {
  if (frames_.empty())
    return;
  auto bytes = std::move(frames_.front());
  frames_.pop_front();
  take_event(bytes);
}

void sim_machine::take_event(const std::string& bytes) {
  auto frame = decode<keeper_event_frame>(bytes);
  BERTH_ASSERT(frame, "what a keeper sends can be read");
  agent_->on_clock(clock_.boottime_ms(world_.now()));
  if (std::holds_alternative<keeper_hello>(frame->body)) {
    send_to_keeper(keeper_node_environment{});
    agent_->on_keeper_attached();
  }
  note_reattachment(frame->body);
  agent_->on_keeper_event(frame->body);
  carry_out();
}

void sim_machine::note_reattachment(const keeper_event& e) {
  if (std::holds_alternative<keeper_session_over>(e))
    world_.history.situation("lease_lapsed");
  const auto* session = std::get_if<keeper_session>(&e);
  if (session != nullptr && !session->alive.empty())
    world_.history.situation("agent_attached_to_running_attempts");
  if (std::holds_alternative<keeper_dispatch_refused>(e))
    world_.history.situation("dispatch_of_another_session_refused");
}

// What the agent wants done.

log_client sim_machine::log_client_of_agent() {
  return {"agent " + std::to_string(index_), at(), &agent_life_};
}

void sim_machine::carry_out() {
  for (const auto& effect : agent_->take_effects())
    std::visit([this](const auto& e) { carry_out(e); }, effect);
  look_at_clock_when_due();
}

void sim_machine::look_at_clock_when_due() {
  auto due = agent_->next_due_boottime_ms();
  if (!due)
    return;
  auto at = std::max(*due, clock_.boottime_ms(world_.now()) + 1);
  agent_life_.at(clock_.when(at), [this, wake = ++wake_] {
    if (wake != wake_)
      return;
    agent_->on_clock(clock_.boottime_ms(world_.now()));
    carry_out();
  });
}

void sim_machine::carry_out(const append_message_effect& e) {
  record r;
  r.body = e.what;
  auto tell = [this, token = e.token](bool appended) {
    agent_->on_clock(clock_.boottime_ms(world_.now()));
    agent_->on_appended(token, appended);
    carry_out();
  };
  world_.log.append(log_client_of_agent(), e.to, encode(r),
                    [this, tell](append_outcome outcome) {
                      if (outcome == append_outcome::appended)
                        tell(true);
                      else
                        agent_life_.after(retry_delay, [tell] { tell(false); });
                    });
}

void sim_machine::tell_owner(uint32_t node, shard_id shard,
                             const std::string& destination, uint64_t up_to,
                             bool and_no_more) {
  auto& there = all_.node(node);
  world_.network.answer(at(), there.at(), there.life(),
                        [&there, shard, destination, up_to, and_no_more] {
                          there.shard(shard).on_taken(destination, up_to,
                                                      and_no_more);
                        });
}

void sim_machine::carry_out(const dispatch_delivered_effect& e) {
  if (auto from = senders_.find(e.source); from != senders_.end())
    tell_owner(from->second, e.source, source_name(e.agent, e.session), e.up_to,
               false);
}

void sim_machine::carry_out(const session_attached_effect& e) {
  auto to = source_name(e.agent, e.session);
  for (uint32_t shard = 0; shard < world_.cluster().shards; ++shard) {
    auto taken = e.last_taken.find(shard);
    auto last = taken == e.last_taken.end() ? 0 : taken->second;
    for (uint32_t node = 0; node < all_.node_count(); ++node)
      tell_owner(node, shard_id{shard}, to, last, true);
  }
}

void sim_machine::carry_out(const look_at_dispatch_end_effect& e) {
  world_.dispatches.end_offset(
      log_client_of_agent(), shard_id{index_}, [this, e](log_offset end) {
        agent_->on_clock(clock_.boottime_ms(world_.now()));
        agent_->on_dispatch_end(e.agent, e.session, end);
        carry_out();
      });
}

void sim_machine::carry_out(const read_dispatches_effect& e) {
  auto& reading = dispatch_readings_[e.agent];
  if (reading != 0)
    world_.dispatches.stop_reading(reading);
  reading = world_.dispatches.start_reading(
      log_client_of_agent(), shard_id{index_}, e.from,
      [this, agent = e.agent](const std::vector<log_record>& records) {
        agent_->on_clock(clock_.boottime_ms(world_.now()));
        for (const auto& r : records) {
          auto frame = decode<keeper_request_frame>(r.bytes);
          const auto& d = std::get<keeper_dispatch>(frame->body).what;
          // Each agent of the machine reads for itself.
          if (d.agent == agent)
            agent_->on_dispatch(d, r.offset);
        }
        agent_->on_dispatches_read(agent, records.back().offset + 1);
        carry_out();
      });
}

void sim_machine::carry_out(const heartbeat_effect& e) {
  heartbeat h;
  h.body = e.what;
  world_.heartbeats.append(log_client_of_agent(), shard_id{0}, encode(h),
                           [this, token = e.token](append_outcome outcome) {
                             agent_->on_clock(clock_.boottime_ms(world_.now()));
                             agent_->on_heartbeat_appended(
                                 token, outcome == append_outcome::appended);
                             carry_out();
                           });
}

void sim_machine::take_dispatch(uint32_t from_node, shard_id from,
                                const dispatch& what) {
  senders_[from] = from_node;
  agent_->on_clock(clock_.boottime_ms(world_.now()));
  agent_->on_dispatch(what);
  carry_out();
}

void sim_machine::offer(const std::vector<environment_object>& environments) {
  if (agent_ == nullptr)
    return;
  agent_->on_clock(clock_.boottime_ms(world_.now()));
  std::set<environment_uid> present;
  auto is_early = false;
  for (const auto& environment : environments) {
    present.insert(environment.uid);
    // In one process what configures an environment is appended before its
    // agents hear of it; elsewhere agents join again.
    if (!world_.has_leases() && !all_.is_known(environment)) {
      is_early = true;
      continue;
    }
    if (!offered_.insert(environment.uid).second)
      continue;
    agent_offer o;
    o.agent = {environment.uid, "machine-" + std::to_string(index_)};
    o.environment_shard = environment.shard;
    o.capacity.vcpu_milli = world_.cluster().vcpus_per_machine * 1000;
    o.capacity.memory_mib =
        world_.cluster().vcpus_per_machine * memory_mib_per_vcpu;
    o.lease_ms = world_.cluster().lease_ms;
    world_.history.add(agent_offered{index_, o.agent, o.capacity});
    agent_->offer(std::move(o));
  }
  for (auto uid : std::set(offered_))
    if (!present.contains(uid)) {
      offered_.erase(uid);
      agent_->withdraw(uid);
    }
  if (is_early)
    agent_life_.after(look_again, [this] { offer(*all_.environments()); });
  carry_out();
}

} // namespace berth::sim

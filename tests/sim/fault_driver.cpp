#include "tests/sim/fault_driver.hpp"

#include "messages/codec.hpp"
#include "tests/sim/draws.hpp"

#include <utility>

namespace berth::sim {

namespace {

constexpr double node_down_mean_us = 2.0 * second;
constexpr double pause_mean_us = 4.0 * second;
constexpr double process_down_mean_us = 0.5 * second;
constexpr double drain_mean_us = 8.0 * second;
constexpr double machine_down_mean_us = 3.0 * second;
constexpr double cut_mean_us = 3.0 * second;
constexpr double twin_mean_us = 6.0 * second;
constexpr double slow_mean_us = 3.0 * second;
constexpr double disk_full_mean_us = 4.0 * second;
constexpr double slowness_max = 300;
/// What owners add to lease and stop grace before they give an agent up.
constexpr double owner_margin_ms = 3000;
/// From one lapse to the next of a machine, so that jobs run there again.
constexpr sim_time time_for_work = 3 * second;
constexpr int64_t clock_jump_max_ms = 3'600'000;

} // namespace

fault_driver::fault_driver(sim_world& world, cluster& all)
    : world_(world), all_(all), random_(world.random.fork("faults")),
      disks_random_(own_stream(world.with.seed, "full disks")),
      upgrades_random_(own_stream(world.with.seed, "upgrades")),
      drains_random_(own_stream(world.with.seed, "drains")),
      stranger_(world.time) {
  stranger_.begin();
}

void fault_driver::start() {
  const auto& f = world_.faults();
  every(f.node_crash_mean_ms, &fault_driver::crash_node);
  every(f.node_pause_mean_ms, &fault_driver::pause_node);
  every(f.agent_crash_mean_ms, &fault_driver::crash_agent);
  every(f.keeper_crash_mean_ms, &fault_driver::crash_keeper);
  every(f.machine_crash_mean_ms, &fault_driver::crash_machine);
  every(f.cut_mean_ms, &fault_driver::cut);
  every(f.clock_jump_mean_ms, &fault_driver::jump_clock);
  every(f.takeover_mean_ms, &fault_driver::take_over);
  every(f.twin_node_mean_ms, &fault_driver::start_twin);
  every(f.slow_log_mean_ms, &fault_driver::slow_log);
  every(f.lease_edge_mean_ms, &fault_driver::come_near_the_lease);
  every(f.stray_decision_mean_ms, &fault_driver::land_stray_decision);
  every(f.deposed_owner_mean_ms, &fault_driver::depose_owner);
  every(f.store_full_mean_ms, &fault_driver::fill_disk, disks_random_);
  every(f.upgrade_mean_ms, &fault_driver::upgrade_node, upgrades_random_);
  every(f.drain_mean_ms, &fault_driver::drain_agent, drains_random_);
}

void fault_driver::later(double mean_us, std::function<void()> what) {
  in(exponential(random_, mean_us), std::move(what));
}

void fault_driver::in(sim_time delay, std::function<void()> what) {
  world_.time.after(delay, [this, what = std::move(what)] {
    if (world_.faults_on)
      what();
  });
}

/// Some end about when an owner gives agents up.
sim_time fault_driver::draw_pause() {
  const auto& c = world_.cluster();
  if (!world_.has_leases() || random_.chance(0.6))
    return exponential(random_, pause_mean_us);
  auto lease = static_cast<double>(c.lease_ms + c.stop_grace_ms);
  return static_cast<sim_time>((lease + owner_margin_ms)
                               * (0.7 + 0.8 * random_.unit()) * millisecond);
}

void fault_driver::every(int64_t mean_ms, void (fault_driver::*what)()) {
  every(mean_ms, what, random_);
}

void fault_driver::every(int64_t mean_ms, void (fault_driver::*what)(),
                         random_source& random) {
  if (mean_ms == 0)
    return;
  in(exponential(random, static_cast<double>(mean_ms * millisecond)),
     [this, mean_ms, what, &random] {
       (this->*what)();
       every(mean_ms, what, random);
     });
}

void fault_driver::stop() {
  world_.faults_on = false;
  world_.network.end_faults();
  world_.log.end_faults();
  world_.dispatches.end_faults();
  world_.heartbeats.end_faults();
  if (world_.public_topics)
    world_.public_topics->end_faults();
  heal_all();
  for (uint32_t i = 0; i < all_.node_count(); ++i) {
    auto& node = all_.node(i);
    set_full(node, false);
    if (i >= world_.cluster().nodes)
      node.crash();
    else if (is_upgrading_ && node.format() != newest_format)
      upgrade(node);
    else if (node.life().is_paused())
      node.life().resume();
    else if (!node.life().is_alive())
      node.start();
  }
  for (uint32_t i = 0; i < all_.machine_count(); ++i) {
    auto& machine = all_.machine(i);
    machine.resume();
    if (!machine.is_alive())
      machine.start();
    if (machine.agent_drains())
      machine.crash_agent();
    if (!machine.agent_life().is_alive())
      machine.start_agent();
  }
  world_.history.add(faults_ended{});
}

// Nodes.

void fault_driver::crash_node() {
  auto index = static_cast<uint32_t>(random_.below(world_.cluster().nodes));
  auto& node = all_.node(index);
  if (!node.life().is_alive())
    return;
  auto with_machine = random_.chance(0.2);
  world_.history.fault("node_crash",
                       (with_machine ? "reboot of node " : "crash of node ")
                           + std::to_string(index));
  if (with_machine)
    node.reboot();
  else
    node.crash();
  later(node_down_mean_us, [this, index] { restart_node(index); });
}

void fault_driver::restart_node(uint32_t index) {
  auto& node = all_.node(index);
  if (node.life().is_alive())
    return;
  damage_stores(node);
  world_.history.fault("node_start", "start of node " + std::to_string(index));
  node.start();
}

void fault_driver::damage_stores(sim_node& node) {
  auto name = std::to_string(node.index());
  for (uint32_t i = 0; i < world_.cluster().shards; ++i) {
    auto& store = node.store(shard_id{i});
    auto of = "store of shard " + std::to_string(i) + " of node " + name;
    if (random_.chance(world_.faults().store_lost_at_restart)) {
      store.lose();
      world_.history.fault("store_lost", of + " is lost");
    } else if (random_.chance(world_.faults().store_rolled_back_at_restart)
               && store.roll_back(random_)) {
      world_.history.situation("restart_from_a_stale_store");
      world_.history.fault("store_rolled_back", of + " is rolled back");
    }
  }
}

void fault_driver::pause_node() {
  auto& node =
      all_.node(static_cast<uint32_t>(random_.below(world_.cluster().nodes)));
  if (!node.is_serving())
    return;
  world_.history.fault("node_pause",
                       "pause of node " + std::to_string(node.index()));
  node.life().pause();
  in(draw_pause(), [this, &node] {
    if (!node.life().is_paused())
      return;
    world_.history.fault("node_resume",
                         "node " + std::to_string(node.index()) + " goes on");
    node.life().resume();
  });
}

/// For so long that some nodes meet it again when they are started again.
void fault_driver::fill_disk() {
  auto index =
      static_cast<uint32_t>(disks_random_.below(world_.cluster().nodes));
  auto& node = all_.node(index);
  if (node.store(shard_id{0}).is_full())
    return;
  world_.history.fault("disk_full", "the disk of node " + std::to_string(index)
                                        + " is full");
  set_full(node, true);
  in(exponential(disks_random_, disk_full_mean_us), [this, &node] {
    world_.history.fault("disk_freed",
                         "there is room again on the disk of node "
                             + std::to_string(node.index()));
    set_full(node, false);
  });
}

void fault_driver::set_full(sim_node& node, bool is_full) {
  for (uint32_t i = 0; i < world_.cluster().shards; ++i)
    node.store(shard_id{i}).set_full(is_full);
}

/// Those of the former version stop when they read what it writes.
void fault_driver::upgrade_node() {
  auto from =
      static_cast<uint32_t>(upgrades_random_.below(world_.cluster().nodes));
  for (uint32_t i = 0; i < world_.cluster().nodes; ++i) {
    auto& node = all_.node((from + i) % world_.cluster().nodes);
    if (node.format() == newest_format || node.life().is_paused())
      continue;
    upgrade(node);
    return;
  }
}

void fault_driver::upgrade(sim_node& node) {
  is_upgrading_ = true;
  world_.history.fault("upgrade",
                       "upgrade of node " + std::to_string(node.index()));
  if (node.life().is_alive())
    node.crash();
  node.upgrade();
  node.start();
}

void fault_driver::take_over() {
  shard_id shard{static_cast<uint32_t>(random_.below(world_.cluster().shards))};
  auto want = [&] {
    auto& node =
        all_.node(static_cast<uint32_t>(random_.below(all_.node_count())));
    if (!node.is_serving())
      return;
    world_.history.fault("takeover", "node " + std::to_string(node.index())
                                         + " wants shard "
                                         + std::to_string(shard.value));
    node.shard(shard).set_candidate(true);
  };
  // A storm now and then.
  for (auto i = random_.chance(0.3) ? 3 : 1; i > 0; --i)
    want();
}

sim_node* fault_driver::serving_node(shard_id shard, bool is_owner) {
  auto first = random_.below(all_.node_count());
  for (uint32_t i = 0; i < all_.node_count(); ++i) {
    auto& node =
        all_.node(static_cast<uint32_t>((first + i) % all_.node_count()));
    if (node.is_serving() && node.shard(shard).is_owner() == is_owner)
      return &node;
  }
  return nullptr;
}

/// Until it reads of the other's claim it takes itself for the owner, and is
/// asked as such.
void fault_driver::depose_owner() {
  shard_id shard{static_cast<uint32_t>(random_.below(world_.cluster().shards))};
  auto* owner = serving_node(shard, true);
  auto* next = serving_node(shard, false);
  if (owner == nullptr || next == nullptr)
    return;
  world_.history.fault(
      "deposed_owner",
      "node " + std::to_string(next->index()) + " wants shard "
          + std::to_string(shard.value) + " while its owner, node "
          + std::to_string(owner->index()) + ", reads nothing");
  cut_for(exponential(random_, cut_mean_us), broker_place(shard.value),
          owner->at());
  next->shard(shard).set_candidate(true);
}

void fault_driver::start_twin() {
  constexpr uint32_t twins_max = 2;
  if (all_.node_count() >= world_.cluster().nodes + twins_max)
    return;
  auto of = static_cast<uint32_t>(random_.below(world_.cluster().nodes));
  auto twin = all_.start_twin_of(of);
  world_.history.fault("twin_node", "node " + std::to_string(twin)
                                        + " starts with the name of node "
                                        + std::to_string(of));
  later(twin_mean_us, [this, twin] { all_.crash_node(twin); });
}

// Machines.

void fault_driver::crash_agent() {
  auto& machine =
      all_.machine(static_cast<uint32_t>(random_.below(all_.machine_count())));
  if (!machine.agent_life().is_alive() || machine.is_paused())
    return;
  world_.history.fault("agent_crash",
                       "crash of agent " + std::to_string(machine.index()));
  machine.crash_agent();
  later(process_down_mean_us, [&machine] {
    if (machine.is_alive() && !machine.agent_life().is_alive())
      machine.start_agent();
  });
}

/// Whoever drained an agent starts it again, be it drained or not.
void fault_driver::drain_agent() {
  auto& machine = all_.machine(
      static_cast<uint32_t>(drains_random_.below(all_.machine_count())));
  if (!machine.agent_life().is_alive() || machine.is_paused()
      || machine.agent_drains())
    return;
  world_.history.fault("agent_drain",
                       "agent " + std::to_string(machine.index()) + " drains");
  machine.drain_agent();
  in(exponential(drains_random_, drain_mean_us), [&machine] {
    if (machine.agent_drains() && !machine.is_paused()) {
      machine.crash_agent();
      machine.start_agent();
    }
  });
}

void fault_driver::crash_keeper() {
  auto& machine =
      all_.machine(static_cast<uint32_t>(random_.below(all_.machine_count())));
  if (!machine.is_alive() || machine.is_paused() || !machine.has_keeper())
    return;
  world_.history.fault("keeper_crash",
                       "crash of keeper " + std::to_string(machine.index()));
  machine.crash_keeper();
}

void fault_driver::crash_machine() {
  auto& machine =
      all_.machine(static_cast<uint32_t>(random_.below(all_.machine_count())));
  if (!machine.is_alive())
    return;
  auto name = "machine " + std::to_string(machine.index());
  if (!machine.is_paused() && random_.chance(0.3)) {
    sleep(machine, 0, draw_pause());
    return;
  }
  world_.history.fault("machine_crash", "crash of " + name);
  machine.crash();
  later(machine_down_mean_us, [&machine] {
    if (!machine.is_alive())
      machine.start();
  });
}

// What lies between.

place fault_driver::some_place() {
  auto which = random_.below(2);
  if (which == 0)
    return node_place(
        static_cast<uint32_t>(random_.below(world_.cluster().nodes)));
  return machine_place(
      static_cast<uint32_t>(random_.below(all_.machine_count())));
}

void fault_driver::cut() {
  auto from = some_place();
  auto to = random_.chance(0.6) ? broker_place(
                static_cast<uint32_t>(random_.below(world_.cluster().shards)))
                                : some_place();
  if (random_.chance(0.3))
    std::swap(from, to);
  auto both_ways = random_.chance(0.5);
  world_.history.fault("cut", "cut from " + std::to_string(from.value) + " to "
                                  + std::to_string(to.value)
                                  + (both_ways ? " and back" : ""));
  cut_for(exponential(random_, cut_mean_us), from, to);
  if (both_ways)
    cut_for(exponential(random_, cut_mean_us), to, from);
}

void fault_driver::cut_for(sim_time time, place from, place to) {
  world_.network.cut(from, to);
  auto number = ++last_cut_;
  cuts_[number] = {from, to};
  in(time, [this, number] {
    if (auto found = cuts_.find(number); found != cuts_.end()) {
      world_.network.heal(found->second.first, found->second.second);
      cuts_.erase(found);
    }
  });
}

/// The lease of a machine's agents lapses while nothing of theirs arrives. Some
/// machines sleep through it; of some the last heartbeats arrive just when they
/// were given up.
void fault_driver::come_near_the_lease() {
  auto& machine =
      all_.machine(static_cast<uint32_t>(random_.below(all_.machine_count())));
  auto& until = near_lease_until_[machine.index()];
  if (!world_.has_leases() || !machine.is_alive() || machine.is_paused()
      || world_.now() < until)
    return;
  const auto& c = world_.cluster();
  auto up_to = [this](double ms) {
    return static_cast<sim_time>(ms * random_.unit() * millisecond);
  };
  auto lease = c.lease_ms * millisecond;
  auto until_given_up = static_cast<double>(c.stop_grace_ms) + owner_margin_ms;
  auto heartbeats_come_late = random_.chance(0.4);
  auto time = heartbeats_come_late
                  ? lease + static_cast<sim_time>(until_given_up * millisecond)
                        + up_to(1500)
                  : lease - up_to(0.1 * static_cast<double>(c.lease_ms))
                        + up_to(1.5 * until_given_up);
  until = world_.now() + time + time_for_work;
  auto others =
      random_.chance(0.5) ? std::max(c.shards, all_.machine_count()) : 1;
  world_.history.fault("lease_edge",
                       "machine " + std::to_string(machine.index())
                           + " is cut off for "
                           + std::to_string(time / millisecond) + " ms");
  for (uint32_t i = 0; i < others; ++i) {
    cut_for(time, machine.at(), broker_place(i));
    cut_for(time, broker_place(i), machine.at());
  }
  if (heartbeats_come_late)
    sleep(machine,
          lease - up_to(1.5 * static_cast<double>(c.heartbeat_interval_ms)),
          time + 200 * millisecond + exponential(random_, 0.1 * second));
  else if (random_.chance(0.4))
    sleep(machine, lease - up_to(0.3 * static_cast<double>(c.lease_ms)),
          time + exponential(random_, 0.3 * second));
}

void fault_driver::sleep(sim_machine& machine, sim_time from, sim_time to) {
  in(from, [&machine, as_its_keeper_speaks = random_.chance(0.5)] {
    if (!machine.is_alive() || machine.is_paused())
      return;
    if (as_its_keeper_speaks)
      machine.pause_at_next_frame();
    else
      machine.pause();
  });
  in(to, [&machine] { machine.resume(); });
}

/// No owner of this version leaves a gap; readers pass over one all the same.
void fault_driver::land_stray_decision() {
  shard_id shard{static_cast<uint32_t>(random_.below(world_.cluster().shards))};
  const auto* last = world_.log_watch.last_valid(shard);
  if (last == nullptr || !world_.log_watch.is_of_present_owner(shard, *last))
    return;
  record stray;
  auto d = *last;
  d.seq += 2;
  stray.body = std::move(d);
  world_.history.fault("stray_decision", "a decision lands in shard "
                                             + std::to_string(shard.value)
                                             + " whose predecessor did not");
  world_.log.insert({"a stranger", broker_place(shard.value), &stranger_},
                    shard, encode(stray));
}

void fault_driver::heal_all() {
  for (const auto& [number, ends] : std::exchange(cuts_, {}))
    world_.network.heal(ends.first, ends.second);
}

void fault_driver::jump_clock() {
  auto by = random_.between(-clock_jump_max_ms, clock_jump_max_ms);
  auto what = random_.below(3);
  world_.history.fault("clock_jump",
                       "a clock jumps by " + std::to_string(by) + " ms");
  if (what == 0)
    world_.log.jump_clock(
        shard_id{static_cast<uint32_t>(random_.below(world_.cluster().shards))},
        by);
  else if (what == 1)
    all_.node(static_cast<uint32_t>(random_.below(world_.cluster().nodes)))
        .clock()
        .jump_wall(by);
  else
    all_.machine(static_cast<uint32_t>(random_.below(all_.machine_count())))
        .clock()
        .jump_wall(by);
}

void fault_driver::slow_log() {
  shard_id shard{static_cast<uint32_t>(random_.below(world_.cluster().shards))};
  auto times = 1 + random_.unit() * slowness_max;
  world_.history.fault(
      "slow_log", "the log of shard " + std::to_string(shard.value) + " takes "
                      + std::to_string(times) + " times as long");
  world_.log.set_slowness(shard, times);
  later(slow_mean_us, [this, shard] { world_.log.set_slowness(shard, 1); });
}

} // namespace berth::sim

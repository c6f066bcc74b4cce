#include "runtime/members_host.hpp"

#include "messages/codec.hpp"
#include "runtime/boottime.hpp"
#include "runtime/node_door.hpp"

#include <algorithm>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <spdlog/spdlog.h>
#include <utility>

namespace berth {

namespace {

constexpr shard_id only_partition{0};
/// Heartbeats read at the start, at most; if they do not reach back far enough
/// the view is known once the time-out has passed.
constexpr log_offset heartbeats_back_max = 20'000;
/// A node whose own heartbeats have not come back for so many intervals takes
/// the broker for lost.
constexpr int64_t intervals_until_lost = 4;
/// Agents shown, and for how long after their last heartbeat.
constexpr size_t agents_seen_max = 10'000;
constexpr int64_t agents_seen_ms = 60'000;

/// For how long all shards are folded after that was last wanted: who lost the
/// stream of events comes back for it.
constexpr int64_t whole_log_linger_ms = 60'000;

struct members_host_state {
  static inline const char* name = "members_host";

  /// A node that has another secret.
  struct stranger {
    std::string node;
    std::string endpoint;
    int64_t append_ms = 0;
  };
  struct open_look {
    shard_id of;
    uint64_t look = 0;
    log_offset end = 0;
  };

  members_host_actor::pointer self = nullptr;
  members_host_options options;
  std::unique_ptr<membership> members;
  std::unique_ptr<log_reading> reading;
  log_offset next = 0;
  std::optional<log_offset> end_at_start;
  int64_t known_at_ms = 0;
  int64_t beat_at_ms = 0;
  int64_t own_heard_ms = 0;
  uint64_t generation = 0;
  bool broker_is_lost = false;
  std::optional<stranger> last_stranger;
  std::map<shard_id, shard_stands> stands;
  std::vector<part_chosen> told;
  std::vector<std::string> endpoints_told;
  bool whole_log = false;
  int64_t whole_log_until_ms = 0;
  std::deque<open_look> looks;
  std::map<agent_id, agent_seen> agents;
  bool is_leaving = false;
  std::function<void()> when_left;

  members_host_actor me() const {
    return caf::actor_cast<members_host_actor>(self);
  }
  void start(members_host_options o);
  void read(const heartbeats_found& found);
  void take(const std::vector<log_record>& records);
  void take(const node_heartbeat& h, const log_record& r);
  void judge_strangers(int64_t own_append_ms);
  void see(const agent_heartbeat& h);
  void on_end(const heartbeats_end_known& m);
  void answer_looks();
  void on_time();
  void beat();
  part_chosen part_in(shard_id shard) const;
  void choose_shards(bool tell_all);
  void tell_members();
  void tell_holders();
  void look_at_broker();
  void leave_when_empty();
  void wake_later();
  cluster_view view() const;
};

void members_host_state::start(members_host_options o) {
  options = std::move(o);
  members = std::make_unique<membership>(options.membership);
  members->on_clock(boottime_ms());
  own_heard_ms = boottime_ms();
  told.resize(options.shards.size());
  auto begin = options.heartbeats->begin_offset(only_partition);
  options.heartbeats->end_offset(
      only_partition, [host = me(), begin, fatal = options.on_fatal](
                          log_offset end, const storage_error& error) {
        if (error)
          return fatal(error.message);
        caf::anon_send(host, heartbeats_found{begin, end});
      });
}

void members_host_state::on_end(const heartbeats_end_known& m) {
  looks.push_back({m.of, m.look, m.end});
  answer_looks();
}

void members_host_state::read(const heartbeats_found& found) {
  next = std::max(found.begin, found.end - heartbeats_back_max);
  if (next > found.begin)
    known_at_ms = boottime_ms() + options.membership.timeout_ms;
  end_at_start = found.end;
  reading = options.heartbeats->read(
      only_partition, next,
      [host = me()](std::vector<log_record> records) {
        caf::anon_send(
            host, heartbeats_taken{std::make_shared<std::vector<log_record>>(
                      std::move(records))});
      },
      [fatal = options.on_fatal](const storage_error& error) {
        fatal("heartbeats cannot be read any more: " + error.message);
      });
  on_time();
}

void members_host_state::take(const std::vector<log_record>& records) {
  members->on_clock(boottime_ms());
  std::map<shard_id, std::vector<agent_heartbeat>> by_shard;
  for (const auto& r : records) {
    auto read = decode<heartbeat>(r.bytes);
    if (!read || read->format > heartbeat_format)
      continue;
    if (const auto* node = std::get_if<node_heartbeat>(&read->body)) {
      take(*node, r);
      continue;
    }
    const auto& agent = std::get<agent_heartbeat>(read->body);
    see(agent);
    by_shard[agent.environment_shard].push_back(agent);
  }
  next = records.back().offset + 1;
  for (auto& [shard, heartbeats] : by_shard)
    if (shard.value < options.shards.size())
      caf::anon_send(options.shards[shard.value],
                     agent_heartbeats_read{
                         std::make_shared<const std::vector<agent_heartbeat>>(
                             std::move(heartbeats))});
  if (members->replaced_by())
    options.on_fatal("another process at " + *members->replaced_by()
                     + " has this node's name, " + options.membership.node
                     + ", and came later: this one ends. Give each node a "
                       "--node of its own");
  answer_looks();
  on_time();
}

void members_host_state::take(const node_heartbeat& h, const log_record& r) {
  const auto& own = options.membership.nonce;
  if (h.nonce.compare(0, secret_mark_size, own, 0, secret_mark_size) != 0) {
    last_stranger = stranger{h.node, h.endpoint, r.append_ms};
    return;
  }
  if (h.nonce == own) {
    if (members->own_heartbeat(false, {}, {}).started < 0)
      judge_strangers(r.append_ms);
    own_heard_ms = boottime_ms();
  }
  members->on_heartbeat(h, r.offset);
}

/// Of nodes with different secrets the one that came later ends, before it has
/// taken a shard: nobody could bring calls to it.
void members_host_state::judge_strangers(int64_t own_append_ms) {
  if (!last_stranger
      || own_append_ms - last_stranger->append_ms
             > options.membership.timeout_ms)
    return;
  options.on_fatal("node " + last_stranger->node + " at "
                   + last_stranger->endpoint
                   + " is of this cluster, but has another secret. Give all "
                     "nodes the same --secret-file");
}

void members_host_state::see(const agent_heartbeat& h) {
  if (agents.size() >= agents_seen_max && agents.count(h.agent) == 0)
    return;
  agents[h.agent] = {h, boottime_ms()};
}

void members_host_state::answer_looks() {
  if (end_at_start && next >= *end_at_start && boottime_ms() >= known_at_ms) {
    end_at_start.reset();
    members->on_read_to_end();
  }
  while (!looks.empty() && looks.front().end <= next) {
    auto done = looks.front();
    looks.pop_front();
    caf::anon_send(options.shards.at(done.of.value),
                   heartbeats_read_to{done.look});
  }
}

void members_host_state::on_time() {
  members->on_clock(boottime_ms());
  answer_looks();
  look_at_broker();
  auto beats = boottime_ms() >= beat_at_ms;
  if (beats)
    beat();
  choose_shards(beats);
  tell_members();
  tell_holders();
  leave_when_empty();
  wake_later();
}

void members_host_state::beat() {
  beat_at_ms = boottime_ms() + options.heartbeat_interval_ms;
  std::erase_if(agents, [](const auto& a) {
    return boottime_ms() - a.second.heard_boottime_ms > agents_seen_ms;
  });
  std::vector<shard_id> owned;
  std::vector<shard_id> warm;
  std::vector<owned_shard_figures> figures;
  for (const auto& [shard, s] : stands) {
    if (s.is_owner) {
      owned.push_back(shard);
      figures.push_back(s.figures);
    }
    if (s.is_warm)
      warm.push_back(shard);
  }
  auto own =
      members->own_heartbeat(is_leaving, std::move(owned), std::move(warm));
  own.figures = std::move(figures);
  heartbeat h;
  h.body = std::move(own);
  options.heartbeats->append(only_partition, encode(h),
                             [](append_outcome, const storage_error&) {});
  for (const auto& shard : options.shards)
    caf::anon_send(shard, stand_asked{});
}

part_chosen members_host_state::part_in(shard_id shard) const {
  auto stand = stands.find(shard);
  auto is_warm = stand != stands.end() && stand->second.is_warm;
  auto wants_all = whole_log || boottime_ms() < whole_log_until_ms;
  return {!is_leaving && members->should_own(shard, is_warm),
          wants_all
              || members->should_follow(shard, told[shard.value].followed)};
}

/// All are told with each heartbeat, since whom another node has fenced waits
/// to be told anew; between them only what changed.
void members_host_state::choose_shards(bool tell_all) {
  for (uint32_t i = 0; i < options.shards.size(); ++i) {
    auto chosen = part_in(shard_id{i});
    if (!tell_all && chosen == told[i])
      continue;
    told[i] = chosen;
    caf::anon_send(options.shards[i], chosen);
  }
}

void members_host_state::tell_members() {
  std::vector<std::string> endpoints;
  for (const auto& m : members->members())
    endpoints.push_back(m.endpoint);
  if (endpoints == endpoints_told)
    return;
  endpoints_told = endpoints;
  caf::anon_send(options.gateway, members_known{std::move(endpoints)});
}

void members_host_state::tell_holders() {
  for (uint32_t i = 0; i < options.shards.size(); ++i)
    if (auto holder = members->holder(shard_id{i}))
      caf::anon_send(options.gateway,
                     owner_known{shard_id{i}, holder->endpoint, false});
}

void members_host_state::look_at_broker() {
  auto silent = boottime_ms() - own_heard_ms;
  auto is_lost = silent > intervals_until_lost * options.heartbeat_interval_ms;
  if (is_lost == broker_is_lost)
    return;
  broker_is_lost = is_lost;
  spdlog::warn("broker {}",
               is_lost ? "lost: own heartbeats do not come back" : "back");
  for (const auto& shard : options.shards)
    caf::anon_send(shard, broker_seen{!is_lost});
}

void members_host_state::leave_when_empty() {
  if (!when_left)
    return;
  auto owns = std::any_of(stands.begin(), stands.end(),
                          [](const auto& s) { return s.second.is_owner; });
  auto all = members->members();
  auto others = std::any_of(all.begin(), all.end(), [&](const auto& m) {
    return m.node != options.membership.node && !m.leaving;
  });
  if (owns && others)
    return;
  std::exchange(when_left, nullptr)();
}

void members_host_state::wake_later() {
  auto at = beat_at_ms;
  if (auto due = members->next_due_boottime_ms())
    at = std::min(at, *due);
  auto wait = std::max<int64_t>(at - boottime_ms(), 1);
  self->delayed_send(me(), std::chrono::milliseconds(wait), tick{++generation});
}

cluster_view members_host_state::view() const {
  cluster_view v;
  v.is_known = members->is_known();
  v.members = members->members();
  for (uint32_t i = 0; i < options.shards.size(); ++i) {
    v.ranked_first.push_back(members->owner(shard_id{i}).value_or(""));
    auto holder = members->holder(shard_id{i});
    v.holders.push_back(holder ? holder->node : "");
  }
  for (const auto& [id, seen] : agents)
    v.agents.push_back(seen);
  return v;
}

members_host_actor::behavior_type members_host_behavior(
    members_host_actor::stateful_pointer<members_host_state> self,
    members_host_options options) {
  self->state.self = self;
  self->state.start(std::move(options));
  return {
      [self](const shard_stands& m) {
        auto& st = self->state;
        auto& stand = st.stands[m.shard];
        auto is_new =
            stand.is_owner != m.is_owner || stand.is_warm != m.is_warm;
        stand = m;
        // Others shall know at once.
        if (is_new && st.reading) {
          st.beat_at_ms = boottime_ms();
          st.on_time();
        }
      },
      [self](const heartbeats_look& m) {
        self->state.options.heartbeats->end_offset(
            only_partition, [host = self->state.me(),
                             m](log_offset end, const storage_error& error) {
              // Only a log that is being closed fails to answer.
              if (!error)
                caf::anon_send(host, heartbeats_end_known{m.of, m.look, end});
            });
      },
      [self](const heartbeats_found& m) { self->state.read(m); },
      [self](const heartbeats_taken& m) { self->state.take(*m.records); },
      [self](const heartbeats_end_known& m) { self->state.on_end(m); },
      [self](const leave_cluster& m) {
        auto& st = self->state;
        st.is_leaving = true;
        st.when_left = m.done;
        st.beat_at_ms = boottime_ms();
        if (st.reading)
          st.on_time();
      },
      [self](const whole_log_wanted& m) {
        auto& st = self->state;
        if (st.whole_log && !m.is_wanted)
          st.whole_log_until_ms = boottime_ms() + whole_log_linger_ms;
        st.whole_log = m.is_wanted;
        st.choose_shards(false);
      },
      [self](const inspect_members& m) { m.look(self->state.view()); },
      [self](const tick& m) {
        if (m.generation == self->state.generation)
          self->state.on_time();
      },
      [self](const stop_now&) {
        self->state.reading.reset();
        self->quit();
      },
  };
}

} // namespace

members_host_actor spawn_members_host(caf::actor_system& system,
                                      members_host_options options) {
  return system.spawn<caf::detached>(members_host_behavior, std::move(options));
}

} // namespace berth

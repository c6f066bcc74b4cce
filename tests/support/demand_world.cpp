#include "tests/support/demand_world.hpp"

#include "messages/assert.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace berth::testing {

shape make_shape(int64_t vcpus, int64_t memory_mib) {
  return {{vcpus * 1000, memory_mib, {}}, 1};
}

resources make_resources(int64_t vcpus, int64_t memory_mib) {
  return {vcpus * 1000, memory_mib, {}};
}

decision_context demand_world::context(shard_id shard) const {
  return {now_ms, shard, nullptr};
}

environment_uid demand_world::add_environment(shard_id shard,
                                              environment_settings settings) {
  environment_uid uid{next_uid_++};
  environment_shards_[uid] = shard;
  if (settings.max_vcpus == 0)
    settings.type = environment_type::unmanaged;
  environment_object object;
  object.uid = uid;
  object.shard = shard;
  object.settings = std::move(settings);
  input(shard, configure_environment{object});
  return uid;
}

queue_uid demand_world::add_queue(shard_id shard,
                                  const std::vector<environment_uid>& order,
                                  int32_t priority) {
  queue_uid uid{next_uid_++};
  queue_shards_[uid] = shard;
  configure(uid, order, priority);
  return uid;
}

void demand_world::configure(environment_uid uid,
                             environment_settings settings) {
  auto object = environments_.at(uid).object();
  object.settings = std::move(settings);
  input(object.shard, configure_environment{object});
}

void demand_world::configure(queue_uid uid,
                             const std::vector<environment_uid>& order,
                             int32_t priority) {
  configure_queue m;
  m.object.uid = uid;
  m.object.shard = queue_shards_.at(uid);
  m.object.settings.priority = priority;
  for (auto environment : order)
    m.environments.push_back({environment, environment_shards_.at(environment),
                              "e" + std::to_string(environment.value)});
  input(m.object.shard, m);
}

void demand_world::join(environment_uid environment, const std::string& agent,
                        resources capacity, session_id session) {
  input(environment_shards_.at(environment),
        agent_joins{{environment, agent}, session, std::move(capacity)});
}

void demand_world::remove(queue_uid uid) {
  input(queue_shards_.at(uid), remove_queue{uid});
}

void demand_world::remove(environment_uid uid) {
  input(environment_shards_.at(uid), remove_environment{uid});
}

job_id demand_world::submit(queue_uid queue, const shape& what, int32_t size) {
  job_id id;
  auto position = next_position_++;
  for (size_t i = 0; i < 8; ++i)
    id.bytes[i] = static_cast<uint8_t>(position >> (8 * (7 - i)));
  jobs_[id] = {queue, position, what, now_ms};
  job_range range{id, no_index, no_index};
  if (size > 0)
    range = {id, 0, size};
  for (int32_t i = 0; i < size; ++i)
    waiting_.insert({id, i});
  if (size == 0)
    waiting_.insert({id, no_index});
  input(queue_shards_.at(queue),
        enqueue_jobs{queue, range, position, what, now_ms});
  return id;
}

void demand_world::end(job_key job, bool retry) {
  auto placed = running_.at(job);
  running_.erase(job);
  auto shard = queue_shards_.at(placed.queue);
  auto held = held_;
  held_ = true;
  input(shard,
        finish_lease{placed.queue, placed.environment, placed.lease, job});
  if (retry) {
    const auto& record = jobs_.at(job.id);
    waiting_.insert(job);
    auto range = job_range{job.id, job.index, job.index + 1};
    if (job.index == no_index)
      range.last = no_index;
    input(shard, enqueue_jobs{placed.queue, range, record.position, record.what,
                              record.submitted_ms});
  }
  held_ = held;
  if (!held_)
    go();
}

void demand_world::withdraw(job_key job) {
  const auto& record = jobs_.at(job.id);
  BERTH_ASSERT(waiting_.erase(job) == 1, "only waiting jobs are withdrawn");
  auto range = job_range{job.id, job.index, job.index + 1};
  if (job.index == no_index)
    range.last = no_index;
  input(queue_shards_.at(record.queue),
        withdraw_jobs{record.queue, range, record.position, record.what});
}

void demand_world::input(shard_id shard, actor_message m) {
  held_inputs_[shard].push_back(std::move(m));
  if (!held_)
    go();
}

void demand_world::go() {
  held_ = false;
  for (auto& [shard, inputs] : std::exchange(held_inputs_, {}))
    decide(shard, std::move(inputs));
}

bool demand_world::deliver(shard_id from, shard_id to) {
  auto found = between_.find({from, to});
  if (found == between_.end() || found->second.empty())
    return false;
  auto m = std::move(found->second.front());
  found->second.pop_front();
  decide(to, {std::move(m)});
  return true;
}

void demand_world::deliver_all() {
  size_t delivered = 0;
  for (auto again = true; again;) {
    again = false;
    std::vector<std::pair<shard_id, shard_id>> pairs;
    for (const auto& [pair, messages] : between_)
      if (!messages.empty())
        pairs.push_back(pair);
    for (auto [from, to] : pairs)
      again = deliver(from, to) || again;
    BERTH_ASSERT(++delivered < 100'000, "the exchange between shards ends");
  }
}

size_t demand_world::waiting_messages() const {
  size_t count = 0;
  for (const auto& entry : between_)
    count += entry.second.size();
  return count;
}

void demand_world::advance(int64_t milliseconds) {
  now_ms += milliseconds;
  std::set<shard_id> due;
  for (const auto& [uid, environment] : environments_)
    if (auto at = environment.next_due_ms(); at && *at <= now_ms)
      due.insert(environment_shards_.at(uid));
  for (auto shard : due)
    decide(shard, {});
}

void demand_world::decide(shard_id shard, std::vector<actor_message> inputs) {
  last_events.clear();
  ++decisions;
  for (const auto& m : inputs) {
    handle(shard, m);
    while (!inside_.empty()) {
      auto inner = std::move(inside_.front());
      inside_.pop_front();
      handle(shard, inner.body);
    }
  }
  exchange(shard);
  std::vector<queue_uid> gone;
  for (const auto& [uid, queue] : queues_)
    if (queue_shards_.at(uid) == shard && queue.is_gone())
      gone.push_back(uid);
  for (auto uid : gone) {
    draft out;
    out.emit(queue_dropped{uid});
    absorb(shard, out);
  }
}

void demand_world::exchange(shard_id shard) {
  auto deliver_inside = [&] {
    while (!inside_.empty()) {
      auto inner = std::move(inside_.front());
      inside_.pop_front();
      handle(shard, inner.body);
    }
  };
  size_t rounds = 0;
  for (auto again = true; again;) {
    again = false;
    BERTH_ASSERT(++rounds < 1000, "the exchange inside a decision ends");
    for (auto uid : queue_uids()) {
      if (queue_shards_.at(uid) != shard || !has(uid))
        continue;
      draft out;
      queues_.at(uid).settle(context(shard), out);
      again = again || !out.events.empty() || !queues_.at(uid).is_settled();
      absorb(shard, out);
      deliver_inside();
    }
    for (auto uid : environment_uids()) {
      if (environment_shards_.at(uid) != shard || !has(uid))
        continue;
      draft out;
      environments_.at(uid).pass(context(shard), out);
      again =
          again || !out.events.empty() || !environments_.at(uid).is_settled();
      absorb(shard, out);
      deliver_inside();
    }
  }
  rounds_max = std::max(rounds_max, rounds);
}

void demand_world::handle(shard_id shard, const actor_message& message) {
  draft out;
  auto at = context(shard);
  std::visit(
      [&](const auto& m) {
        using type = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<type, configure_environment>) {
          if (has(m.object.uid))
            environments_.at(m.object.uid).decide(m, at, out);
          else
            out.emit(environment_configured{m.object});
        } else if constexpr (std::is_same_v<type, configure_queue>) {
          if (has(m.object.uid))
            queues_.at(m.object.uid).decide(m, at, out);
          else
            out.emit(queue_configured{m.object, m.environments});
        } else if constexpr (
            std::is_same_v<
                type,
                place_job> || std::is_same_v<type, attempt_lost> || std::is_same_v<type, end_jobs_of_queue>) {
          take(shard, m);
        } else if constexpr (std::is_same_v<type, grant>) {
          if (has(m.queue)) {
            queues_.at(m.queue).decide(m, at, out);
          } else {
            release back{m.environment, {m.queue, shard}, {}};
            for (const auto& one : m.leases)
              back.leases.push_back(one.id);
            out.send(m.environment_shard, back);
          }
        } else if constexpr (std::is_same_v<type, remove_queue>) {
          if (has(m.uid))
            queues_.at(m.uid).decide(m, at, out);
        } else if constexpr (std::is_same_v<type, remove_environment>) {
          if (has(m.uid))
            environments_.at(m.uid).decide(m, at, out);
        } else if constexpr (std::is_same_v<type, agent_joins>) {
          if (has(m.agent.environment))
            environments_.at(m.agent.environment).decide(m, at, out);
        } else if constexpr (std::is_same_v<type, demand>) {
          if (has(m.environment))
            environments_.at(m.environment).decide(m, at, out);
          else if (!m.runs.empty())
            out.send(
                m.queue.shard,
                saturated{m.queue.uid, m.environment, m.version, true, {}, {}});
        } else if constexpr (std::is_same_v<type, release>) {
          if (has(m.environment))
            environments_.at(m.environment).decide(m, at, out);
        } else if constexpr (requires(const queue_actor& q) {
                               q.decide(m, at, out);
                             }) {
          if (has(m.queue))
            queues_.at(m.queue).decide(m, at, out);
        }
      },
      message);
  absorb(shard, out);
}

namespace {

template <class Event>
environment_uid environment_of(const Event& e) {
  if constexpr (requires { e.agent.environment; })
    return e.agent.environment;
  else
    return e.environment;
}

} // namespace

void demand_world::apply(
    const event& e, std::map<queue_uid, queue_actor>& queues,
    std::map<environment_uid, compute_environment_actor>& environments) const {
  std::visit(
      [&](const auto& one) {
        using type = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<type, queue_configured>) {
          auto found = queues.find(one.object->uid);
          if (found == queues.end())
            queues.emplace(one.object->uid, queue_actor{one});
          else
            found->second.apply(one);
        } else if constexpr (std::is_same_v<type, environment_configured>) {
          auto found = environments.find(one.object->uid);
          if (found == environments.end())
            environments.emplace(one.object->uid,
                                 compute_environment_actor{one});
          else
            found->second.apply(one);
        } else if constexpr (std::is_same_v<type, queue_dropped>) {
          queues.erase(one.queue);
        } else if constexpr (std::is_same_v<type, environment_dropped>) {
          environments.erase(one.environment);
        } else if constexpr (requires(compute_environment_actor & a) {
                               a.apply(one);
                             }) {
          environments.at(environment_of(one)).apply(one);
        } else if constexpr (requires(queue_actor & q) { q.apply(one); }) {
          queues.at(one.queue).apply(one);
        }
      },
      e);
}

void demand_world::absorb(shard_id shard, draft& out) {
  for (auto& e : out.events) {
    apply(e, queues_, environments_);
    if (const auto* matched = std::get_if<leases_matched>(&e))
      leases_unmatched += matched->granted - matched->matches.size();
    history_.push_back(e);
    last_events.push_back(std::move(e));
  }
  for (auto& m : out.messages) {
    if (m.to == shard)
      inside_.push_back({m.to, std::move(m.body)});
    else
      between_[{shard, m.to}].push_back(std::move(m.body));
  }
}

void demand_world::take(shard_id shard, const place_job& m) {
  const auto& record = jobs_.at(m.job.id);
  if (waiting_.erase(m.job) == 0) {
    // It was taken back while the lease was on its way.
    BERTH_ASSERT(running_.count(m.job) == 0, "no job runs twice");
    inside_.push_back(
        {shard, finish_lease{record.queue, m.environment, m.lease, m.job}});
    return;
  }
  for (const auto& [job, placed] : running_)
    BERTH_ASSERT(placed.environment != m.environment || placed.lease != m.lease,
                 "no lease is used twice");
  BERTH_ASSERT(running_
                   .try_emplace(m.job, placed_job{record.queue, m.environment,
                                                  m.lease, m.agent, m.session})
                   .second,
               "no job runs twice");
}

void demand_world::take(shard_id shard, const attempt_lost& m) {
  auto found = running_.find(m.job);
  if (found == running_.end())
    return;
  BERTH_ASSERT(found->second.lease == m.lease
                   && found->second.environment == m.environment,
               "what is lost is what runs");
  auto placed = found->second;
  running_.erase(found);
  const auto& record = jobs_.at(m.job.id);
  waiting_.insert(m.job);
  auto range = job_range{m.job.id, m.job.index, m.job.index + 1};
  if (m.job.index == no_index)
    range.last = no_index;
  inside_.push_back({shard, finish_lease{placed.queue, placed.environment,
                                         placed.lease, m.job}});
  inside_.push_back({shard, enqueue_jobs{placed.queue, range, record.position,
                                         record.what, record.submitted_ms}});
}

void demand_world::take(shard_id shard, const end_jobs_of_queue& m) {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto& record = jobs_.at(at->id);
    if (record.queue != m.queue) {
      ++at;
      continue;
    }
    auto range = job_range{at->id, at->index, at->index + 1};
    if (at->index == no_index)
      range.last = no_index;
    inside_.push_back(
        {shard, withdraw_jobs{m.queue, range, record.position, record.what}});
    at = waiting_.erase(at);
  }
  for (auto at = running_.begin(); at != running_.end();) {
    if (at->second.queue != m.queue) {
      ++at;
      continue;
    }
    inside_.push_back({shard, finish_lease{m.queue, at->second.environment,
                                           at->second.lease, at->first}});
    at = running_.erase(at);
  }
  inside_.push_back({shard, jobs_of_queue_ended{m.queue}});
}

std::vector<job_key>
demand_world::running_in(environment_uid environment) const {
  std::vector<job_key> found;
  for (const auto& [job, placed] : running_)
    if (placed.environment == environment)
      found.push_back(job);
  return found;
}

size_t demand_world::alive_count(queue_uid queue) const {
  size_t count = 0;
  for (const auto& job : waiting_)
    count += jobs_.at(job.id).queue == queue ? 1U : 0U;
  for (const auto& entry : running_)
    count += entry.second.queue == queue ? 1U : 0U;
  return count;
}

const queue_actor& demand_world::queue(queue_uid uid) const {
  return queues_.at(uid);
}

const compute_environment_actor&
demand_world::environment(environment_uid uid) const {
  return environments_.at(uid);
}

std::vector<queue_uid> demand_world::queue_uids() const {
  std::vector<queue_uid> uids;
  for (const auto& entry : queues_)
    uids.push_back(entry.first);
  return uids;
}

std::vector<environment_uid> demand_world::environment_uids() const {
  std::vector<environment_uid> uids;
  for (const auto& entry : environments_)
    uids.push_back(entry.first);
  return uids;
}

namespace {

template <class Actor>
uint64_t hash_of(const Actor& actor) {
  state_hash hash;
  actor.add_to(hash);
  return hash.value();
}

} // namespace

queue_actor demand_world::restored(const queue_actor& from) const {
  auto made = queue_actor::from_row(from.to_row());
  BERTH_ASSERT(made, "a queue's row is read back");
  for (const auto& job : waiting_) {
    const auto& record = jobs_.at(job.id);
    if (record.queue != from.uid())
      continue;
    auto range = job_range{job.id, job.index, job.index + 1};
    if (job.index == no_index)
      range.last = no_index;
    made->restore_entry(
        {range, record.position, record.what, record.submitted_ms});
  }
  for (const auto& [job, placed] : running_)
    if (placed.queue == from.uid())
      made->restore_lease(placed.environment, placed.lease, job,
                          jobs_.at(job.id).what);
  return std::move(*made);
}

void demand_world::check() const {
  std::map<queue_uid, queue_actor> queues;
  std::map<environment_uid, compute_environment_actor> environments;
  for (const auto& e : history_)
    apply(e, queues, environments);
  BERTH_ASSERT(queues.size() == queues_.size(), "a replay has all queues");
  for (const auto& [uid, queue] : queues_) {
    queue.check_invariants();
    BERTH_ASSERT(hash_of(queue) == hash_of(queues.at(uid)),
                 "a replay gives the same queue");
    BERTH_ASSERT(hash_of(queue) == hash_of(restored(queue)),
                 "a queue's row and its jobs' give the same queue");
  }
  BERTH_ASSERT(environments.size() == environments_.size(),
               "a replay has all environments");
  for (const auto& [uid, environment] : environments_) {
    environment.check_invariants();
    BERTH_ASSERT(hash_of(environment) == hash_of(environments.at(uid)),
                 "a replay gives the same environment");
    auto loaded = compute_environment_actor::from_row(environment.to_row());
    BERTH_ASSERT(loaded && hash_of(environment) == hash_of(*loaded),
                 "an environment's row gives the same environment");
    loaded->check_invariants();
  }
}

void demand_world::check_balance() const {
  BERTH_ASSERT(waiting_messages() == 0, "nothing is on its way");
  std::map<environment_uid, int64_t> used;
  for (const auto& [job, placed] : running_)
    used[placed.environment] += jobs_.at(job.id).what.each.vcpu_milli;
  for (const auto& [uid, environment] : environments_)
    BERTH_ASSERT(environment.vcpu_milli_leased() == used[uid],
                 "an environment leases what runs there");
  std::map<queue_uid, int64_t> leased;
  for (const auto& [job, placed] : running_)
    leased[placed.queue] += jobs_.at(job.id).what.each.vcpu_milli;
  for (const auto& [uid, queue] : queues_) {
    BERTH_ASSERT(queue.vcpu_milli_leased() == leased[uid],
                 "a queue holds leases for what runs");
    BERTH_ASSERT(queue.runnable_count() + running_of(uid) == alive_count(uid),
                 "every job waits or runs");
  }
}

size_t demand_world::running_of(queue_uid queue) const {
  return static_cast<size_t>(
      std::count_if(running_.begin(), running_.end(), [&](const auto& entry) {
        return entry.second.queue == queue;
      }));
}

shard_id demand_world::shard_of_queue(queue_uid uid) const {
  return queue_shards_.at(uid);
}

queue_uid demand_world::queue_of(const job_key& job) const {
  return jobs_.at(job.id).queue;
}

const shape& demand_world::shape_of(const job_key& job) const {
  return jobs_.at(job.id).what;
}

} // namespace berth::testing

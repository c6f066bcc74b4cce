#include "actors/shard_state.hpp"

#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "messages/shard_rows.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace berth {

namespace {

constexpr std::string_view queue_prefix = "q/";
constexpr std::string_view environment_prefix = "e/";
constexpr std::string_view outbox_prefix = "o/";
constexpr std::string_view inbox_prefix = "i/";

std::string padded(uint64_t number) {
  auto digits = std::to_string(number);
  return std::string(20 - digits.size(), '0') + digits;
}

std::string row_key(std::string_view prefix, std::string_view rest) {
  return std::string(prefix) + std::string(rest);
}

template <class Event, class... Ts>
constexpr bool is_one_of = (std::is_same_v<Event, Ts> || ...);

template <class Event>
constexpr bool is_of_catalog =
    is_one_of<Event, environment_created, environment_updated,
              environment_deleted, queue_created, queue_updated, queue_deleted,
              definition_registered, definition_deregistered, object_tagged,
              request_answered, queue_name_freed, requests_forgotten>;

/// What a queue's or environment's own settling emits does not unsettle it,
/// except where it may have stopped half-way.
template <class Event>
constexpr bool is_settling =
    is_one_of<Event, demand_told, saturation_told, head_blocked, head_unblocked,
              agents_reserved>;

template <class Event>
concept queue_event = requires(queue_actor& q, const Event& e) {
  e.queue;
  q.apply(e);
};

template <class Event>
concept environment_event = requires(compute_environment_actor& a,
                                     const Event& e) {
  a.apply(e);
};

template <class Event>
concept job_event = requires(job_table& t, const Event& e) {
  t.apply(e);
};

environment_uid environment_of(const agent_joined& e) {
  return e.agent.environment;
}
environment_uid environment_of(const agent_session_ended& e) {
  return e.agent.environment;
}
environment_uid environment_of(const environment_configured& e) {
  return e.object->uid;
}
template <class Event>
environment_uid environment_of(const Event& e) {
  return e.environment;
}

} // namespace

shard_state::shard_state(shard_state_options options)
    : options_(std::move(options)), catalog_(options_.catalog) {
  jobs_ = std::make_unique<job_table>(
      options_.jobs, [this](queue_uid uid) { return find_queue(uid); });
}

size_t shard_state::runnable_count() const {
  size_t count = 0;
  for (const auto& [uid, queue] : queues_)
    count += queue.runnable_count();
  return count;
}

const queue_actor* shard_state::find_queue(queue_uid uid) const {
  auto found = queues_.find(uid);
  return found == queues_.end() ? nullptr : &found->second;
}

const compute_environment_actor*
shard_state::find_environment(environment_uid uid) const {
  auto found = environments_.find(uid);
  return found == environments_.end() ? nullptr : &found->second;
}

uint64_t shard_state::last_taken(const std::string& source) const {
  auto found = inboxes_.find(source);
  return found == inboxes_.end() ? 0 : found->second;
}

uint64_t shard_state::last_sent(const std::string& to) const {
  auto found = outboxes_.find(to);
  return found == outboxes_.end() ? 0 : found->second.last_number;
}

void shard_state::apply(const event& e) {
  std::visit([this](const auto& one) { apply_one(one); }, e);
}

template <class Event>
void shard_state::apply_one(const Event& e) {
  if constexpr (is_of_catalog<Event>) {
    catalog_.apply(e);
  } else if constexpr (std::is_same_v<Event, queue_configured>) {
    if (auto found = queues_.find(e.object->uid); found != queues_.end())
      found->second.apply(e);
    else
      queues_.emplace(e.object->uid, queue_actor{e});
    unsettled_queues_.insert(e.object->uid);
    changed_queues_.insert(e.object->uid);
  } else if constexpr (std::is_same_v<Event, queue_dropped>) {
    queues_.erase(e.queue);
    changed_queues_.insert(e.queue);
    unsettled_queues_.erase(e.queue);
  } else if constexpr (std::is_same_v<Event, environment_dropped>) {
    environments_.erase(e.environment);
    changed_environments_.insert(e.environment);
    unsettled_environments_.erase(e.environment);
  } else if constexpr (environment_event<Event>) {
    apply_to_environment(e);
  } else if constexpr (queue_event<Event>) {
    apply_to_queue(e);
  } else if constexpr (std::is_same_v<Event, messages_taken>) {
    auto& last = inboxes_[e.source];
    last = std::max(last, e.up_to);
    changed_inboxes_.insert(e.source);
  } else if constexpr (std::is_same_v<Event, delivery_recorded>) {
    auto found = outboxes_.find(e.destination);
    if (found == outboxes_.end())
      return;
    auto& waiting = found->second.unrecorded;
    while (!waiting.empty() && waiting.front().message_number <= e.up_to)
      waiting.pop_front();
    changed_outboxes_.insert(e.destination);
  } else if constexpr (std::is_same_v<Event, session_forgotten>) {
    auto name = source_name(e.agent, e.session);
    outboxes_.erase(name);
    inboxes_.erase(name);
    changed_outboxes_.insert(name);
    changed_inboxes_.insert(name);
  } else if constexpr (std::is_same_v<Event, message_refused>) {
    // Kept in the log for people; nothing follows from it.
  } else {
    static_assert(job_event<Event>, "every event has one owner");
    jobs_->apply(e);
  }
}

template <class Event>
void shard_state::apply_to_environment(const Event& e) {
  auto uid = environment_of(e);
  auto found = environments_.find(uid);
  if constexpr (std::is_same_v<Event, environment_configured>) {
    if (found == environments_.end()) {
      found = environments_.emplace(uid, compute_environment_actor{e}).first;
      found->second.set_defaults(options_.environments);
    } else {
      found->second.apply(e);
    }
  } else {
    if (found == environments_.end())
      return;
    found->second.apply(e);
  }
  changed_environments_.insert(uid);
  if (!is_settling<Event>)
    unsettled_environments_.insert(uid);
}

template <class Event>
void shard_state::apply_to_queue(const Event& e) {
  auto found = queues_.find(e.queue);
  if (found == queues_.end())
    return;
  found->second.apply(e);
  // Entries and leases are in the jobs' rows.
  if (!is_one_of<Event, jobs_enqueued, jobs_withdrawn>)
    changed_queues_.insert(e.queue);
  if (!is_settling<Event>)
    unsettled_queues_.insert(e.queue);
}

void shard_state::apply(const outbox_message& m) {
  auto name = to_string(m.to);
  auto& box = outboxes_[name];
  box.to = m.to;
  box.last_number = m.message_number;
  box.unrecorded.push_back(m);
  changed_outboxes_.insert(name);
}

std::set<queue_uid> shard_state::take_unsettled_queues() {
  return std::exchange(unsettled_queues_, {});
}

std::set<environment_uid> shard_state::take_unsettled_environments() {
  return std::exchange(unsettled_environments_, {});
}

bool shard_state::is_settled() const {
  return unsettled_queues_.empty() && unsettled_environments_.empty();
}

void shard_state::mark_unsettled(environment_uid uid) {
  unsettled_environments_.insert(uid);
}

std::optional<int64_t> shard_state::next_due_ms() const {
  auto due = catalog_.next_due_ms();
  auto also = [&](std::optional<int64_t> other) {
    if (other && (!due || *other < *due))
      due = other;
  };
  also(jobs_->next_due_ms());
  for (const auto& [uid, environment] : environments_)
    also(environment.next_due_ms());
  return due;
}

job_bodies shard_state::cut_checkpoint(
    std::map<std::string, std::optional<std::string>>& rows) {
  catalog_.cut_checkpoint(rows);
  auto bodies = jobs_->cut_checkpoint(rows);
  for (auto uid : std::exchange(changed_queues_, {})) {
    const auto* queue = find_queue(uid);
    rows[row_key(queue_prefix, padded(uid.value))] =
        queue ? std::optional{queue->to_row()} : std::nullopt;
  }
  for (auto uid : std::exchange(changed_environments_, {})) {
    const auto* environment = find_environment(uid);
    rows[row_key(environment_prefix, padded(uid.value))] =
        environment ? std::optional{environment->to_row()} : std::nullopt;
  }
  for (const auto& name : std::exchange(changed_outboxes_, {})) {
    auto& row = rows[row_key(outbox_prefix, name)];
    auto found = outboxes_.find(name);
    if (found == outboxes_.end())
      row = std::nullopt;
    else
      row = encode(outbox_row{
          found->second.to,
          found->second.last_number,
          {found->second.unrecorded.begin(), found->second.unrecorded.end()}});
  }
  for (const auto& name : std::exchange(changed_inboxes_, {})) {
    auto& row = rows[row_key(inbox_prefix, name)];
    auto found = inboxes_.find(name);
    if (found == inboxes_.end())
      row = std::nullopt;
    else
      row = encode(inbox_row{found->first, found->second});
  }
  return bodies;
}

std::optional<std::optional<std::string>>
shard_state::pending_row(const std::string& key) const {
  return jobs_->pending_row(key);
}

std::vector<row_range> shard_state::live_ranges() {
  auto all_of = [](std::string_view prefix) {
    std::string end{prefix};
    ++end.back();
    return row_range{std::string(prefix), end, SIZE_MAX, false};
  };
  std::vector<row_range> ranges{catalog_actor::rows(), all_of(queue_prefix),
                                all_of(environment_prefix),
                                all_of(outbox_prefix), all_of(inbox_prefix)};
  auto jobs = job_table::live_ranges();
  ranges.insert(ranges.end(), jobs.begin(), jobs.end());
  return ranges;
}

void shard_state::load_row(std::string_view key, std::string_view bytes) {
  if (catalog_.load_row(key, bytes))
    return;
  if (key.starts_with(queue_prefix)) {
    if (auto queue = queue_actor::from_row(bytes)) {
      auto uid = queue->uid();
      queues_.emplace(uid, std::move(*queue));
      unsettled_queues_.insert(uid);
    }
  } else if (key.starts_with(environment_prefix)) {
    if (auto environment = compute_environment_actor::from_row(bytes)) {
      auto uid = environment->uid();
      environment->set_defaults(options_.environments);
      environments_.emplace(uid, std::move(*environment));
      unsettled_environments_.insert(uid);
    }
  } else if (key.starts_with(outbox_prefix)) {
    if (auto row = decode<outbox_row>(bytes)) {
      auto& box = outboxes_[to_string(row->to)];
      box.to = row->to;
      box.last_number = row->last_number;
      box.unrecorded.assign(row->unrecorded.begin(), row->unrecorded.end());
    }
  } else if (key.starts_with(inbox_prefix)) {
    if (auto row = decode<inbox_row>(bytes))
      inboxes_[row->source] = row->up_to;
  } else {
    jobs_->load_row(
        key, bytes,
        {[this](queue_uid uid, queue_position position, const job_range& jobs,
                const shape& what, int64_t submitted_ms) {
           if (auto queue = queues_.find(uid); queue != queues_.end())
             queue->second.restore_entry({jobs, position, what, submitted_ms});
         },
         [this](queue_uid uid, environment_uid environment, lease_id id,
                const job_key& job, const shape& what) {
           if (auto queue = queues_.find(uid); queue != queues_.end())
             queue->second.restore_lease(environment, id, job, what);
         }});
  }
}

void shard_state::check_invariants() const {
  catalog_.check_invariants();
  jobs_->check_invariants();
  for (const auto& [uid, queue] : queues_)
    queue.check_invariants();
  for (const auto& [uid, environment] : environments_)
    environment.check_invariants();
  for (const auto& [name, box] : outboxes_) {
    auto number = box.last_number - box.unrecorded.size();
    for (const auto& message : box.unrecorded)
      BERTH_ASSERT(message.message_number == ++number,
                   "outbox messages are numbered without gaps");
  }
}

uint64_t shard_state::hash() const {
  state_hash hash;
  catalog_.add_to(hash);
  jobs_->add_to(hash);
  for (const auto& [uid, queue] : queues_)
    queue.add_to(hash);
  for (const auto& [uid, environment] : environments_)
    environment.add_to(hash);
  for (const auto& [name, box] : outboxes_)
    hash.add("outbox", encode(outbox_row{
                           box.to,
                           box.last_number,
                           {box.unrecorded.begin(), box.unrecorded.end()}}));
  for (const auto& [source, up_to] : inboxes_)
    hash.add("inbox", encode(inbox_row{source, up_to}));
  return hash.value();
}

} // namespace berth

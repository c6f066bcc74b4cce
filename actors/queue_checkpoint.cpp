// A queue's row, fingerprint and invariants.
#include "actors/queue_state.hpp"
#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "messages/limits.hpp"
#include "messages/queue_rows.hpp"

namespace berth {

namespace {

queue_link_row row_of(const environment_link& link) {
  queue_link_row row{link.address,
                     link.priority,
                     link.version,
                     link.last_grant,
                     link.told,
                     link.everything,
                     {link.shapes.begin(), link.shapes.end()},
                     {},
                     {link.unreleased.begin(), link.unreleased.end()}};
  for (const auto& [what, reason] : link.never)
    row.never.push_back({what, reason});
  return row;
}

environment_link link_of(queue_link_row row) {
  environment_link link;
  link.address = std::move(row.environment);
  link.priority = row.priority;
  link.version = row.version;
  link.last_grant = row.last_grant;
  link.told = std::move(row.told);
  link.everything = row.everything;
  link.shapes = {row.shapes.begin(), row.shapes.end()};
  for (const auto& entry : row.never)
    link.never.emplace(entry.what, entry.reason);
  link.unreleased = {row.unreleased.begin(), row.unreleased.end()};
  return link;
}

} // namespace

std::string queue_actor::to_row() const {
  queue_row row{state_->object,
                state_->environments,
                state_->closing,
                state_->jobs_ended,
                {}};
  for (const auto& entry : state_->links)
    row.links.push_back(row_of(entry.second));
  return encode(row);
}

std::optional<queue_actor> queue_actor::from_row(std::string_view bytes) {
  auto row = decode<queue_row>(bytes);
  if (!row)
    return std::nullopt;
  queue_actor queue{
      queue_configured{std::move(row->object), std::move(row->environments)}};
  queue.state_->closing = row->closing;
  queue.state_->jobs_ended = row->jobs_ended;
  for (auto& link : row->links) {
    auto uid = link.environment.uid;
    queue.state_->links[uid] = link_of(std::move(link));
  }
  return queue;
}

void queue_actor::add_to(state_hash& hash) const {
  hash.add("queue", to_row());
  auto uid = state_->object.uid;
  for (const auto& [what, jobs] : state_->jobs.shapes())
    for (const auto& range : jobs.ranges)
      hash.add("queue_entry",
               encode(queue_entry_row{uid, range.jobs(), range.position, what,
                                      range.submitted_ms}));
  for (const auto& [environment, link] : state_->links)
    for (const auto& [lease, held] : link.leases)
      hash.add("queue_lease",
               encode(queue_lease_row{uid, environment, lease, held.job,
                                      held.vcpu_milli}));
}

void queue_actor::check_invariants() const {
  state_->jobs.check_invariants();
  int64_t leased = 0;
  for (const auto& [uid, link] : state_->links) {
    BERTH_ASSERT(link.address.uid == uid, "links are filed by environment");
    BERTH_ASSERT(link.told.size() <= limits::demand_runs_max,
                 "a demand has a bounded number of runs");
    for (const auto& run : link.told)
      BERTH_ASSERT(run.count > 0, "no run of a demand is empty");
    for (const auto& [lease, held] : link.leases)
      leased += held.vcpu_milli;
    for (auto lease : link.unreleased)
      BERTH_ASSERT(link.leases.count(lease) == 0,
                   "a lease that is given back is not held");
    for (const auto& [what, reason] : link.never)
      BERTH_ASSERT(link.shapes.count(what) != 0,
                   "what can never fit counts as saturated");
  }
  BERTH_ASSERT(leased == state_->vcpu_milli_leased,
               "leased vCPUs are the sum over the held leases");
  for (const auto& environment : state_->environments)
    BERTH_ASSERT(state_->find_link(environment.uid),
                 "every listed environment has a link");
  BERTH_ASSERT(!state_->jobs_ended || state_->closing,
               "only a closing queue's jobs are ended for it");
}

} // namespace berth

#include "tests/sim/tests/made_history.hpp"

namespace berth::sim {

made_history::made_history(maker make, parameters p) {
  check_context c;
  c.of = std::move(p);
  checker_ = make(c);
  claim(shard_id{0}, "first");
  claim(shard_id{1}, "first");
}

made_history& made_history::happen(history_event what) {
  now_ += 10 * millisecond;
  checker_->on({now_, std::move(what)});
  return *this;
}

made_history& made_history::wait(sim_time time) {
  now_ += time;
  return *this;
}

made_history& made_history::append(record r, shard_id shard, bool visible) {
  auto offset = logs_[shard].next++;
  happen(record_in_log{shard, offset, "node 1",
                       std::make_shared<const record>(std::move(r)), 100});
  if (visible)
    happen(record_visible{shard, offset});
  return *this;
}

made_history& made_history::claim(shard_id shard, std::string nonce) {
  auto& log = logs_[shard];
  log.claim = log.next;
  log.nonce = nonce;
  record r;
  r.body = claim_record{"node-1", "", std::move(nonce)};
  return append(std::move(r), shard);
}

decision_record made_history::next(shard_id shard) const {
  const auto& log = logs_.at(shard);
  decision_record d;
  d.at_epoch = epoch{log.claim};
  d.nonce = log.nonce;
  d.seq = log.seq + 1;
  d.at_ms = now_ / millisecond;
  d.through = log.through;
  return d;
}

made_history& made_history::decide(decision_record d, shard_id shard) {
  auto& log = logs_[shard];
  log.seq = d.seq;
  log.through = d.through;
  record r;
  r.body = std::move(d);
  return append(std::move(r), shard);
}

made_history& made_history::decide(std::vector<event> events, shard_id shard) {
  auto d = next(shard);
  d.events = std::move(events);
  return decide(std::move(d), shard);
}

made_history& made_history::decide_unseen(std::vector<event> events,
                                          shard_id shard) {
  auto d = next(shard);
  d.events = std::move(events);
  ++logs_[shard].seq;
  record r;
  r.body = std::move(d);
  return append(std::move(r), shard, false);
}

made_history& made_history::message(shard_id from, shard_id to, uint64_t number,
                                    actor_message body) {
  record r;
  r.body = message_record{from, number, std::move(body)};
  return append(std::move(r), to);
}

made_history& made_history::ask(uint64_t call, request what,
                                uint32_t try_number) {
  return happen(call_sent{call, 0, 1, try_number,
                          std::make_shared<const request>(std::move(what))});
}

made_history& made_history::answer(uint64_t call, result what,
                                   uint32_t try_number) {
  return happen(call_answered{call, try_number,
                              std::make_shared<const result>(std::move(what))});
}

made_history& made_history::start(const attempt_id& attempt, uint64_t pid) {
  auto needs = vcpus(1).each;
  return happen(process_started{
      pid, 1, {environment_uid{1}, "a"}, {1, 1}, attempt, "job", needs});
}

made_history& made_history::exit(const attempt_id& attempt, uint64_t pid,
                                 int32_t exit_code) {
  return happen(process_ended{pid, attempt, exit_code, false});
}

log_offset made_history::last_offset(shard_id shard) const {
  return logs_.at(shard).next - 1;
}

std::string made_history::found() const {
  return checker_->found() ? checker_->found()->what : "";
}

std::string made_history::end() {
  checker_->on_end(now_);
  return found();
}

job_id made_job(uint8_t number) {
  job_id id;
  id.bytes[15] = number;
  return id;
}

job_spec made_spec(const std::string& name) {
  job_spec spec;
  spec.name = name;
  spec.definition_name = "definition";
  spec.definition_revision = 1;
  spec.container.needs = vcpus(1).each;
  return spec;
}

job_submitted submission(uint8_t number, job_spec spec) {
  return {made_job(number), {"1", "r"},
          queue_uid{7},     std::make_shared<const job_spec>(std::move(spec)),
          number,           0};
}

jobs_became_runnable runnable(uint8_t number) {
  return {{made_job(number), no_index, no_index}, 0};
}

attempt_id attempt(uint8_t job, uint32_t number) {
  return {{made_job(job), no_index}, number};
}

attempt_placed placed(const attempt_id& a, uint64_t lease) {
  return {a, lease_id{lease}, environment_uid{1}, "a", {1, 1}, 0};
}

attempt_finished finished(const attempt_id& a, after_attempt next,
                          int32_t exit_code) {
  return {a, attempt_end::exited, exit_code, "", "", 0, 0, next};
}

shape vcpus(int64_t count) {
  shape s;
  s.each.vcpu_milli = count * 1000;
  s.each.memory_mib = 64;
  return s;
}

environment_configured environment(uint64_t uid, int64_t max_vcpus,
                                   std::optional<int64_t> head_wait_ms) {
  environment_object object;
  object.uid = environment_uid{uid};
  object.settings.name = "environment";
  object.settings.state = object_state::enabled;
  object.settings.max_vcpus = max_vcpus;
  object.settings.head_wait_ms = head_wait_ms;
  return {object};
}

agent_joined agent(uint64_t environment, const std::string& name,
                   int64_t vcpus) {
  resources capacity;
  capacity.vcpu_milli = vcpus * 1000;
  capacity.memory_mib = 1024;
  return {{environment_uid{environment}, name}, {1, 1}, capacity, 0};
}

demand_noted wants(uint64_t environment, uint64_t queue, int32_t priority,
                   std::vector<demand_run> runs) {
  return {environment_uid{environment},
          {queue_uid{queue}, {}},
          priority,
          1,
          0,
          std::move(runs)};
}

leases_granted grants(uint64_t environment, uint64_t queue, int64_t count,
                      uint64_t first_lease, const std::string& agent,
                      uint32_t leases) {
  return {environment_uid{environment},
          {queue_uid{queue}, {}},
          first_lease,
          vcpus(count),
          agent,
          lease_id{first_lease},
          leases};
}

leases_matched matches(uint64_t environment, uint64_t queue, uint64_t lease,
                       uint8_t job, queue_position position) {
  return {queue_uid{queue},
          environment_uid{environment},
          lease,
          vcpus(1),
          {{lease_id{lease}, {made_job(job), no_index}, position}},
          1};
}

} // namespace berth::sim

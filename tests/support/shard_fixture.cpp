#include "tests/support/shard_fixture.hpp"

#include "messages/assert.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace berth::test {

namespace {

constexpr char test_cluster[] = "00000000-0000-4000-8000-000000000001";
constexpr int rounds_max = 100'000;

} // namespace

shard_fixture::shard_fixture(std::shared_ptr<partition> shared, shard_id self,
                             uint32_t shard_count, std::string node)
    : log(std::move(shared)), self_(self), shard_count_(shard_count),
      node_(std::move(node)), machine_(std::make_unique<shard>(options())) {
  machine_->on_clock(boottime_ms);
}

shard_options shard_fixture::options() const {
  shard_options o;
  o.state.self = self_;
  o.state.catalog.shard_count = shard_count_;
  o.cluster_id = test_cluster;
  o.node = node_;
  return o;
}

void shard_fixture::take_effects() {
  for (auto& effect : machine_->take_effects()) {
    if (auto* append = std::get_if<append_effect>(&effect))
      to_append.push_back(std::move(append->bytes));
    else if (auto* sent = std::get_if<send_to_shard_effect>(&effect))
      sent_to_shards.push_back(std::move(*sent));
    else if (auto* to_agent = std::get_if<send_to_agent_effect>(&effect)) {
      dispatches.push_back(to_agent->what);
      if (on_dispatch)
        on_dispatch(to_agent->what);
    } else if (auto* answer = std::get_if<answer_effect>(&effect))
      answers_[answer->token] = std::move(answer->answer);
    else if (auto* one = std::get_if<folded_effect>(&effect))
      folded.push_back(*one);
    else if (std::holds_alternative<look_at_end_effect>(effect))
      ++looks_at_end;
    else if (auto* reload = std::get_if<reload_effect>(&effect))
      reloads.push_back(reload->why);
    else
      fatals.push_back(std::get<fatal_effect>(effect).why);
  }
  while (answers_looks && looks_at_end > 0) {
    --looks_at_end;
    machine_->on_end(static_cast<log_offset>(log->records.size()));
    take_effects();
  }
}

void shard_fixture::read() {
  while (read_up_to < log->records.size()) {
    auto offset = read_up_to++;
    const auto& r = log->records[offset];
    machine_->on_record(static_cast<log_offset>(offset), r.append_ms, r.bytes);
  }
  take_effects();
}

fetched_rows shard_fixture::fetch(const needed_rows& needs) const {
  fetched_rows found;
  for (const auto& range : needs.ranges) {
    std::vector<std::pair<std::string, std::string>> in_range;
    for (auto i = rows.lower_bound(range.from);
         i != rows.end() && i->first < range.to; ++i)
      in_range.push_back(*i);
    if (range.backwards)
      std::reverse(in_range.begin(), in_range.end());
    if (in_range.size() > range.limit)
      in_range.resize(range.limit);
    for (auto& [key, bytes] : in_range)
      found[key] = bytes;
  }
  for (const auto& key : needs.keys) {
    if (auto pending = machine_->pending_row(key)) {
      found[key] = *pending;
      continue;
    }
    auto stored = rows.find(key);
    found[key] =
        stored == rows.end() ? std::nullopt : std::optional{stored->second};
  }
  return found;
}

void shard_fixture::decide() {
  machine_->on_clock(boottime_ms);
  for (int round = 0; round < rounds_max; ++round) {
    if (auto needs = machine_->prepare_answers())
      machine_->answer_questions(fetch(*needs));
    auto needs = machine_->prepare_decision();
    take_effects();
    if (!needs)
      return;
    machine_->make_decision(fetch(*needs));
    take_effects();
  }
  BERTH_ASSERT(false, "a machine comes to rest");
}

void shard_fixture::land() {
  for (auto& bytes : std::exchange(to_append, {}))
    log->append(std::move(bytes));
}

void shard_fixture::run() {
  for (int round = 0; round < rounds_max; ++round) {
    decide();
    if (to_append.empty() && read_up_to == log->records.size())
      return;
    land();
    read();
  }
  BERTH_ASSERT(false, "a machine comes to rest");
}

void shard_fixture::own(const std::string& nonce) {
  read();
  machine_->claim(nonce);
  take_effects();
  land();
  read();
  run();
}

call_token shard_fixture::start_call(shard_call what) {
  machine_->on_call(++last_token_, std::move(what));
  take_effects();
  return last_token_;
}

std::optional<result> shard_fixture::answer_to(call_token token) {
  auto found = answers_.find(token);
  if (found == answers_.end())
    return std::nullopt;
  return found->second;
}

result shard_fixture::call(shard_call what) {
  auto token = start_call(std::move(what));
  run();
  auto answer = answer_to(token);
  BERTH_ASSERT(answer.has_value(), "a call is answered when all is done");
  return *answer;
}

bool shard_fixture::write_checkpoint() {
  auto cut = machine_->cut_checkpoint();
  if (!cut)
    return false;
  for (auto& [key, bytes] : cut->rows) {
    if (bytes)
      rows[key] = std::move(*bytes);
    else
      rows.erase(key);
  }
  at = cut->at;
  return true;
}

void shard_fixture::restart() {
  machine_ = std::make_unique<shard>(options());
  machine_->on_clock(boottime_ms);
  to_append.clear();
  for (const auto& range : shard_state::live_ranges())
    for (auto i = rows.lower_bound(range.from);
         i != rows.end() && i->first < range.to; ++i)
      machine_->load_row(i->first, i->second);
  machine_->finish_load(at);
  read_up_to = static_cast<size_t>(machine_->resume_offset());
  read();
}

account_region test_owner() {
  return {"123456789012", "us-east-1"};
}

caller test_caller(const std::string& invocation) {
  return {test_owner(), invocation, "body"};
}

create_environment_request environment_of(const std::string& name,
                                          int64_t vcpus) {
  create_environment_request r;
  r.settings.name = name;
  r.settings.max_vcpus = vcpus;
  return r;
}

create_queue_request queue_of(const std::string& name, int32_t priority,
                              const std::vector<std::string>& environments) {
  create_queue_request r;
  r.name = name;
  r.priority = priority;
  int32_t order = 0;
  for (const auto& environment : environments)
    r.environments.push_back({++order, environment});
  return r;
}

job_spec small_job(int64_t vcpu_milli) {
  job_spec spec;
  spec.name = "small";
  spec.definition_name = "d";
  spec.definition_revision = 1;
  spec.container.command = {"true"};
  spec.container.needs = {vcpu_milli, 128, {}};
  return spec;
}

submit_job_call submission(const shard_state& state, const std::string& queue,
                           uint64_t number, const job_spec& spec) {
  const auto* object = state.catalog().find_queue(test_owner(), queue);
  BERTH_ASSERT(object != nullptr, "the test made its queue");
  std::array<uint8_t, 16> hash{};
  auto spread = number * 0x9e3779b97f4a7c15ULL;
  std::memcpy(hash.data(), &spread, sizeof spread);
  std::memcpy(hash.data() + 8, &number, sizeof number);
  return {
      make_job_id(hash, object->shard), test_owner(), object->uid,
      std::make_shared<const job_spec>(spec.name.empty() ? small_job() : spec)};
}

instant_agent::instant_agent(shard_fixture& fixture,
                             environment_uid environment, int64_t vcpus,
                             uint64_t keeper_start)
    : id{environment, "local"}, session{keeper_start, 1}, fixture_(fixture),
      vcpus_(vcpus) {}

void instant_agent::join() {
  record r;
  message_record m;
  m.body = agent_joins{id, session, {vcpus_ * 1000, 1 << 20, {}}};
  r.body = m;
  fixture_.log->append(encode(r));
}

void instant_agent::take(const dispatch& d) {
  if (d.agent != id || d.session != session || d.number != last_taken_ + 1)
    return;
  last_taken_ = d.number;
  if (const auto* stop = std::get_if<stop_attempt>(&d.body)) {
    stopped.push_back(stop->attempt);
    return;
  }
  const auto& attempt = std::get<start_attempt>(d.body).attempt;
  started.push_back(attempt);
  add(attempt_started_report{attempt, fixture_.log->now_ms});
  if (ends_attempts)
    end(attempt, 0);
}

void instant_agent::end(const attempt_id& attempt, int32_t exit_code) {
  attempt_ended_report ended;
  ended.attempt = attempt;
  ended.exit_code = exit_code;
  ended.started_ms = fixture_.log->now_ms;
  ended.stopped_ms = fixture_.log->now_ms;
  add(ended);
}

void instant_agent::add(attempt_report r) {
  waiting_.push_back({++last_number_, std::move(r)});
}

bool instant_agent::report() {
  if (waiting_.empty())
    return false;
  fixture_.machine().on_taken(source_name(id, session), last_taken_);
  record r;
  message_record m;
  m.body = agent_reports{id, session, std::exchange(waiting_, {})};
  r.body = m;
  fixture_.log->append(encode(r));
  return true;
}

} // namespace berth::test

#include "bench/shard_world.hpp"

#include "messages/assert.hpp"
#include "messages/codec.hpp"

#include <cstring>
#include <utility>

namespace berth::bench {

namespace {

const account_region owner{"123456789012", "us-east-1"};

shard_options options() {
  shard_options o;
  o.cluster_id = "bench";
  o.node = "bench";
  return o;
}

} // namespace

std::unique_ptr<shard> shard_world::make_machine() {
  auto machine = std::make_unique<shard>(options());
  machine->on_clock(1);
  return machine;
}

shard_world::shard_world(std::shared_ptr<store> rows)
    : rows_(std::move(rows)), machine_(make_machine()) {}

void shard_world::append(std::string bytes) {
  if (keeps_records_)
    records_.push_back(bytes);
  unread_.push_back(std::move(bytes));
}

fetched_rows shard_world::fetch(const needed_rows& needs) const {
  fetched_rows found;
  for (const auto& key : needs.keys) {
    auto pending = machine_->pending_row(key);
    found.try_emplace(key, pending ? *pending
                           : rows_ ? rows_->get(key)
                                   : std::nullopt);
  }
  return found;
}

void shard_world::take(const dispatch& d) {
  last_taken_ = d.number;
  if (const auto* start = std::get_if<start_attempt>(&d.body))
    held_.push_back(start->attempt);
}

void shard_world::take_effects() {
  for (auto& effect : machine_->take_effects()) {
    if (auto* a = std::get_if<append_effect>(&effect))
      append(std::move(a->bytes));
    else if (auto* sent = std::get_if<send_to_agent_effect>(&effect))
      take(sent->what);
    else if (auto* answer = std::get_if<answer_effect>(&effect))
      last_answer_ = std::move(answer->answer);
    else if (std::holds_alternative<look_at_end_effect>(effect))
      machine_->on_end(next_offset_ + static_cast<log_offset>(unread_.size()));
  }
}

void shard_world::report() {
  if (!agents_work_)
    return;
  while (!held_.empty() && allowed_ > 0) {
    const auto& attempt = held_.back();
    reports_.push_back({++last_number_, attempt_started_report{attempt, 1}});
    attempt_ended_report e;
    e.attempt = attempt;
    e.exit_code = 0;
    e.started_ms = 1;
    e.stopped_ms = 2;
    reports_.push_back({++last_number_, e});
    held_.pop_back();
    ++ended_;
    if (allowed_ != UINT64_MAX)
      --allowed_;
  }
  if (reports_.empty())
    return;
  machine_->on_taken(source_name(agent_, session_), last_taken_);
  record r;
  message_record m;
  m.body = agent_reports{agent_, session_, std::exchange(reports_, {})};
  r.body = std::move(m);
  append(encode(r));
}

bool shard_world::step() {
  auto moved = !unread_.empty();
  while (!unread_.empty()) {
    machine_->on_record(next_offset_++, 1, unread_.front());
    unread_.pop_front();
  }
  take_effects();
  report();
  machine_->on_clock(++boottime_ms_);
  if (auto needs = machine_->prepare_answers()) {
    machine_->answer_questions(fetch(*needs));
    moved = true;
  }
  if (auto needs = machine_->prepare_decision()) {
    machine_->make_decision(fetch(*needs));
    moved = true;
  }
  take_effects();
  return moved || !unread_.empty();
}

void shard_world::run() {
  while (step()) {
  }
}

void shard_world::open(int64_t vcpus) {
  machine_->claim("nonce");
  run();
  create_environment_request environment;
  environment.settings.name = "e";
  environment.settings.max_vcpus = vcpus;
  machine_->on_call(++last_token_, catalog_call{{owner, {}, {}}, environment});
  run();
  create_queue_request queue;
  queue.name = "q";
  queue.environments = {{1, "e"}};
  machine_->on_call(++last_token_, catalog_call{{owner, {}, {}}, queue});
  run();
  const auto& catalog = machine_->state().catalog();
  queue_ = catalog.find_queue(owner, "q")->uid;
  agent_ = {catalog.find_environment(owner, "e")->uid, "local"};
  record r;
  message_record m;
  m.body = agent_joins{agent_, session_, {vcpus * 1000, 1LL << 40, {}}};
  r.body = m;
  append(encode(r));
  run();
}

job_id shard_world::id_of(uint64_t number) const {
  std::array<uint8_t, 16> hash{};
  auto spread = number * 0x9e3779b97f4a7c15ULL;
  std::memcpy(hash.data(), &spread, sizeof spread);
  std::memcpy(hash.data() + 8, &number, sizeof number);
  return make_job_id(hash, shard_id{0});
}

void shard_world::submit(uint64_t number, uint32_t array_size) {
  auto spec = std::make_shared<job_spec>();
  spec->name = "job-" + std::to_string(number);
  spec->definition_name = "definition";
  spec->definition_revision = 1;
  spec->array_size = array_size;
  spec->container.command = {"/usr/bin/process", "--input",
                             "part-" + std::to_string(number)};
  spec->container.environment = {{"MODE", "fast"},
                                 {"NUMBER", std::to_string(number)}};
  spec->container.needs = {1000, 128, {}};
  spec->container.packaging_json =
      R"({"image":"busybox","mountPoints":[],"secrets":[],"volumes":[]})";
  machine_->on_call(++last_token_,
                    submit_job_call{id_of(number), owner, queue_, spec});
}

void shard_world::let_agents_work(bool works) {
  agents_work_ = works;
}

void shard_world::finish_jobs(uint64_t count) {
  agents_work_ = true;
  allowed_ = count;
  auto goal = ended_ + count;
  while (ended_ < goal)
    BERTH_ASSERT(step(), "there are jobs to finish");
  run();
  agents_work_ = false;
  allowed_ = UINT64_MAX;
}

void shard_world::write_checkpoint() {
  run();
  auto cut = machine_->cut_checkpoint();
  if (cut && rows_) {
    auto error = rows_->write(cut->rows, cut->at);
    BERTH_ASSERT(!error, "the bench's store takes rows");
  }
}

bool shard_world::describe(uint64_t number) {
  machine_->on_call(++last_token_,
                    describe_jobs_call{owner, {{id_of(number), no_index}}});
  run();
  const auto* good = std::get_if<response>(&*last_answer_);
  if (good == nullptr)
    return false;
  const auto& jobs = std::get<jobs_response>(*good).jobs;
  return jobs.size() == 1 && jobs[0].spec
         && jobs[0].spec->name == "job-" + std::to_string(number);
}

} // namespace berth::bench

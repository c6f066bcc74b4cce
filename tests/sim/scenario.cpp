#include "tests/sim/scenario.hpp"

#include "tests/sim/cluster.hpp"
#include "tests/sim/sim_world.hpp"
#include "tests/sim/switches.hpp"
#include "tests/sim/topic_texts.hpp"
#include "tests/sim/workload_draws.hpp"

#include <algorithm>
#include <utility>

namespace berth::sim {

namespace {

constexpr int64_t patience_ms = 120'000;
/// Entries of the story that a failure shows.
constexpr size_t shown_max = 40;
constexpr char definition[] = "scenario";

parameters parameters_of(const scenario_cluster& c,
                         std::optional<breakage> with) {
  parameters p;
  p.seed = 1;
  p.cluster.nodes = c.nodes;
  p.cluster.shards = c.shards;
  p.cluster.machines = c.machines;
  p.cluster.vcpus_per_machine = c.vcpus_per_machine;
  p.cluster.lease_ms = c.lease_ms;
  p.workload.by_topic = c.has_topics ? 1 : 0;
  // All that goes wrong is written.
  p.faults_stop_ms = 0;
  p.with_breakage = with;
  return p;
}

} // namespace

struct scenario::parts {
  parts(const parameters& p, const recorder::watcher& watch)
      : switches(p), world(p, all_checkers(p), watch), all(world) {
    all.start();
  }

  switched_run switches;
  sim_world world;
  cluster all;
  bool is_set_up = false;
};

scenario::scenario(const scenario_cluster& c, std::optional<breakage> with)
    : parts_(std::make_unique<parts>(
        parameters_of(c, with),
        [this](const history_entry& e) { story_.push_back(e); })) {}

scenario::~scenario() = default;

cluster& scenario::all() {
  return parts_->all;
}

void scenario::fail(const std::string& what) const {
  auto text = what + "\nThe story's end:\n";
  auto first = story_.size() - std::min(story_.size(), shown_max);
  for (auto i = first; i < story_.size(); ++i)
    text += to_text(story_[i]) + "\n";
  throw scenario_failure(text);
}

void scenario::step_until(int64_t limit_ms, const std::string& what,
                          const std::function<bool()>& is_over) {
  auto& world = parts_->world;
  auto end = world.now() + limit_ms * millisecond;
  while (!is_over()) {
    if (!world.time.step(end))
      fail(what + " has not happened");
    if (const auto& found = world.history.found())
      fail(std::string(found->checker) + ": " + found->what);
  }
}

// The catalog.

void scenario::environment(const std::string& name, int64_t max_vcpus) {
  environment_settings settings;
  settings.name = name;
  settings.max_vcpus = max_vcpus;
  ask(create_environment_request{std::move(settings), {}});
}

void scenario::queue(const std::string& name,
                     const std::vector<std::string>& environments,
                     int32_t priority) {
  if (!std::exchange(parts_->is_set_up, true)) {
    definition_settings settings;
    settings.name = definition;
    settings.type = "container";
    settings.container.command = {"true"};
    settings.container.needs = {1000, 128, {}};
    ask(register_definition_request{std::move(settings), {}});
  }
  create_queue_request create;
  create.name = name;
  create.priority = priority;
  for (const auto& environment : environments)
    create.environments.push_back(
        {static_cast<int32_t>(create.environments.size()) + 1, environment});
  ask(std::move(create));
}

void scenario::delete_queue(const std::string& name) {
  ask(update_queue_request{name, object_state::disabled, {}, {}});
  ask(delete_queue_request{name});
  while (!std::get<queues_response>(ask(describe_queues_request{{name}, {}}))
              .queues.empty())
    run_for(100);
}

// Clients.

response scenario::ask(request what) {
  return answer_of([&](auto done) {
    all().clients().call(0, std::move(what), std::move(done));
  });
}

response scenario::answer_of(
    const std::function<void(std::function<void(std::optional<result>)>)>&
        call) {
  std::optional<std::optional<result>> answer;
  call([&](std::optional<result> r) { answer = std::move(r); });
  step_until(patience_ms, "an answer", [&] { return answer.has_value(); });
  if (!*answer)
    fail("a call was not answered");
  if (const auto* error = std::get_if<api_error>(&**answer))
    fail("a call was refused: " + error->message);
  return std::get<response>(**answer);
}

void scenario::send(request what) {
  all().clients().call(0, std::move(what), [](const std::optional<result>&) {});
}

void scenario::ask_only(uint32_t node) {
  all().clients().ask_only(node);
}

submit_job_request scenario::request_of(const std::string& queue,
                                        const scenario_job& job) {
  all().clients().script(
      {job.name, job.run_ms, job.exit_codes, false, false, job.child_ms, 0});
  submit_job_request r;
  r.name = job.name;
  r.queue = queue;
  r.definition = definition;
  r.overrides.vcpu_milli = job.vcpu * 1000;
  r.array_size = job.array_size;
  r.depends_on = job.depends_on;
  r.retry = retry_strategy{job.attempts, {}};
  return r;
}

job_id scenario::submit(const std::string& queue, const scenario_job& job) {
  auto said = ask(request_of(queue, job));
  return std::get<submitted_response>(said).id;
}

void scenario::produce(const std::string& queue, const scenario_job& job) {
  produce_text(queue,
               text_of_submission(request_of(queue, job),
                                  {account_of_runs, region_of_runs}, false));
}

void scenario::produce_text(const std::string& queue, std::string record) {
  all().clients().submit_by_topic(0, queue, std::move(record), [] {});
}

job_id scenario::job_named(const std::string& name) {
  std::optional<job_id> found;
  size_t looked_at = 0;
  auto look = [&](const history_entry& e) {
    const auto* r = std::get_if<record_in_log>(&e.what);
    const auto* d = r ? std::get_if<decision_record>(&r->what->body) : nullptr;
    if (d == nullptr)
      return;
    for (const auto& one : d->events)
      if (const auto* s = std::get_if<job_submitted>(&one))
        if (s->spec->name == name)
          found = s->id;
  };
  step_until(patience_ms, "job " + name, [&] {
    while (looked_at < story_.size())
      look(story_[looked_at++]);
    return found.has_value();
  });
  return *found;
}

job_id scenario::submit_again() {
  auto said = answer_of(
      [&](auto done) { all().clients().repeat_submission(std::move(done)); });
  return std::get<submitted_response>(said).id;
}

void scenario::cancel(const job_id& job) {
  ask(cancel_job_request{to_string(job), "cancelled"});
}

void scenario::terminate(const job_id& job) {
  ask(terminate_job_request{to_string(job), "terminated"});
}

// Faults.

void scenario::crash_node(uint32_t index) {
  all().crash_node(index);
}

void scenario::start_node(uint32_t index) {
  all().node(index).start();
}

void scenario::pause_node(uint32_t index) {
  all().node(index).life().pause();
}

void scenario::resume_node(uint32_t index) {
  all().node(index).life().resume();
}

void scenario::lose_stores(uint32_t node) {
  for (uint32_t i = 0; i < parts_->world.cluster().shards; ++i)
    all().node(node).store(shard_id{i}).lose();
}

void scenario::fill_disk(uint32_t node) {
  for (uint32_t i = 0; i < parts_->world.cluster().shards; ++i)
    all().node(node).store(shard_id{i}).set_full(true);
}

void scenario::free_disk(uint32_t node) {
  for (uint32_t i = 0; i < parts_->world.cluster().shards; ++i)
    all().node(node).store(shard_id{i}).set_full(false);
}

void scenario::upgrade_node(uint32_t index) {
  auto& node = all().node(index);
  if (node.life().is_alive())
    node.crash();
  node.upgrade();
  node.start();
}

void scenario::take_over(uint32_t node, uint32_t shard) {
  all().node(node).shard(shard_id{shard}).set_candidate(true);
}

void scenario::crash_agent(uint32_t machine) {
  all().machine(machine).crash_agent();
}

void scenario::start_agent(uint32_t machine) {
  all().machine(machine).start_agent();
}

void scenario::drain_agent(uint32_t machine) {
  all().machine(machine).drain_agent();
}

void scenario::crash_keeper(uint32_t machine) {
  all().machine(machine).crash_keeper();
}

void scenario::suspend_machine(uint32_t machine) {
  all().machine(machine).pause();
}

void scenario::wake_machine(uint32_t machine) {
  all().machine(machine).resume();
}

void scenario::cut_node(uint32_t node, uint32_t shard) {
  parts_->world.network.cut(node_place(node), broker_place(shard));
  parts_->world.network.cut(broker_place(shard), node_place(node));
}

void scenario::heal_node(uint32_t node, uint32_t shard) {
  parts_->world.network.heal(node_place(node), broker_place(shard));
  parts_->world.network.heal(broker_place(shard), node_place(node));
}

void scenario::cut_machine(uint32_t machine, uint32_t shard) {
  parts_->world.network.cut(machine_place(machine), broker_place(shard));
  parts_->world.network.cut(broker_place(shard), machine_place(machine));
}

void scenario::heal_machine(uint32_t machine, uint32_t shard) {
  parts_->world.network.heal(machine_place(machine), broker_place(shard));
  parts_->world.network.heal(broker_place(shard), machine_place(machine));
}

// Time.

void scenario::run_for(int64_t ms) {
  auto& world = parts_->world;
  auto is_over = false;
  world.time.after(ms * millisecond, [&] { is_over = true; });
  step_until(ms + 1, "time", [&] { return is_over; });
}

void scenario::run_until(
    const std::string& what,
    const std::function<bool(const history_entry&)>& happened) {
  auto looked_at = story_.size();
  step_until(patience_ms, what, [&] {
    while (looked_at < story_.size())
      if (happened(story_[looked_at++]))
        return true;
    return false;
  });
}

void scenario::run_until_started(const job_id& job) {
  run_until_starts(job, 1);
}

void scenario::run_until_starts(const job_id& job, size_t count) {
  if (starts_of(job) < count)
    step_until(patience_ms,
               std::to_string(count) + " starts of job " + to_string(job),
               [&] { return starts_of(job) >= count; });
}

uint32_t scenario::machine_of(const job_id& job) const {
  for (auto e = story_.rbegin(); e != story_.rend(); ++e)
    if (const auto* started = std::get_if<process_started>(&e->what);
        started != nullptr && started->attempt.job.id == job)
      return started->machine;
  fail("job " + to_string(job) + " has not been started");
}

// What came of it.

job_view scenario::describe(const job_id& job) {
  auto said = ask(describe_jobs_request{{to_string(job)}});
  const auto& jobs = std::get<jobs_response>(said).jobs;
  if (jobs.size() != 1)
    fail("job " + to_string(job) + " is not known");
  return jobs.front();
}

void scenario::expect(const job_id& job, job_status status) {
  auto end = parts_->world.now() + patience_ms * millisecond;
  for (;;) {
    auto now = describe(job);
    if (now.status == status)
      return;
    if (is_terminal(now.status) || parts_->world.now() > end)
      fail("job " + to_string(job) + " is " + to_string(now.status) + " ("
           + now.status_reason + "), not " + to_string(status));
    run_for(100);
  }
}

void scenario::expect_rest() {
  step_until(patience_ms, "rest", [this] { return all().is_quiet(); });
  parts_->world.history.end();
  if (const auto& found = parts_->world.history.found())
    fail(std::string(found->checker) + ": " + found->what);
}

size_t scenario::starts_of(const job_id& job) const {
  return static_cast<size_t>(
      std::count_if(story_.begin(), story_.end(), [&](const auto& e) {
        const auto* started = std::get_if<process_started>(&e.what);
        return started != nullptr && started->attempt.job.id == job;
      }));
}

} // namespace berth::sim

#include "tests/sim/workload_draws.hpp"

#include "tests/sim/submission_names.hpp"
#include "tests/sim/topic_texts.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace berth::sim {

namespace {

/// Most dependencies are on jobs that are still there.
constexpr size_t recent_jobs = 20;
constexpr uint32_t array_size_max = 12;
constexpr int64_t timeout_min_ms = 200;
/// Less than keepers wait for what does not die.
constexpr int64_t child_dies_ms_max = 3'000;

const accepted_job& draw_recent(random_source& random,
                                const std::vector<accepted_job>& accepted) {
  auto window = std::min(accepted.size(), recent_jobs);
  return accepted[accepted.size() - 1 - random.below(window)];
}

/// `uuid`, or of an array now and then `uuid:index`.
std::string draw_job_name(random_source& random, const accepted_job& job) {
  job_key key{job.id, no_index};
  if (job.array_size > 0 && random.chance(0.4))
    key.index = static_cast<int32_t>(random.below(job.array_size));
  return to_string(key);
}

void draw_needs(const parameters& p, random_source& random,
                drawn_submission& drawn) {
  auto whole = p.cluster.vcpus_per_machine * 1000;
  std::vector<int64_t> sizes{250, 500, 1000, 1000, 2000, whole};
  auto vcpus = std::min(random.pick(sizes), whole);
  if (random.chance(0.01)) {
    vcpus = whole + 1000;
    drawn.needs_end = true;
  }
  drawn.what.overrides.vcpu_milli = vcpus;
  drawn.what.overrides.memory_mib =
      random.pick(std::vector<int64_t>{64, 512, 4096});
}

void draw_retries(const parameters& p, random_source& random,
                  drawn_submission& drawn) {
  if (random.chance(p.workload.fails)) {
    auto& codes = drawn.script.exit_codes;
    codes.assign(random.below(4), 1 + static_cast<int32_t>(random.below(3)));
    codes.push_back(random.chance(0.5) ? 0 : 2);
  }
  if (!random.chance(p.workload.retries))
    return;
  retry_strategy strategy;
  strategy.attempts = 1 + static_cast<uint32_t>(random.below(5));
  if (random.chance(0.3)) {
    retry_rule rule;
    rule.on_exit_code =
        random.pick(std::vector<std::string>{"1", "2", "3", "1*", "*"});
    rule.action = random.chance(0.5) ? retry_action::exit : retry_action::retry;
    strategy.rules.push_back(rule);
  }
  drawn.what.retry = strategy;
}

void draw_array(const parameters& p, random_source& random,
                const std::vector<accepted_job>& accepted,
                drawn_submission& drawn) {
  auto& what = drawn.what;
  const accepted_job* like = nullptr;
  for (auto i = accepted.size(); i-- > 0 && !like;)
    if (accepted[i].array_size > 0 && random.chance(0.5))
      like = &accepted[i];
  if (like && random.chance(p.workload.n_to_n)) {
    what.array_size = like->array_size;
    what.depends_on.push_back({to_string(like->id), dependency_kind::n_to_n});
  } else if (random.chance(p.workload.array)) {
    what.array_size = 2 + static_cast<uint32_t>(random.below(array_size_max));
  }
  if (what.array_size > 0 && random.chance(p.workload.sequential))
    what.depends_on.push_back({std::nullopt, dependency_kind::sequential});
}

} // namespace

int64_t exponential_ms(random_source& random, int64_t mean_ms) {
  auto drawn = -std::log(1.0 - random.unit()) * static_cast<double>(mean_ms);
  return std::min(static_cast<int64_t>(drawn), mean_ms * 10);
}

environment_settings draw_environment(const parameters& p,
                                      random_source& random,
                                      const std::string& name) {
  environment_settings s;
  s.name = name;
  if (random.chance(0.2))
    s.type = environment_type::unmanaged;
  // Everything that fits on a machine fits into the environment.
  auto all = p.cluster.vcpus_per_machine * p.cluster.machines;
  s.max_vcpus = random.chance(0.5)
                    ? all
                    : random.between(p.cluster.vcpus_per_machine, all);
  s.head_wait_ms = p.cluster.head_wait_ms;
  s.details_json = "{}";
  return s;
}

std::vector<requested_environment_order>
draw_order(random_source& random, const std::vector<std::string>& from) {
  auto left = from;
  std::vector<requested_environment_order> order;
  auto count = 1 + random.below(std::min<size_t>(left.size(), 3));
  for (int32_t i = 1; order.size() < count; ++i) {
    auto at = random.below(left.size());
    order.push_back({i, left[at]});
    left.erase(left.begin() + static_cast<ptrdiff_t>(at));
  }
  return order;
}

int32_t draw_priority(random_source& random) {
  return random.pick(std::vector<int32_t>{1, 1, 2, 5, 10, 100});
}

definition_settings draw_definition(random_source& random,
                                    const std::string& name) {
  definition_settings s;
  s.name = name;
  s.type = "container";
  s.container.command = {"work"};
  s.container.needs.vcpu_milli = 1000;
  s.container.needs.memory_mib = 64;
  s.container.packaging_json = "{}";
  if (random.chance(0.3))
    s.retry = retry_strategy{1 + static_cast<uint32_t>(random.below(3)), {}};
  return s;
}

drawn_submission draw_submission(const parameters& p, random_source& random,
                                 const std::string& name,
                                 const std::vector<accepted_job>& accepted) {
  drawn_submission drawn;
  drawn.what.name = name;
  drawn.script.name = name;
  drawn.script.run_ms = exponential_ms(random, p.workload.run_mean_ms);
  draw_needs(p, random, drawn);
  draw_retries(p, random, drawn);
  draw_array(p, random, accepted, drawn);
  while (!accepted.empty() && drawn.what.depends_on.size() < 3
         && random.chance(p.workload.dependency))
    drawn.what.depends_on.push_back(
        {draw_job_name(random, draw_recent(random, accepted)),
         dependency_kind::plain});
  drawn.script.ignores_sigterm = random.chance(p.workload.ignores_sigterm);
  drawn.script.hangs = random.chance(p.workload.hangs);
  auto limited = random.chance(p.workload.timeout);
  if (limited)
    drawn.what.timeout_ms =
        timeout_min_ms + exponential_ms(random, 2 * p.workload.run_mean_ms);
  drawn.needs_end = drawn.needs_end || (drawn.script.hangs && !limited);
  return drawn;
}

void draw_child(const parameters& p, random_source& random,
                job_script& script) {
  if (!random.chance(p.workload.forks))
    return;
  script.child_ms =
      random.chance(0.5) ? -1 : 1 + exponential_ms(random, script.run_ms + 100);
  if (random.chance(0.3))
    script.child_dies_ms = random.between(1, child_dies_ms_max);
}

std::string draw_record(random_source& random, submit_job_request what) {
  const account_region owner{account_of_runs, region_of_runs};
  auto as_msgpack = random.chance(0.3);
  if (!random.chance(0.12))
    return text_of_submission(what, owner, as_msgpack);
  what.name = name_refused + what.name;
  switch (random.below(5)) {
  case 0:
    what.queue = "no-such-queue";
    break;
  case 1:
    what.definition = "no-such-definition";
    break;
  case 2:
    what.depends_on.push_back(
        {"00000000-0000-8000-8000-000000000000", dependency_kind::plain});
    break;
  case 3:
    what.overrides.vcpu_milli = -1000;
    break;
  default:
    return random.chance(0.5) ? "{\"jobName\": \"" + what.name
                              : std::string("\x84\xff nonsense");
  }
  return text_of_submission(what, owner, as_msgpack);
}

request draw_question(random_source& random,
                      const std::vector<accepted_job>& accepted,
                      const std::vector<std::string>& queues) {
  auto kind = random.below(10);
  if (kind < 5 && !accepted.empty()) {
    describe_jobs_request what;
    auto count = 1 + random.below(6);
    for (size_t i = 0; i < count; ++i)
      what.jobs.push_back(draw_job_name(
          random, random.chance(0.7) ? draw_recent(random, accepted)
                                     : random.pick(accepted)));
    return what;
  }
  if (kind == 5 && !accepted.empty())
    return why_request{draw_job_name(random, draw_recent(random, accepted))};
  if (kind == 6)
    return queue_snapshot_request{random.pick(queues)};
  if (kind == 7)
    return describe_queues_request{{random.pick(queues)}, {}};
  list_jobs_request what;
  what.queue = random.pick(queues);
  what.status = static_cast<job_status>(random.below(job_status_count));
  if (kind == 8 && !accepted.empty()) {
    const auto& job = draw_recent(random, accepted);
    if (job.array_size > 0) {
      what.queue.clear();
      what.array_job = to_string(job.id);
    }
  }
  return what;
}

} // namespace berth::sim

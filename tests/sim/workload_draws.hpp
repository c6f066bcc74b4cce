// What single requests of the workload look like, drawn from chance.
#pragma once

#include "messages/requests.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/parameters.hpp"
#include "tests/sim/random.hpp"

#include <string>
#include <vector>

namespace berth::sim {

/// Whose everything is.
constexpr char account_of_runs[] = "111122223333";
constexpr char region_of_runs[] = "eu-west-1";

/// A submission that was answered with an id.
struct accepted_job {
  job_id id;
  std::string name;
  uint32_t array_size = 0;
  bool seen_ended = false;
};

struct drawn_submission {
  submit_job_request what;
  job_script script;
  /// Nothing but TerminateJob ends it: it hangs, or no agent is that large.
  bool needs_end = false;
};

/// Exponential, at most ten times the mean; at least 0.
int64_t exponential_ms(random_source& random, int64_t mean_ms);

environment_settings draw_environment(const parameters& p,
                                      random_source& random,
                                      const std::string& name);
/// Up to three of them, in any order.
std::vector<requested_environment_order>
draw_order(random_source& random, const std::vector<std::string>& from);
int32_t draw_priority(random_source& random);
definition_settings draw_definition(random_source& random,
                                    const std::string& name);

/// Queue and definition are set by the caller; jobs may depend on those that
/// were accepted.
drawn_submission draw_submission(const parameters& p, random_source& random,
                                 const std::string& name,
                                 const std::vector<accepted_job>& accepted);

/// Some jobs fork a process that outlives their own.
void draw_child(const parameters& p, random_source& random, job_script& script);

/// A record for the topic of submissions; now and then one that must be
/// refused, and is named so.
std::string draw_record(random_source& random, submit_job_request what);

/// DescribeJobs, ListJobs and other questions about what there is.
request draw_question(random_source& random,
                      const std::vector<accepted_job>& accepted,
                      const std::vector<std::string>& queues);

} // namespace berth::sim

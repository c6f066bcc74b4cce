// Jobs, queues, environments and definitions, as tables for people. Pure: from
// the API's JSON.
#pragma once

#include "client/table.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// Names of environments by their uuid.
using environment_names = std::map<std::string, std::string>;

/// Of the answer of DescribeComputeEnvironments.
environment_names names_of_environments(const nlohmann::json& answer);

/// One row per JobSummary (which has `jobQueue` beside AWS's members).
table table_of_summaries(const nlohmann::json& summaries, int64_t now_ms);

/// One row per JobDetail: queue, environment, attempts, times, exit code.
table table_of_details(const nlohmann::json& details,
                       const environment_names& environments, int64_t now_ms);

/// All of one JobDetail that people ask for, a line each, then its attempts.
std::string print_job(const nlohmann::json& detail,
                      const environment_names& environments, int64_t now_ms,
                      std::size_t width);

table table_of_queues(const nlohmann::json& queues);
table table_of_environments(const nlohmann::json& environments);
table table_of_definitions(const nlohmann::json& definitions);

/// The exit code of a JobDetail's last attempt, if it has one.
std::optional<int> exit_code_of(const nlohmann::json& detail);

/// The log streams of a JobDetail's attempts, oldest first; the last one may
/// still be written.
std::vector<std::string> log_streams_of(const nlohmann::json& detail);

} // namespace berth

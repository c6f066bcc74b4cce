// The environment variables of an attempt: only what the job may see.
#pragma once

#include "messages/dispatch.hpp"

#include <string>
#include <vector>

namespace berth {

/// A job that sets this runs in the folder it names, which must exist and is
/// never removed, instead of a fresh one. The job does not see the variable.
constexpr char working_directory_variable[] = "BERTH_WORKING_DIRECTORY";
constexpr char default_path[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the job asks for with `working_directory_variable`, or empty.
std::string asked_working_folder(const job_spec& spec);

/// `NAME=value` strings, in this order of precedence: AWS_BATCH_* (AWS
/// reference, section 21; a job cannot set these), the job's own, the node's,
/// then PATH, HOME (the working folder) and AWS_EXECUTION_ENV. Requires
/// `start.spec`.
std::vector<std::string>
make_attempt_environment(const start_attempt& start,
                         const std::vector<key_value>& node_environment,
                         const std::string& working_folder);

/// The value of a variable in such a list, or empty.
std::string value_in(const std::vector<std::string>& environment,
                     const std::string& name);

} // namespace berth

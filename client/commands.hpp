// The commands of the client. Each returns its exit status (`exit_status`), or
// throws a `client_failure` that `run_command` prints.
#pragma once

#include "client/command_context.hpp"
#include "client/submission.hpp"

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// Prints the job's id; with `wait` it follows the job to its end and the
/// status is the job's exit code, or `failed` where it has none.
int submit_command(command_context& context, const submit_settings& settings,
                   bool wait);

struct list_settings {
  /// Empty = all.
  std::string queue;
  /// Empty = those that have not ended.
  std::string status;
  /// Also those that have ended.
  bool all = false;
  std::size_t limit = 1000;
};
int list_jobs(command_context& context, const list_settings& settings);

struct show_settings {
  std::vector<std::string> ids;
  /// A table, also for one job, with the children of arrays.
  bool children = false;
};
int show_jobs(command_context& context, const show_settings& settings);

enum class ending : uint8_t { cancel, terminate };
/// Asks for the end of the jobs; unknown ones make it `failed`.
int end_jobs(command_context& context, ending how,
             const std::vector<std::string>& ids, const std::string& reason);

int explain_job(command_context& context, const std::string& id);

/// Nodes, shards and agents, as one node of a cluster knows them.
int show_cluster(command_context& context);

int list_queues(command_context& context);
int list_environments(command_context& context);
int list_definitions(command_context& context);

/// Follows the jobs until all have ended: bars on a terminal, else a line per
/// change. `failed` when one of them failed. Never asks without an event.
int wait_for_jobs(command_context& context,
                  const std::vector<std::string>& ids);
/// The same without the document that --json asks for; draws on stderr.
bool watch_jobs(command_context& context, const std::vector<std::string>& ids,
                bool on_stderr);

struct log_settings {
  std::string id;
  /// Goes on until the job has ended.
  bool follow = false;
  bool timestamps = false;
};
int print_log(command_context& context, const log_settings& settings);

/// Ends the server of the data folder and its jobs; returns when both are gone.
int stop_server(command_context& context);

/// The answer of GET /v1/audit/`what`, of one job unless that is empty. Nothing
/// when the server that the data folder names is not up, nor another was named:
/// then the folder itself can be read.
std::optional<std::string> ask_audit(command_context& context,
                                     const std::string& what,
                                     const std::string& job);

/// Posts `body`, or what stdin holds when it is `-`, and prints the answer.
int call_api(command_context& context, const std::string& operation,
             const std::string& body);

/// JobDetails in the order of the ids; unknown ones are left out.
nlohmann::json describe_jobs(batch_api& api,
                             const std::vector<std::string>& ids);
/// All pages of an operation, their lists joined, up to `limit` entries.
nlohmann::json all_pages(batch_api& api, const std::string& operation,
                         nlohmann::json body, const std::string& list,
                         std::size_t limit = SIZE_MAX);

} // namespace berth

#include "bin/client_commands.hpp"

#include "client/commands.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

namespace berth {

namespace {

using command = std::function<int(command_context&)>;

/// A subcommand with the options that every client command has.
CLI::App* add(CLI::App& app, int& status, const std::string& name,
              const std::string& what, const std::string& examples,
              command run) {
  auto* sub = app.add_subcommand(name, what);
  auto settings = std::make_shared<client_settings>();
  add_client_options(*sub, *settings);
  sub->footer("Examples:\n" + examples);
  sub->callback([settings, run = std::move(run), &status] {
    status = run_command(*settings, run);
  });
  return sub;
}

void add_submit(CLI::App& app, int& status) {
  auto settings = std::make_shared<submit_settings>();
  auto wait = std::make_shared<bool>(false);
  auto* sub = add(
      app, status, "submit", "Submit a command as a job; prints its id",
      "  berth submit -- make -j2\n"
      "  berth submit --array 10 -- sh -c 'echo $AWS_BATCH_JOB_ARRAY_INDEX'\n"
      "  berth submit --retries 3 --timeout 600 --wait -- ./flaky.sh\n"
      "  A=$(berth submit -- ./first); berth submit --depends-on $A -- "
      "./then\n\n"
      "The job runs in this directory, with this PATH and HOME. With --wait "
      "the exit\ncode is the job's.",
      [settings, wait](command_context& context) {
        return submit_command(context, *settings, *wait);
      });
  sub->add_option("--queue", settings->queue,
                  "The first use makes the queue `default`")
      ->capture_default_str();
  sub->add_option("--definition", settings->definition,
                  "NAME, NAME:REVISION or ARN")
      ->capture_default_str();
  sub->add_option("--name", settings->name,
                  "The job's name (default: the command's)");
  sub->add_option("--array", settings->array_size,
                  "As an array of this many children, 2 to 10000");
  sub->add_option("--depends-on", settings->depends_on,
                  "ID, ID,N_TO_N, ID,SEQUENTIAL or SEQUENTIAL; may be "
                  "repeated")
      ->type_size(1)
      ->allow_extra_args(false);
  sub->add_option("--retries", settings->attempts, "Attempts in all, 1 to 10");
  sub->add_option("--timeout", settings->timeout_s,
                  "Seconds that an attempt may take, from 60 on");
  sub->add_option("--vcpus", settings->vcpus, "For example 2 or 0.5");
  sub->add_option("--memory", settings->memory_mib, "MiB");
  sub->add_option("--env", settings->environment,
                  "NAME=VALUE, or NAME for its value here; may be repeated")
      ->type_size(1)
      ->allow_extra_args(false);
  sub->add_flag("--wait", *wait, "Follow the job to its end");
  sub->add_option("command", settings->command, "The command, after --")
      ->required();
  // What follows the command's name is its own, also without --.
  sub->positionals_at_end();
}

void add_jobs(CLI::App& app, int& status) {
  auto settings = std::make_shared<list_settings>();
  auto* sub = add(app, status, "jobs", "List jobs that wait or run",
                  "  berth jobs --queue high\n  berth jobs --all --json\n"
                  "  berth jobs --status FAILED",
                  [settings](command_context& context) {
                    return list_jobs(context, *settings);
                  });
  sub->add_option("--queue", settings->queue, "Of this queue (default: all)");
  sub->add_option("--status", settings->status, "In this status only");
  sub->add_flag("--all", settings->all, "Also those that have ended");
  sub->add_option("--limit", settings->limit, "At most this many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_job(CLI::App& app, int& status) {
  auto settings = std::make_shared<show_settings>();
  auto* sub =
      add(app, status, "job", "Show one job, or a table of several",
          "  berth job ID\n  berth job --children ID   (an array and its "
          "children)",
          [settings](command_context& context) {
            return show_jobs(context, *settings);
          });
  sub->add_option("id", settings->ids, "Job ids")->required();
  sub->add_flag("--children", settings->children,
                "A table, with the children of arrays");
}

void add_ending(CLI::App& app, int& status, ending how, const std::string& name,
                const std::string& what) {
  auto ids = std::make_shared<std::vector<std::string>>();
  auto reason = std::make_shared<std::string>("Asked for by berth " + name);
  auto* sub = add(app, status, name, what,
                  "  berth " + name + " ID --reason 'wrong input'",
                  [=](command_context& context) {
                    return end_jobs(context, how, *ids, *reason);
                  });
  sub->add_option("id", *ids, "Job ids")->required();
  sub->add_option("--reason", *reason, "Becomes the job's status reason")
      ->capture_default_str();
}

void add_listings(CLI::App& app, int& status) {
  add(app, status, "queues", "List the job queues", "  berth queues",
      list_queues);
  add(app, status, "environments", "List the compute environments",
      "  berth environments", list_environments);
  add(app, status, "definitions", "List the job definitions",
      "  berth definitions --json", list_definitions);
}

void add_logs(CLI::App& app, int& status) {
  auto settings = std::make_shared<log_settings>();
  auto* sub = add(app, status, "logs", "Print what a job wrote",
                  "  berth logs -f ID\n  berth logs ID:3   (a child of an "
                  "array)",
                  [settings](command_context& context) {
                    return print_log(context, *settings);
                  });
  sub->add_option("id", settings->id, "A job id")->required();
  sub->add_flag("-f,--follow", settings->follow,
                "Go on until the job has ended");
  sub->add_flag("-t,--timestamps", settings->timestamps,
                "When each line was written, UTC");
}

void add_wait(CLI::App& app, int& status) {
  auto ids = std::make_shared<std::vector<std::string>>();
  auto* sub = add(
      app, status, "wait",
      "Follow jobs until all have ended; fails if one failed",
      "  berth wait ID ID\n  berth wait $(berth submit -- make)",
      [ids](command_context& context) { return wait_for_jobs(context, *ids); });
  sub->add_option("id", *ids, "Job ids")->required();
}

void add_why(CLI::App& app, int& status) {
  auto id = std::make_shared<std::string>();
  auto* sub = add(app, status, "why",
                  "Say why a job waits, or why it runs where it "
                  "runs",
                  "  berth why ID", [id](command_context& context) {
                    return explain_job(context, *id);
                  });
  sub->add_option("id", *id, "A job id")->required();
}

void add_api(CLI::App& app, int& status) {
  auto operation = std::make_shared<std::string>();
  auto body = std::make_shared<std::string>("{}");
  auto* sub = add(app, status, "api",
                  "Call an operation of the AWS Batch API with a JSON body",
                  "  berth api DescribeJobQueues '{}'\n"
                  "  berth api CreateJobQueue - < queue.json",
                  [=](command_context& context) {
                    return call_api(context, *operation, *body);
                  });
  sub->add_option("operation", *operation, "As AWS names it: SubmitJob")
      ->required();
  sub->add_option("body", *body, "JSON, or - to read it from stdin");
  // For scripts; people have the other commands.
  sub->group("");
}

} // namespace

void add_client_options(CLI::App& command, client_settings& settings) {
  command.add_option("--endpoint", settings.endpoint,
                     "The server's URL (default: BERTH_ENDPOINT, or `endpoint` "
                     "in the data folder)");
  command.add_option("--data", settings.data_folder,
                     "The server's data folder (default: BERTH_DATA, or "
                     "~/.berth)");
  command
      .add_option("--region", settings.region, "The region of what is named")
      ->capture_default_str();
  command.add_flag("--json", settings.json, "JSON on stdout, for programs");
}

void add_client_commands(CLI::App& app, int& status) {
  add_submit(app, status);
  add_jobs(app, status);
  add_job(app, status);
  add_wait(app, status);
  add_logs(app, status);
  add_why(app, status);
  add_ending(app, status, ending::cancel, "cancel",
             "Cancel jobs that have not started");
  add_ending(app, status, ending::terminate, "terminate",
             "End jobs, also running ones");
  add_listings(app, status);
  add(app, status, "cluster", "Show the nodes, shards and agents of a cluster",
      "  berth cluster --endpoint http://127.0.0.1:9777", show_cluster);
  add(app, status, "stop", "End the server of a data folder, and its jobs",
      "  berth stop --data /tmp/berth", stop_server);
  add_api(app, status);
}

} // namespace berth

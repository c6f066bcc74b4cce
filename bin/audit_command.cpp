#include "bin/audit_command.hpp"

#include "api/berth/audit.hpp"
#include "bin/client_commands.hpp"
#include "client/client_failure.hpp"
#include "client/commands.hpp"
#include "runtime/audit.hpp"
#include "storage/data_folder.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <variant>

namespace berth {

namespace {

struct audit_settings {
  client_settings client;
  std::string job;
};

int fail(int status, const std::string& message) {
  std::fprintf(stderr, "berth: %s\n", message.c_str());
  return status;
}

std::string time_of(int64_t at_ms) {
  auto seconds = static_cast<time_t>(at_ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  auto fraction = std::to_string(1000 + at_ms % 1000).substr(1);
  return std::string(text) + "." + fraction;
}

int show(const audit_settings& s, const std::vector<story_line>& lines) {
  if (lines.empty())
    return fail(exit_status::failed,
                "the log knows no job " + s.job
                    + "; `berth jobs --all` lists those there are");
  if (s.client.json) {
    std::printf("%s\n", print_history(lines).c_str());
    return 0;
  }
  for (const auto& l : lines)
    std::printf("%s  offset %lld, seq %llu, epoch %lld, node %s\n    %s\n",
                time_of(l.at_ms).c_str(), static_cast<long long>(l.offset),
                static_cast<unsigned long long>(l.seq),
                static_cast<long long>(l.epoch), l.node.c_str(),
                l.text.c_str());
  return 0;
}

int show(const audit_settings& s, const std::vector<shard_verdict>& verdicts) {
  if (s.client.json)
    std::printf("%s\n", print_verdicts(verdicts).c_str());
  else
    for (const auto& v : verdicts) {
      std::printf(
          "shard %u: %llu records, %llu decisions, %llu events, "
          "%llu fenced, %llu out of sequence; state %016llx %s the %s\n",
          v.shard, static_cast<unsigned long long>(v.records),
          static_cast<unsigned long long>(v.decisions),
          static_cast<unsigned long long>(v.events),
          static_cast<unsigned long long>(v.fenced),
          static_cast<unsigned long long>(v.out_of_sequence),
          static_cast<unsigned long long>(v.state_hash),
          v.agrees ? "agrees with" : "DIFFERS from",
          v.compared_with.empty() ? "store" : v.compared_with.c_str());
      if (!v.problem.empty())
        std::printf("  %s\n", v.problem.c_str());
    }
  return all_well(verdicts) ? 0 : 1;
}

template <class Ask>
int from_folder(const audit_settings& s, const std::string& path,
                Ask ask_source) {
  auto folder = data_folder::open(path, folder_access::read_only);
  if (folder.error)
    return fail(exit_status::unreachable, folder.error.message);
  storage_error error;
  auto source = make_folder_audit(*folder.opened, error);
  if (!source)
    return fail(exit_status::unreachable, error.message);
  auto answer = ask_source(*source);
  if (const auto* refused = std::get_if<api_error>(&answer))
    return fail(exit_status::failed, refused->message);
  return show(s, std::get<0>(answer));
}

/// Asks the server, or else the folder.
template <class Parse, class Ask>
int audit(const audit_settings& s, const std::string& what,
          const std::string& job, Parse parse, Ask ask_source) {
  return run_command(s.client, [&](command_context& context) {
    auto answer = ask_audit(context, what, job);
    if (!answer)
      return from_folder(s, context.data_folder(), ask_source);
    auto parsed = parse(*answer);
    if (!parsed)
      return fail(exit_status::failed,
                  "the server's answer is not an audit's: is it Berth of "
                  "this version?");
    return show(s, *parsed);
  });
}

int tell_history(const audit_settings& s) {
  auto job = parse_job_key(s.job);
  if (!job)
    return fail(exit_status::usage,
                s.job
                    + " is not the id of a job: give a UUID, or UUID:INDEX "
                      "for a child of an array");
  return audit(s, "history", to_string(*job), parse_history,
               [&](audit_source& a) { return a.history(*job); });
}

int verify(const audit_settings& s) {
  return audit(s, "verify", "", parse_verdicts,
               [](audit_source& a) { return a.verify(); });
}

} // namespace

void add_audit_commands(CLI::App& app, int& status) {
  auto* audit = app.add_subcommand("audit", "Read the log");
  audit->require_subcommand(1);
  auto add = [&](const char* name, const char* help,
                 const std::shared_ptr<audit_settings>& settings) {
    auto* command = audit->add_subcommand(name, help);
    add_client_options(*command, settings->client);
    return command;
  };
  auto asked = std::make_shared<audit_settings>();
  auto* history =
      add("history", "Tell one job's life from the log's records", asked);
  history->add_option("job", asked->job, "Job id, or ID:INDEX of a child")
      ->required();
  history->footer("Example: berth audit history 0b6c...");
  history->callback([asked, &status] { status = tell_history(*asked); });
  auto checked = std::make_shared<audit_settings>();
  auto* check =
      add("verify", "Fold the whole log and compare the state", checked);
  check->footer("Example: berth audit verify --data /var/lib/berth");
  check->callback([checked, &status] { status = verify(*checked); });
}

} // namespace berth

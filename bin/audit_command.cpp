#include "bin/audit_command.hpp"

#include "api/berth/audit.hpp"
#include "api/berth/log_export.hpp"
#include "api/berth/state_change_event.hpp"
#include "bin/client_commands.hpp"
#include "bin/kafka_options.hpp"
#include "client/client_failure.hpp"
#include "client/commands.hpp"
#include "client/progress.hpp"
#include "client/terminal.hpp"
#include "runtime/audit.hpp"
#include "runtime/log_audit.hpp"
#include "storage/data_folder.hpp"

#include <algorithm>
#include <chrono>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <tuple>
#include <unistd.h>
#include <variant>

namespace berth {

namespace {

struct audit_settings {
  client_settings client;
  kafka_settings_of_command kafka;
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
      std::printf("shard %u: %llu records, %llu decisions, %llu events, "
                  "%llu fenced, %llu out of sequence; state %016llx%s%s\n",
                  v.shard, static_cast<unsigned long long>(v.records),
                  static_cast<unsigned long long>(v.decisions),
                  static_cast<unsigned long long>(v.events),
                  static_cast<unsigned long long>(v.fenced),
                  static_cast<unsigned long long>(v.out_of_sequence),
                  static_cast<unsigned long long>(v.state_hash),
                  v.compared_with.empty() ? ""
                  : v.agrees              ? " agrees with the "
                                          : " DIFFERS from the ",
                  v.compared_with.c_str());
      if (!v.problem.empty())
        std::printf("  %s\n", v.problem.c_str());
    }
  return all_well(verdicts) ? 0 : 1;
}

std::unique_ptr<log> open_kafka(const audit_settings& s, int& status) {
  kafka_cluster_address at;
  if (auto problem = kafka_address(s.kafka, at)) {
    status = fail(exit_status::usage, *problem);
    return nullptr;
  }
  auto found = open_topic(at, topic::log, false);
  if (found.error)
    status = fail(exit_status::unreachable, found.error.message);
  return std::move(found.opened);
}

/// Draws on stderr where somebody looks.
audit_progress draw_progress(const std::string& what) {
  auto where = terminal_of(STDERR_FILENO);
  if (!where.is_terminal)
    return {};
  auto drawn = std::make_shared<size_t>(0);
  return [what, where, drawn](uint64_t done, uint64_t of) {
    progress_frame frame{where.width, where.height, where.colours};
    auto text = redraw(*drawn, {print_count(what, done, of, frame)});
    *drawn = 1;
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
  };
}

int verify_kafka(const audit_settings& s) {
  int status = 0;
  auto of = open_kafka(s, status);
  if (!of)
    return status;
  auto source = make_log_audit(std::move(of), draw_progress("Folding the log"));
  auto began = std::chrono::steady_clock::now();
  auto answer = source->verify();
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  if (const auto* refused = std::get_if<api_error>(&answer))
    return fail(exit_status::failed, refused->message);
  const auto& verdicts = std::get<std::vector<shard_verdict>>(answer);
  if (s.client.json) {
    std::printf("%s\n", print_verdicts(verdicts, took.count()).c_str());
    return all_well(verdicts) ? 0 : exit_status::failed;
  }
  status = show(s, verdicts);
  uint64_t records = 0;
  uint64_t events = 0;
  for (const auto& v : verdicts) {
    records += v.records;
    events += v.events;
  }
  std::printf("%llu records, %llu events in %.3f s: %.0f events a second\n",
              static_cast<unsigned long long>(records),
              static_cast<unsigned long long>(events), took.count(),
              static_cast<double>(events) / std::max(took.count(), 1e-9));
  return status;
}

template <class Ask>
int from_kafka(const audit_settings& s, Ask ask_source) {
  int status = 0;
  auto of = open_kafka(s, status);
  if (!of)
    return status;
  auto source = make_log_audit(std::move(of), {});
  auto answer = ask_source(*source);
  if (const auto* refused = std::get_if<api_error>(&answer))
    return fail(exit_status::failed, refused->message);
  return show(s, std::get<0>(answer));
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
  if (!s.kafka.brokers.empty())
    return from_kafka(s, ask_source);
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
  if (!s.kafka.brokers.empty())
    return verify_kafka(s);
  return audit(s, "verify", "", parse_verdicts,
               [](audit_source& a) { return a.verify(); });
}

struct export_settings {
  audit_settings audit;
  std::string since;
  std::string until;
  std::string format = "json";
  bool follow = false;
};

int export_events(const export_settings& s) {
  export_options o;
  o.follow = s.follow;
  for (auto [name, text, to] : {std::tuple{"--since", &s.since, &o.since_ms},
                                std::tuple{"--until", &s.until, &o.until_ms}}) {
    if (text->empty())
      continue;
    *to = parse_utc(*text);
    if (!*to)
      return fail(exit_status::usage,
                  std::string{name} + " " + *text
                      + ": give a time in UTC such as 2026-11-21 or "
                        "2026-11-21T17:00:00Z");
  }
  auto write = [](const exported_event& e) {
    event_place at{e.shard,    e.offset, e.at_ms, e.seq,
                   e.at_epoch, e.node,   e.number};
    auto line =
        e.what != nullptr ? print_log_event(at, *e.what) : print_log_claim(at);
    return std::fwrite(line.data(), 1, line.size(), stdout) == line.size()
           && (e.number != 1 || std::fflush(stdout) == 0);
  };
  int status = 0;
  std::unique_ptr<log> of;
  std::unique_ptr<data_folder> folder;
  if (!s.audit.kafka.brokers.empty()) {
    of = open_kafka(s.audit, status);
  } else {
    command_context context{s.audit.client};
    auto opened =
        data_folder::open(context.data_folder(), folder_access::read_only);
    if (opened.error)
      return fail(exit_status::unreachable, opened.error.message);
    folder = std::move(opened.opened);
    auto found = open_folder_log(*folder);
    if (found.error)
      return fail(exit_status::unreachable, found.error.message);
    of = std::move(found.opened);
  }
  if (!of)
    return status;
  if (auto error = export_log(*of, o, write))
    return fail(exit_status::failed, error.message);
  return 0;
}

void add_export_command(CLI::App& audit, int& status) {
  auto s = std::make_shared<export_settings>();
  auto* command = audit.add_subcommand(
      "export", "Print the log's events, a JSON object on each line");
  add_client_options(*command, s->audit.client);
  add_kafka_options(*command, s->audit.kafka, false);
  command->add_option("--since", s->since, "Only from this time on (UTC)");
  command->add_option("--until", s->until, "Only before this time (UTC)");
  command->add_option("--format", s->format, "json")
      ->check(CLI::IsMember({"json"}))
      ->capture_default_str();
  command->add_flag("--follow", s->follow, "Go on with what comes");
  command->footer(
      "Example: berth audit export --brokers k1:9092 --since 2026-11-21 "
      "--format json");
  command->callback([s, &status] { status = export_events(*s); });
}

} // namespace

void add_audit_commands(CLI::App& app, int& status) {
  auto* audit = app.add_subcommand("audit", "Read the log");
  audit->require_subcommand(1);
  auto add = [&](const char* name, const char* help,
                 const std::shared_ptr<audit_settings>& settings) {
    auto* command = audit->add_subcommand(name, help);
    add_client_options(*command, settings->client);
    add_kafka_options(*command, settings->kafka, false);
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
  add_export_command(*audit, status);
}

} // namespace berth

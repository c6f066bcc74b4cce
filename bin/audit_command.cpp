#include "bin/audit_command.hpp"

#include "api/berth/audit.hpp"
#include "client/endpoint.hpp"
#include "client/http_client.hpp"
#include "runtime/audit.hpp"
#include "storage/data_folder.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <variant>

namespace berth {

namespace {

struct audit_settings {
  std::string endpoint;
  std::string data_folder;
  std::string job;
  bool json = false;
};

constexpr int status_unreachable = 3;

int fail(int status, const std::string& message) {
  std::fprintf(stderr, "berth: %s\n", message.c_str());
  return status;
}

/// The body of a GET, or what is wrong.
std::variant<std::string, std::string> ask(const std::string& url,
                                           const std::string& path) {
  // Berth wants the header so that no web page can reach it; reading the log
  // needs no key unless signatures are checked.
  constexpr char anybody[] =
      "AWS4-HMAC-SHA256 Credential=berth/20000101/us-east-1/batch/"
      "aws4_request, SignedHeaders=host, Signature="
      "0000000000000000000000000000000000000000000000000000000000000000";
  http_client client;
  auto outcome =
      client.request("GET", url + path, {{"Authorization", anybody}}, "");
  if (const auto* error = std::get_if<http_client_error>(&outcome))
    return std::variant<std::string, std::string>{std::in_place_index<1>,
                                                  error->message};
  auto& answer = std::get<http_client_response>(outcome);
  if (answer.status != 200)
    return std::variant<std::string, std::string>{
        std::in_place_index<1>, "the server says: " + answer.body};
  return std::variant<std::string, std::string>{std::in_place_index<0>,
                                                std::move(answer.body)};
}

/// The server's URL: given, or written in the data folder; empty when none.
std::string server_of(const audit_settings& s) {
  if (!s.endpoint.empty())
    return s.endpoint;
  auto text = read_small_file(s.data_folder + "/endpoint");
  return text ? parse_endpoint(*text, s.data_folder + "/endpoint").url : "";
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
    return fail(1, "the log knows no job " + s.job);
  if (s.json) {
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
  if (s.json)
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

template <class Parse>
int from_server(const audit_settings& s, const std::string& url,
                const std::string& path, Parse parse) {
  auto body = ask(url, path);
  if (body.index() == 1)
    return fail(status_unreachable, std::get<1>(body));
  auto parsed = parse(std::get<0>(body));
  if (!parsed)
    return fail(1, "the server's answer is not an audit's: is it Berth of "
                   "this version?");
  return show(s, *parsed);
}

template <class Ask>
int from_folder(const audit_settings& s, Ask ask_source) {
  auto folder = data_folder::open(s.data_folder, folder_access::read_only);
  if (folder.error)
    return fail(status_unreachable, folder.error.message);
  storage_error error;
  auto source = make_folder_audit(*folder.opened, error);
  if (!source)
    return fail(status_unreachable, error.message);
  auto answer = ask_source(*source);
  if (const auto* refused = std::get_if<api_error>(&answer))
    return fail(1, refused->message);
  return show(s, std::get<0>(answer));
}

int tell_history(const audit_settings& s) {
  auto job = parse_job_key(s.job);
  if (!job)
    return fail(2, s.job + " is not the id of a job");
  if (auto url = server_of(s); !url.empty())
    return from_server(s, url, "/v1/audit/history?job=" + to_string(*job),
                       parse_history);
  return from_folder(s, [&](audit_source& a) { return a.history(*job); });
}

int verify(const audit_settings& s) {
  if (auto url = server_of(s); !url.empty())
    return from_server(s, url, "/v1/audit/verify", parse_verdicts);
  return from_folder(s, [](audit_source& a) { return a.verify(); });
}

} // namespace

void add_audit_commands(CLI::App& app, const std::string& default_data_folder,
                        int& status) {
  auto settings = std::make_shared<audit_settings>();
  settings->data_folder = default_data_folder;
  auto* audit = app.add_subcommand("audit", "Read the log");
  audit->require_subcommand(1);
  auto add = [&](const char* name, const char* help) {
    auto* command = audit->add_subcommand(name, help);
    command->add_option("--endpoint", settings->endpoint, "The server's URL")
        ->envname("BERTH_ENDPOINT");
    command->add_option("--data", settings->data_folder, "Data folder")
        ->capture_default_str();
    command->add_flag("--json", settings->json, "Print JSON");
    return command;
  };
  auto* history = add("history", "Tell one job's life from the log's records");
  history->add_option("job", settings->job, "Job id, or ID:INDEX of a child")
      ->required();
  history->footer("Example: berth audit history 0b6c...");
  history->callback([settings, &status] { status = tell_history(*settings); });
  auto* check = add("verify", "Fold the whole log and compare the state");
  check->footer("Example: berth audit verify --data /var/lib/berth");
  check->callback([settings, &status] { status = verify(*settings); });
}

} // namespace berth

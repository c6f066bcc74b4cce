#include "client/client_failure.hpp"
#include "client/commands.hpp"
#include "client/display_text.hpp"
#include "client/job_report.hpp"
#include "client/pause.hpp"
#include "messages/job.hpp"

#include <array>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

namespace berth {

using nlohmann::json;

namespace {

constexpr const char* log_group = "/aws/batch/job";
/// CloudWatch Logs has no way to be told of new lines.
constexpr std::chrono::milliseconds look_again{300};

std::string print_timestamp(int64_t ms) {
  auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  auto length =
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  auto fraction = std::to_string(1000 + ms % 1000).substr(1);
  return std::string{text.data(), length} + "." + fraction + "Z ";
}

/// Prints the streams of a job's attempts, one after another.
class log_printer {
public:
  log_printer(command_context& context, const log_settings& settings)
      : context_(context), settings_(settings) {}

  /// Prints what there is beyond what was printed before; false if nothing.
  bool print_more(const std::vector<std::string>& streams) {
    bool any = false;
    for (; at_ < streams.size(); ++at_) {
      any = read_to_end(streams[at_], streams.size()) || any;
      if (at_ + 1 == streams.size())
        return any;
      token_.clear();
    }
    return any;
  }

private:
  bool read_to_end(const std::string& stream, std::size_t attempts) {
    bool any = false;
    for (;;) {
      json body{{"logGroupName", log_group},
                {"logStreamName", stream},
                {"startFromHead", true}};
      if (!token_.empty())
        body["nextToken"] = token_;
      auto answer = context_.api().call_logs("GetLogEvents", body);
      const auto& events = answer.at("events");
      if (!events.empty() && attempts > 1 && headed_ <= at_) {
        context_.messages() << "--- attempt " << at_ + 1 << "\n";
        headed_ = at_ + 1;
      }
      for (const auto& event : events)
        print(event);
      any = any || !events.empty();
      auto token = answer.value("nextForwardToken", std::string{});
      if (token.empty() || token == token_)
        break;
      token_ = token;
    }
    context_.out().flush();
    return any;
  }

  void print(const json& event) {
    if (context_.wants_json()) {
      context_.out() << event.dump(-1, ' ', false,
                                   json::error_handler_t::replace)
                     << "\n";
      return;
    }
    if (settings_.timestamps)
      context_.out() << print_timestamp(event.value("timestamp", int64_t{0}));
    context_.out() << event.at("message").get<std::string>() << "\n";
  }

  command_context& context_;
  const log_settings& settings_;
  /// The attempt being printed, and where in its stream.
  std::size_t at_ = 0;
  std::string token_;
  /// Attempts whose heading was printed.
  std::size_t headed_ = 0;
};

json describe(command_context& context, const std::string& id) {
  auto details = describe_jobs(context.api(), {id});
  if (details.empty())
    throw client_failure(exit_status::failed,
                         "there is no job " + id + "; see `berth jobs --all`");
  auto array = details.front().value("arrayProperties", json::object());
  if (array.value("size", 0) > 0)
    throw client_failure(exit_status::usage,
                         id
                             + " is an array, which writes no log itself; give "
                               "one of its children: berth logs "
                             + id + ":0");
  return details.front();
}

} // namespace

int print_log(command_context& context, const log_settings& settings) {
  log_printer printer{context, settings};
  for (;;) {
    // Read before the log, so that an ended job's log is read to its end.
    auto detail = describe(context, settings.id);
    auto status = parse_job_status(detail.value("status", ""));
    auto streams = log_streams_of(detail);
    auto any = printer.print_more(streams);
    if (!settings.follow || (status && is_terminal(*status))) {
      if (streams.empty())
        context.messages() << settings.id << " has no log: it is "
                           << detail.value("status", "?")
                           << " and has not started; `berth why " << settings.id
                           << "` says more.\n";
      return exit_status::done;
    }
    if (!any && !pause_while_read(look_again))
      return exit_status::done;
  }
}

} // namespace berth

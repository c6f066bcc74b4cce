#include "client/client_failure.hpp"
#include "client/commands.hpp"
#include "client/job_watch.hpp"
#include "client/progress.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace berth {

using nlohmann::json;

namespace {

constexpr std::size_t listing_page = 1000;

/// Shows a watch: bars that are drawn over, or a line per change.
class watch_display {
public:
  watch_display(std::ostream& out, const terminal& where)
      : out_(out), where_(where) {}

  void draw(const job_watch& watch) {
    if (!where_.is_terminal)
      return;
    auto lines = print_progress(watch.jobs(),
                                {where_.width, where_.height, where_.colours});
    if (lines == drawn_)
      return;
    out_ << redraw(drawn_.size(), lines) << std::flush;
    drawn_ = std::move(lines);
  }

  void tell(const job_progress& job) {
    if (where_.is_terminal)
      return;
    auto line = print_change(job);
    // Arrays tell of their children only when they end.
    auto& last = told_[job.id];
    auto key =
        std::string{to_string(job.status)} + "/" + std::to_string(job.attempts);
    if (last == key)
      return;
    last = key;
    out_ << line << "\n" << std::flush;
  }

private:
  std::ostream& out_;
  terminal where_;
  std::vector<std::string> drawn_;
  std::map<std::string, std::string> told_;
};

void list_children(batch_api& api, job_watch& watch, const job_progress& job) {
  for (std::size_t s = 0; s < job_status_count; ++s)
    for (const auto& child :
         all_pages(api, "ListJobs",
                   {{"arrayJobId", job.id},
                    {"jobStatus", to_string(static_cast<job_status>(s))},
                    {"maxResults", listing_page}},
                   "jobSummaryList"))
      watch.list_child(child);
}

/// Once the events flow: how things are now.
void look_around(batch_api& api, job_watch& watch, watch_display& display) {
  for (const auto& detail : describe_jobs(api, watch.ids()))
    watch.describe(detail);
  if (auto unknown = watch.unknown(); !unknown.empty())
    throw client_failure(exit_status::failed, "there is no job "
                                                  + unknown.front()
                                                  + "; see `berth jobs --all`");
  for (const auto& job : watch.jobs()) {
    if (job.array_size > 0 && !is_terminal(job.status))
      list_children(api, watch, job);
    display.tell(job);
  }
  display.draw(watch);
}

} // namespace

bool watch_jobs(command_context& context, const std::vector<std::string>& ids,
                bool on_stderr) {
  auto& api = context.api();
  job_watch watch{ids};
  watch_display display{on_stderr ? context.messages() : context.out(),
                        on_stderr ? context.messages_terminal()
                                  : context.out_terminal()};
  bool has_moved = true;
  auto on_open = [&] {
    look_around(api, watch, display);
    return !watch.all_ended();
  };
  auto on_event = [&](const json& event) {
    has_moved = true;
    if (auto place = watch.apply(event)) {
      display.tell(watch.jobs()[*place]);
      display.draw(watch);
    }
    return !watch.all_ended();
  };
  // The server ends a stream that falls behind; then all is looked at anew.
  while (!api.follow_events(on_open, on_event)) {
    if (!std::exchange(has_moved, false))
      throw client_failure(exit_status::unreachable,
                           "the server ends the stream of events; is it "
                           "stopping? The jobs go on; wait again when it is "
                           "up");
  }
  return !watch.any_failed();
}

int wait_for_jobs(command_context& context,
                  const std::vector<std::string>& ids) {
  auto succeeded = watch_jobs(context, ids, context.wants_json());
  if (context.wants_json())
    context.print({{"jobs", describe_jobs(context.api(), ids)}});
  return succeeded ? exit_status::done : exit_status::failed;
}

} // namespace berth

#include "runtime/state_changes.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <utility>

namespace berth {

namespace {

/// Transitions described by one call; the ids of DescribeJobs at most.
constexpr size_t batch_max = 100;

std::string print_position(const std::string& run, uint64_t sequence) {
  return run + "-" + std::to_string(sequence);
}

std::variant<uint64_t, api_error> parse_position(const std::string& run,
                                                 const std::string& text) {
  auto dash = text.rfind('-');
  uint64_t sequence = 0;
  if (dash != std::string::npos) {
    const auto* end = text.data() + text.size();
    auto [rest, error] = std::from_chars(text.data() + dash + 1, end, sequence);
    if (error == std::errc{} && rest == end && text.substr(0, dash) == run)
      return sequence;
  }
  return api_error{api_errc::invalid,
                   "after: " + text
                       + " is no position of this run of the server; describe "
                         "the jobs and follow from now on"};
}

/// One follower. It asks for the next batch only when the last one was
/// delivered, so it holds one batch at most.
class follower : public std::enable_shared_from_this<follower> {
public:
  follower(job_transitions& transitions, gateway_interface& gateway,
           std::string run, account_region owner, uint64_t from,
           std::function<bool(const job_event&)> on_event)
      : transitions_(transitions), gateway_(gateway), run_(std::move(run)),
        owner_(std::move(owner)), at_(from), on_event_(std::move(on_event)) {}

  void start() {
    listener_ = transitions_.listen([weak = weak_from_this()] {
      if (auto self = weak.lock())
        self->more();
    });
    more();
  }

  void stop() {
    transitions_.unlisten(listener_);
    std::lock_guard lock{mutex_};
    closed_ = true;
  }

private:
  void more() {
    std::vector<job_transition> batch;
    {
      std::lock_guard lock{mutex_};
      if (closed_)
        return;
      if (busy_)
        return;
      bool missed = false;
      batch = transitions_.after(at_, batch_max, missed);
      if (batch.empty())
        return;
      busy_ = true;
    }
    describe(std::move(batch));
  }

  void describe(std::vector<job_transition> batch) {
    describe_jobs_request asked;
    for (const auto& t : batch)
      asked.jobs.push_back(to_string(t.job));
    std::sort(asked.jobs.begin(), asked.jobs.end());
    asked.jobs.erase(std::unique(asked.jobs.begin(), asked.jobs.end()),
                     asked.jobs.end());
    gateway_.call({owner_, {}, {}}, std::move(asked),
                  [self = shared_from_this(), batch = std::move(batch)](
                      const result& answer) { self->deliver(batch, answer); });
  }

  void deliver(const std::vector<job_transition>& batch, const result& answer) {
    std::map<job_key, const job_view*> views;
    if (const auto* good = std::get_if<response>(&answer))
      for (const auto& view : std::get<jobs_response>(*good).jobs)
        views[view.key] = &view;
    std::unique_lock lock{mutex_};
    for (const auto& t : batch) {
      at_ = t.sequence;
      auto view = views.find(t.job);
      if (closed_ || view == views.end())
        continue;
      job_event e{print_position(run_, t.sequence), t.at_ms, *view->second};
      e.job.status = t.status;
      if (!is_terminal(t.status))
        e.job.stopped_ms = 0;
      if (!on_event_(e))
        closed_ = true;
    }
    busy_ = false;
    lock.unlock();
    more();
  }

  job_transitions& transitions_;
  gateway_interface& gateway_;
  const std::string run_;
  const account_region owner_;
  uint64_t listener_ = 0;

  /// Recursive: a subscriber may stop within its own callback.
  std::recursive_mutex mutex_;
  uint64_t at_;
  std::function<bool(const job_event&)> on_event_;
  bool busy_ = false;
  bool closed_ = false;
};

class subscription final : public event_subscription {
public:
  explicit subscription(std::shared_ptr<follower> f)
      : follower_(std::move(f)) {}
  ~subscription() override { follower_->stop(); }

private:
  std::shared_ptr<follower> follower_;
};

class state_changes final : public event_source {
public:
  state_changes(job_transitions& transitions, gateway_interface& gateway,
                std::string run)
      : transitions_(transitions), gateway_(gateway), run_(std::move(run)) {}

  outcome subscribe(const account_region& owner, const std::string& after,
                    std::function<bool(const job_event&)> on_event) override {
    auto from = transitions_.last_sequence();
    if (!after.empty()) {
      auto parsed = parse_position(run_, after);
      if (const auto* error = std::get_if<api_error>(&parsed))
        return *error;
      from = std::get<uint64_t>(parsed);
    }
    bool missed = false;
    transitions_.after(from, 1, missed);
    if (missed)
      return api_error{api_errc::invalid,
                       "after: the changes after " + after
                           + " are not kept any more; describe the jobs and "
                             "follow from now on"};
    auto f = std::make_shared<follower>(transitions_, gateway_, run_, owner,
                                        from, std::move(on_event));
    f->start();
    return std::make_unique<subscription>(std::move(f));
  }

private:
  job_transitions& transitions_;
  gateway_interface& gateway_;
  std::string run_;
};

} // namespace

std::unique_ptr<event_source> make_state_changes(job_transitions& transitions,
                                                 gateway_interface& gateway,
                                                 std::string run) {
  return std::make_unique<state_changes>(transitions, gateway, std::move(run));
}

} // namespace berth

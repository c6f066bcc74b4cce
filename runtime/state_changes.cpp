#include "runtime/state_changes.hpp"

#include "runtime/change_follower.hpp"
#include "runtime/task_thread.hpp"

#include <utility>

namespace berth {

namespace {

class subscription final : public event_subscription {
public:
  explicit subscription(std::shared_ptr<change_follower> f)
      : follower_(std::move(f)) {}
  ~subscription() override { follower_->stop(); }

private:
  std::shared_ptr<change_follower> follower_;
};

api_error refused(const std::string& after, const char* why) {
  return {api_errc::invalid, "after: " + after + " " + why
                                 + "; describe the jobs and follow from now "
                                   "on"};
}

constexpr const char* ahead = "is ahead of this server's log: was it restored "
                              "from an older copy?";

class state_changes final : public event_source {
public:
  state_changes(job_transitions& transitions, gateway_interface& gateway,
                log& from, log_use use, whole_log_holder hold)
      : parts_{transitions, gateway, from, reader_.queue()}, use_(use),
        hold_(std::move(hold)) {}

  void prepare(std::function<void(prepared)> then) override {
    if (!hold_)
      return then(event_hold{});
    hold_([then = std::move(then)](whole_log_hold hold,
                                   const storage_error& error) {
      if (error)
        then(api_error{api_errc::unavailable, error.message});
      else
        then(event_hold{std::move(hold)});
    });
  }

  outcome subscribe(const account_region& owner, const std::string& after,
                    std::function<bool(const job_event&)> on_event,
                    std::function<void(const api_error&)> on_end) override {
    auto now = parts_.transitions.now();
    change_position at{log_mark_of(parts_.from.cluster_id()), now.cursors};
    if (!after.empty()) {
      auto parsed = parse_change_position(after);
      if (!parsed)
        return refused(after, "is no position of an event");
      if (parsed->log_mark != at.log_mark
          || parsed->cursors.size() != at.cursors.size())
        return refused(after, "is a position in another server's log");
      if (auto error = check(after, *parsed, now))
        return *error;
      at = std::move(*parsed);
    }
    auto f = std::make_shared<change_follower>(
        parts_, owner, std::move(at), now.sequence, std::move(on_event),
        std::move(on_end));
    f->start(!after.empty());
    if (!after.empty() && use_ == log_use::shared)
      end_if_ahead_of_log(f, after, now);
    return std::make_unique<subscription>(std::move(f));
  }

private:
  std::optional<api_error> check(const std::string& after,
                                 const change_position& at,
                                 const job_transitions::heads& now) const {
    for (uint32_t i = 0; i < at.cursors.size(); ++i) {
      if (at.cursors[i] > now.cursors[i] && use_ == log_use::own)
        return refused(after, ahead);
      if (at.cursors[i].offset < parts_.from.begin_offset(shard_id{i}))
        return refused(after, "is older than what the log still keeps");
    }
    return std::nullopt;
  }

  void end_if_ahead_of_log(const std::shared_ptr<change_follower>& f,
                           const std::string& after,
                           const job_transitions::heads& now) {
    auto at = *parse_change_position(after);
    for (uint32_t i = 0; i < at.cursors.size(); ++i)
      if (at.cursors[i] > now.cursors[i])
        parts_.from.end_offset(shard_id{i}, [weak = std::weak_ptr(f), after,
                                             offset = at.cursors[i].offset](
                                                log_offset end,
                                                const storage_error& error) {
          if (auto follower = weak.lock(); follower && !error && offset >= end)
            follower->end(refused(after, ahead));
        });
  }

  task_thread reader_;
  change_follower::parts parts_;
  const log_use use_;
  whole_log_holder hold_;
};

} // namespace

std::unique_ptr<event_source>
make_state_changes(job_transitions& transitions, gateway_interface& gateway,
                   log& from, log_use use, whole_log_holder hold) {
  return std::make_unique<state_changes>(transitions, gateway, from, use,
                                         std::move(hold));
}

} // namespace berth

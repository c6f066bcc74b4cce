#include "runtime/change_follower.hpp"

#include "runtime/job_events.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace berth {

namespace {

/// Transitions described by one call; the ids of DescribeJobs at most.
constexpr size_t batch_max = 100;

} // namespace

change_follower::change_follower(parts of, account_region owner,
                                 change_position at, uint64_t sequence,
                                 std::function<bool(const job_event&)> on_event,
                                 std::function<void(const api_error&)> on_end)
    : parts_(std::move(of)), owner_(std::move(owner)), at_(std::move(at)),
      sequence_(sequence), on_event_(std::move(on_event)),
      on_end_(std::move(on_end)) {}

void change_follower::start(bool catches_up) {
  if (catches_up)
    catch_up();
  listener_ = parts_.transitions.listen([weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->more();
  });
  more();
}

void change_follower::stop() {
  parts_.transitions.unlisten(listener_);
  std::lock_guard lock{mutex_};
  closed_ = true;
}

void change_follower::end(const api_error& why) {
  std::unique_lock lock{mutex_};
  if (closed_)
    return;
  closed_ = true;
  // Let go of, whoever they keep alive.
  auto on_event = std::exchange(on_event_, nullptr);
  auto on_end = std::exchange(on_end_, nullptr);
  on_end(why);
}

void change_follower::catch_up() {
  catching_up_ = true;
  goal_ = parts_.transitions.now();
  reading_ = 0;
}

void change_follower::more() {
  std::vector<job_transition> batch;
  {
    std::lock_guard lock{mutex_};
    if (closed_ || busy_)
      return;
    if (!catching_up_) {
      bool missed = false;
      batch = parts_.transitions.after(sequence_, batch_max, missed);
      if (missed)
        catch_up();
      else if (batch.empty())
        return;
    }
    busy_ = true;
    if (catching_up_) {
      auto count = std::min(batch_max, waiting_.size());
      batch.assign(waiting_.begin(),
                   waiting_.begin() + static_cast<ptrdiff_t>(count));
      waiting_.erase(waiting_.begin(),
                     waiting_.begin() + static_cast<ptrdiff_t>(count));
    }
  }
  if (!batch.empty())
    return describe(std::move(batch));
  parts_.reader->post([weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->read_on();
  });
}

void change_follower::read_on() {
  if (auto error = read_next())
    return end(*error);
  {
    std::lock_guard lock{mutex_};
    busy_ = false;
  }
  more();
}

/// Reads what is to be delivered next, or has caught up.
std::optional<api_error> change_follower::read_next() {
  for (;;) {
    {
      std::lock_guard lock{mutex_};
      if (reading_ >= goal_.cursors.size()) {
        catching_up_ = false;
        sequence_ = goal_.sequence;
        return std::nullopt;
      }
    }
    auto& cursor = at_.cursors[reading_];
    const auto& goal = goal_.cursors[reading_];
    if (!history_ && cursor < goal)
      history_.emplace(parts_.from, shard_id{reading_}, cursor, goal.offset);
    if (history_) {
      auto found = history_->next();
      if (const auto* problem = std::get_if<change_history::problem>(&found))
        return api_error{api_errc::invalid, problem->message};
      auto& changes = std::get<std::vector<job_transition>>(found);
      if (!changes.empty()) {
        waiting_.assign(changes.begin(), changes.end());
        return std::nullopt;
      }
    }
    history_.reset();
    cursor = std::max(cursor, goal);
    ++reading_;
  }
}

void change_follower::describe(std::vector<job_transition> batch) {
  describe_jobs_request asked;
  for (const auto& t : batch)
    asked.jobs.push_back(to_string(t.job));
  std::sort(asked.jobs.begin(), asked.jobs.end());
  asked.jobs.erase(std::unique(asked.jobs.begin(), asked.jobs.end()),
                   asked.jobs.end());
  parts_.gateway.call({owner_, {}, {}}, std::move(asked),
                      [self = shared_from_this(),
                       batch = std::move(batch)](const result& answer) {
                        self->deliver(batch, answer);
                      });
}

void change_follower::deliver(const std::vector<job_transition>& batch,
                              const result& answer) {
  // Nothing is silently left out: the follower asks again from where it is.
  if (const auto* error = std::get_if<api_error>(&answer))
    return end(*error);
  std::map<job_key, const job_view*> views;
  for (const auto& view :
       std::get<jobs_response>(std::get<response>(answer)).jobs)
    views[view.key] = &view;
  std::unique_lock lock{mutex_};
  for (const auto& t : batch) {
    auto& cursor = at_.cursors[t.shard.value];
    if (!catching_up_)
      sequence_ = t.sequence;
    // A shard that was loaded again tells some changes once more; and the
    // position may be of a node that was ahead of this one.
    change_cursor here{t.offset, t.number};
    if (here <= cursor)
      continue;
    cursor = here;
    auto view = views.find(t.job);
    if (closed_ || view == views.end())
      continue;
    auto e = event_of(t, *view->second, to_string(at_));
    if (!on_event_(e))
      closed_ = true;
  }
  busy_ = false;
  lock.unlock();
  more();
}

} // namespace berth

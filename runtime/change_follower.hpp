// One follower of the state changes. It holds one decision's changes at most,
// and asks for more only when those were delivered.
#pragma once

#include "messages/event_source.hpp"
#include "messages/gateway_interface.hpp"
#include "runtime/change_history.hpp"
#include "runtime/job_transitions.hpp"
#include "runtime/task_thread.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace berth {

/// Thread-safe. It is *live* while memory holds what comes next, and *catching
/// up* while it reads the log up to where the node was when it fell out.
class change_follower : public std::enable_shared_from_this<change_follower> {
public:
  struct parts {
    job_transitions& transitions;
    gateway_interface& gateway;
    log& from;
    /// Where the log is read.
    std::shared_ptr<task_queue> reader;
  };

  /// `sequence`: where it is when it is live.
  change_follower(parts of, account_region owner, change_position at,
                  uint64_t sequence,
                  std::function<bool(const job_event&)> on_event,
                  std::function<void(const api_error&)> on_end);

  void start(bool catches_up);
  void stop();
  /// Tells `on_end`, unless it has ended.
  void end(const api_error& why);

private:
  void more();
  void catch_up();
  void read_on();
  std::optional<api_error> read_next();
  void describe(std::vector<job_transition> batch);
  void deliver(const std::vector<job_transition>& batch, const result& answer);

  const parts parts_;
  const account_region owner_;
  uint64_t listener_ = 0;

  /// Recursive: a subscriber may stop within its own callback.
  std::recursive_mutex mutex_;
  change_position at_;
  uint64_t sequence_;
  std::function<bool(const job_event&)> on_event_;
  std::function<void(const api_error&)> on_end_;
  bool busy_ = false;
  bool closed_ = false;

  bool catching_up_ = false;
  /// Where it catches up to, and the shard that is being read.
  job_transitions::heads goal_;
  uint32_t reading_ = 0;
  std::optional<change_history> history_;
  /// Read, not delivered.
  std::deque<job_transition> waiting_;
};

} // namespace berth

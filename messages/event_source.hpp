// Where state changes of jobs are followed, whoever publishes them.
#pragma once

#include "messages/errors.hpp"
#include "messages/responses.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

namespace berth {

struct job_event {
  /// Opaque text; `subscribe(position)` goes on after this event.
  std::string position;
  /// Which change it is, the same whenever it is delivered.
  std::string change;
  int64_t at_ms = 0;
  /// The job as it was after the change.
  job_view job;
  BERTH_FIELDS(position, change, at_ms, job)
};

/// Ends when destroyed; from then on nothing is delivered.
class event_subscription {
public:
  virtual ~event_subscription() = default;
};

/// While it lives the source sees all events.
using event_hold = std::shared_ptr<void>;

class event_source {
public:
  virtual ~event_source() = default;

  using prepared = std::variant<event_hold, api_error>;
  /// Comes before `subscribe`. `then` is called once the source sees all events
  /// from the time of this call on, from any thread, possibly before this
  /// returns; it must not block.
  virtual void prepare(std::function<void(prepared)> then) {
    then(event_hold{});
  }

  using outcome = std::variant<std::unique_ptr<event_subscription>, api_error>;

  /// Delivers the events of one account and region that come after a position,
  /// each at least once; an empty position = those from now on. Of one shard
  /// they come in order. Jobs that are not kept any more have none. `on_event`
  /// is called from any thread, one call at a time, possibly before this
  /// returns; it must not block. Once it has answered false it is not called
  /// again. The error says why a position is of no use.
  ///
  /// `on_end`: events would be left out if this went on; the error says why.
  /// Nothing is called after it.
  virtual outcome subscribe(const account_region& owner,
                            const std::string& after,
                            std::function<bool(const job_event&)> on_event,
                            std::function<void(const api_error&)> on_end) = 0;
};

} // namespace berth

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
  int64_t at_ms = 0;
  /// The job as it was after the change.
  job_view job;
  BERTH_FIELDS(position, at_ms, job)
};

/// Ends when destroyed; from then on nothing is delivered.
class event_subscription {
public:
  virtual ~event_subscription() = default;
};

class event_source {
public:
  virtual ~event_source() = default;

  using outcome = std::variant<std::unique_ptr<event_subscription>, api_error>;

  /// Delivers the events of one account and region that come after a position,
  /// each at least once; an empty position = those from now on. `on_event` is
  /// called from any thread, one call at a time, possibly before this returns;
  /// it must not block. Once it has answered false it is not called again. The
  /// error says why a position is of no use.
  virtual outcome subscribe(const account_region& owner,
                            const std::string& after,
                            std::function<bool(const job_event&)> on_event) = 0;
};

} // namespace berth

#include "runtime/job_events.hpp"

#include <utility>

namespace berth {

job_event event_of(const job_transition& t, job_view now,
                   std::string position) {
  job_event e;
  e.position = std::move(position);
  e.change = std::to_string(t.shard.value) + ":" + std::to_string(t.offset)
             + "." + std::to_string(t.number);
  e.at_ms = t.at_ms;
  e.job = std::move(now);
  e.job.status = t.status;
  if (!is_terminal(t.status))
    e.job.stopped_ms = 0;
  return e;
}

} // namespace berth

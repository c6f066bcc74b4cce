#include "messages/responses.hpp"

namespace berth {

const char* to_string(wait_reason r) {
  switch (r) {
  case wait_reason::none:
    return "none";
  case wait_reason::finished:
    return "finished";
  case wait_reason::placed:
    return "placed";
  case wait_reason::dependencies:
    return "dependencies";
  case wait_reason::behind_in_queue:
    return "behind_in_queue";
  case wait_reason::no_room:
    return "no_room";
  case wait_reason::never_fits:
    return "never_fits";
  case wait_reason::environments_disabled:
    return "environments_disabled";
  case wait_reason::no_agents:
    return "no_agents";
  case wait_reason::higher_priority:
    return "higher_priority";
  case wait_reason::reserved_for_older:
    return "reserved_for_older";
  case wait_reason::children:
    return "children";
  }
  // A reason of a newer version may arrive over the wire.
  return "other";
}

} // namespace berth

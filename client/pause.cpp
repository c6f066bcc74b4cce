#include "client/pause.hpp"

#include <poll.h>
#include <unistd.h>

namespace berth {

bool pause_while_read(std::chrono::milliseconds how_long) {
  // Only errors are waited for: a pipe whose reader has gone is one.
  pollfd reader{STDOUT_FILENO, 0, 0};
  auto changed = poll(&reader, 1, static_cast<int>(how_long.count()));
  return changed <= 0 || (reader.revents & POLLERR) == 0;
}

} // namespace berth

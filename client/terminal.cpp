#include "client/terminal.hpp"

#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace berth {

terminal terminal_of(int file_descriptor) {
  terminal t;
  t.is_terminal = isatty(file_descriptor) == 1;
  if (!t.is_terminal)
    return t;
  winsize size{};
  bool is_known = ioctl(file_descriptor, TIOCGWINSZ, &size) == 0;
  t.width = is_known && size.ws_col > 0 ? size.ws_col : 80;
  t.height = is_known && size.ws_row > 0 ? size.ws_row : 24;
  const auto* no_color = std::getenv("NO_COLOR");
  t.colours = no_color == nullptr || *no_color == '\0';
  return t;
}

} // namespace berth

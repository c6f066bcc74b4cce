// What an output of this process can show.
#pragma once

#include <cstddef>

namespace berth {

struct terminal {
  bool is_terminal = false;
  /// Columns; 0 = any, since it is no terminal.
  std::size_t width = 0;
  std::size_t height = 0;
  /// Only on a terminal, and not when NO_COLOR is set.
  bool colours = false;
};

terminal terminal_of(int file_descriptor);

} // namespace berth

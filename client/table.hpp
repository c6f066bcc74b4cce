// Tables that fit a terminal. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace berth {

enum class column_side : uint8_t { left, right };

struct table_column {
  std::string title;
  column_side side = column_side::left;
  /// Its cells may be cut where the table is too wide; others are shown whole
  /// or, with their column, not at all.
  bool shrinks = false;
  /// Where cutting is not enough, columns of the lowest rank are left out
  /// first; of equal ones the rightmost. The first column always stays.
  int rank = 0;
};

/// Every row has a cell per column.
struct table {
  std::vector<table_column> columns;
  std::vector<std::vector<std::string>> rows;
};

/// No cell is cut below this.
constexpr std::size_t column_width_min = 8;

/// Title line and rows, each with its line feed, no blanks at the ends. No
/// line is wider than `width` columns; 0 = any width will do. Control
/// characters in cells are not passed on.
std::string print_table(const table& what, std::size_t width);

} // namespace berth

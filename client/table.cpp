#include "client/table.hpp"

#include "client/display_text.hpp"
#include "messages/assert.hpp"

#include <algorithm>

namespace berth {

namespace {

constexpr std::size_t gap = 2;

struct laid_out_column {
  std::size_t index = 0;
  std::size_t width = 0;
};

using layout = std::vector<laid_out_column>;

std::size_t total_width(const layout& columns) {
  auto total = columns.empty() ? 0 : gap * (columns.size() - 1);
  for (const auto& column : columns)
    total += column.width;
  return total;
}

layout natural_layout(const table& what) {
  layout columns;
  for (std::size_t i = 0; i < what.columns.size(); ++i) {
    auto width = display_width(what.columns[i].title);
    for (const auto& row : what.rows)
      width = std::max(width, display_width(row[i]));
    columns.push_back({i, width});
  }
  return columns;
}

/// Takes width from the widest that may shrink; false when none can.
bool shrink(const table& what, layout& columns, std::size_t too_wide) {
  laid_out_column* widest = nullptr;
  for (auto& column : columns)
    if (what.columns[column.index].shrinks && column.width > column_width_min
        && (widest == nullptr || column.width > widest->width))
      widest = &column;
  if (widest == nullptr)
    return false;
  // A column at a time, so that two wide ones end up alike.
  std::size_t second = column_width_min;
  for (const auto& column : columns)
    if (what.columns[column.index].shrinks && column.width < widest->width)
      second = std::max(second, column.width);
  auto step = std::max<std::size_t>(widest->width - second, 1);
  widest->width -= std::min(step, too_wide);
  return true;
}

bool leave_one_out(const table& what, layout& columns) {
  if (columns.size() < 2)
    return false;
  auto least = columns.begin() + 1;
  for (auto c = least; c != columns.end(); ++c)
    if (what.columns[c->index].rank <= what.columns[least->index].rank)
      least = c;
  columns.erase(least);
  return true;
}

layout fit(const table& what, std::size_t width) {
  auto natural = natural_layout(what);
  auto columns = natural;
  if (width == 0)
    return columns;
  while (total_width(columns) > width) {
    if (shrink(what, columns, total_width(columns) - width))
      continue;
    if (!leave_one_out(what, columns)) {
      columns.front().width = width;
      return columns;
    }
    // What was cut may fit now.
    for (auto& column : columns)
      column.width = natural[column.index].width;
  }
  return columns;
}

template <class Cell>
void print_line(std::string& out, const table& what, const layout& columns,
                const Cell& cell) {
  std::string line;
  for (const auto& column : columns) {
    auto text = cut_to_width(printable(cell(column.index)), column.width);
    auto blanks = column.width - display_width(text);
    if (&column != &columns.front())
      line.append(gap, ' ');
    if (what.columns[column.index].side == column_side::right)
      line.append(blanks, ' ');
    line += text;
    if (what.columns[column.index].side == column_side::left)
      line.append(blanks, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

} // namespace

std::string print_table(const table& what, std::size_t width) {
  for (const auto& row : what.rows)
    BERTH_ASSERT(row.size() == what.columns.size(),
                 "a row has a cell for each column");
  std::string out;
  if (what.columns.empty())
    return out;
  auto columns = fit(what, width);
  print_line(out, what, columns,
             [&](std::size_t i) { return what.columns[i].title; });
  for (const auto& row : what.rows)
    print_line(out, what, columns, [&](std::size_t i) { return row[i]; });
  return out;
}

} // namespace berth

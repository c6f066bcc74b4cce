// Output of attempts in memory, with positions that are not consecutive, as
// those of a file.
#pragma once

#include "messages/output_source.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace berth {

class memory_output : public output_source {
public:
  void print(const attempt_id& attempt, int64_t at_ms, std::string text) {
    auto& lines = lines_[attempt];
    auto position = lines.empty()
                        ? 8
                        : lines.back().position + 20
                              + static_cast<int64_t>(lines.back().text.size());
    lines.push_back({at_ms, position, std::move(text)});
  }

  std::vector<printed_attempt> attempts(size_t limit) override {
    ++listings;
    std::vector<printed_attempt> found;
    for (const auto& [attempt, lines] : lines_)
      found.push_back({attempt, lines.back().at_ms, end_of(lines)});
    std::sort(found.begin(), found.end(),
              [](auto& a, auto& b) { return a.changed_ms > b.changed_ms; });
    if (found.size() > limit)
      found.resize(limit);
    return found;
  }

  printed_lines read(const attempt_id& attempt, int64_t from,
                     const printed_lines_limits& limits) override {
    ++reads;
    const auto& lines = lines_[attempt];
    printed_lines page;
    page.begin = page.end = std::max<int64_t>(from, 0);
    size_t bytes = 0;
    for (const auto& line : lines) {
      if (line.position < from)
        continue;
      if (page.lines.size() >= limits.lines_max
          || (!page.lines.empty() && bytes >= limits.bytes_max)) {
        page.is_at_end = false;
        break;
      }
      bytes += line.text.size();
      page.end = line.position + 20 + static_cast<int64_t>(line.text.size());
      page.lines.push_back(line);
    }
    return page;
  }

  printed_lines read_before(const attempt_id& attempt, int64_t before,
                            const printed_lines_limits& limits) override {
    ++reads;
    const auto& lines = lines_[attempt];
    printed_lines page;
    page.begin = page.end = before < 0 ? end_of(lines) : before;
    size_t bytes = 0;
    for (auto it = lines.rbegin(); it != lines.rend(); ++it) {
      if (it->position >= page.end)
        continue;
      if (page.lines.size() >= limits.lines_max
          || (!page.lines.empty() && bytes >= limits.bytes_max)) {
        page.is_at_end = false;
        break;
      }
      bytes += it->text.size();
      page.begin = it->position;
      page.lines.insert(page.lines.begin(), *it);
    }
    return page;
  }

  size_t listings = 0;
  size_t reads = 0;

private:
  static int64_t end_of(const std::vector<printed_line>& lines) {
    if (lines.empty())
      return 0;
    return lines.back().position + 20
           + static_cast<int64_t>(lines.back().text.size());
  }

  std::map<attempt_id, std::vector<printed_line>> lines_;
};

} // namespace berth

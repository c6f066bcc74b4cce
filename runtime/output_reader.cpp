#include "runtime/output_reader.hpp"

#include "runtime/file_descriptor.hpp"

#include <algorithm>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr auto first_position = static_cast<int64_t>(output_magic.size());
/// Read at a time; holds any record.
constexpr size_t window_bytes = 256 * 1024;

struct head {
  output_kind kind;
  int64_t length;
};

std::optional<head> parse_head(const char* at) {
  auto value = static_cast<uint32_t>(read_little_endian(at, output_head_bytes));
  head h{static_cast<output_kind>(value >> 28), value & 0x0fffffff};
  if (h.kind > output_kind::end
      || h.length > static_cast<int64_t>(output_line_bytes_max))
    return std::nullopt;
  return h;
}

/// A file seen through a window.
class record_file {
public:
  explicit record_file(const std::string& path)
      : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat s;
    if (file_ && fstat(file_.get(), &s) == 0)
      size_ = s.st_size;
  }
  int64_t size() const { return size_; }

  /// The bytes at a position, or nullptr when the file has fewer.
  const char* at(int64_t position, size_t count, bool backwards) {
    if (position < 0 || position + static_cast<int64_t>(count) > size_)
      return nullptr;
    if (!holds(position, count)) {
      auto begin = position;
      if (backwards)
        begin = std::max<int64_t>(0, position + static_cast<int64_t>(count)
                                         - static_cast<int64_t>(window_bytes));
      window_.resize(window_bytes);
      auto n = pread(file_.get(), window_.data(), window_.size(), begin);
      window_.resize(n < 0 ? 0 : static_cast<size_t>(n));
      begin_ = begin;
      if (!holds(position, count))
        return nullptr;
    }
    return window_.data() + (position - begin_);
  }

private:
  bool holds(int64_t position, size_t count) const {
    return position >= begin_
           && position + static_cast<int64_t>(count)
                  <= begin_ + static_cast<int64_t>(window_.size());
  }
  file_descriptor file_;
  int64_t size_ = 0;
  int64_t begin_ = 0;
  std::string window_;
};

int64_t record_bytes(const head& h) {
  return h.length + static_cast<int64_t>(output_record_overhead);
}

/// The whole record at a position, or nothing.
std::optional<head> record_at(record_file& file, int64_t position,
                              bool backwards) {
  const char* first = file.at(position, output_head_bytes, backwards);
  if (!first)
    return std::nullopt;
  auto h = parse_head(first);
  if (!h)
    return std::nullopt;
  const char* all =
      file.at(position, static_cast<size_t>(record_bytes(*h)), backwards);
  if (!all)
    return std::nullopt;
  auto last = parse_head(all + record_bytes(*h) - output_head_bytes);
  if (!last || last->kind != h->kind || last->length != h->length)
    return std::nullopt;
  return h;
}

output_event event_at(record_file& file, int64_t position, const head& h,
                      bool backwards) {
  const char* all =
      file.at(position, static_cast<size_t>(record_bytes(h)), backwards);
  output_event event;
  event.kind = h.kind;
  event.time_ms =
      static_cast<int64_t>(read_little_endian(all + output_head_bytes, 8));
  event.text.assign(all + output_head_bytes + 8, static_cast<size_t>(h.length));
  return event;
}

bool has_room(const output_page& page, size_t bytes,
              const output_page_limits& limits) {
  return page.events.size() < limits.events_max
         && (page.events.empty() || bytes <= limits.bytes_max);
}

/// Where the last whole record ends. The tail may be torn, so when the end of
/// the file is not the end of a record it is found from the front.
int64_t end_of_records(record_file& file) {
  auto position = first_position;
  while (auto h = record_at(file, position, false))
    position += record_bytes(*h);
  return position;
}

/// The record that ends at a position.
std::optional<std::pair<int64_t, head>> record_before(record_file& file,
                                                      int64_t position) {
  const char* last =
      file.at(position - output_head_bytes, output_head_bytes, true);
  if (!last || position <= first_position)
    return std::nullopt;
  auto h = parse_head(last);
  if (!h)
    return std::nullopt;
  auto begin = position - record_bytes(*h);
  if (begin < first_position)
    return std::nullopt;
  auto found = record_at(file, begin, true);
  if (!found || found->length != h->length)
    return std::nullopt;
  return std::pair{begin, *found};
}

} // namespace

output_page read_output(const std::string& path, int64_t from,
                        const output_page_limits& limits) {
  record_file file{path};
  output_page page;
  page.begin = page.end = std::max(from, first_position);
  size_t bytes = 0;
  while (auto h = record_at(file, page.end, false)) {
    if (h->kind == output_kind::end) {
      page.is_complete = true;
      break;
    }
    bytes += static_cast<size_t>(h->length);
    if (!has_room(page, bytes, limits))
      return page;
    page.events.push_back(event_at(file, page.end, *h, false));
    page.end += record_bytes(*h);
  }
  page.is_at_end = true;
  return page;
}

output_page read_output_before(const std::string& path, int64_t before,
                               const output_page_limits& limits) {
  record_file file{path};
  output_page page;
  auto start = before < 0 ? file.size() : std::max(before, first_position);
  if (before < 0 && start > first_position && !record_before(file, start))
    start = end_of_records(file);
  page.begin = page.end = std::max(start, first_position);
  size_t bytes = 0;
  while (auto record = record_before(file, page.begin)) {
    const auto& [position, h] = *record;
    if (h.kind == output_kind::end) {
      page.is_complete = true;
      page.begin = page.end = position;
      continue;
    }
    bytes += static_cast<size_t>(h.length);
    if (!has_room(page, bytes, limits)) {
      std::reverse(page.events.begin(), page.events.end());
      return page;
    }
    page.events.push_back(event_at(file, position, h, true));
    page.begin = position;
  }
  std::reverse(page.events.begin(), page.events.end());
  page.is_at_end = true;
  return page;
}

bool is_complete_output(const std::string& path) {
  record_file file{path};
  auto last = record_before(file, file.size());
  return last && last->second.kind == output_kind::end;
}

} // namespace berth

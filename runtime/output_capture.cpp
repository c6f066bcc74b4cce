#include "runtime/output_capture.hpp"

#include "runtime/output_format.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {

/// Bytes at the end that begin a character of UTF-8 and do not end it.
size_t unfinished_character_bytes(std::string_view text) {
  constexpr size_t character_bytes_max = 4;
  for (size_t n = 1; n < character_bytes_max && n <= text.size(); ++n) {
    auto byte = static_cast<uint8_t>(text[text.size() - n]);
    if ((byte & 0xc0) == 0x80)
      continue;
    size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > n ? n : 0;
  }
  return 0;
}

} // namespace

bool output_capture::open() {
  if (file_)
    return true;
  // O_EXCL: an attempt starts at most once, so nobody has written it before.
  auto flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC;
  int fd = ::open(path_.c_str(), flags, 0644);
  if (fd < 0 && errno == ENOENT) {
    mkdir(path_.substr(0, path_.rfind('/')).c_str(), 0755);
    fd = ::open(path_.c_str(), flags, 0644);
  }
  if (fd < 0) {
    problem_ = "cannot create " + path_ + ": " + strerror(errno);
    return false;
  }
  file_ = file_descriptor{fd};
  pending_.insert(0, output_magic);
  return true;
}

void output_capture::add_line(std::string_view text, int64_t wall_ms) {
  if (is_cut_)
    return;
  auto size = static_cast<int64_t>(text.size() + output_record_overhead);
  if (bytes_ + size > bytes_max_) {
    is_cut_ = true;
    append_output_record(pending_, output_kind::cut, wall_ms,
                         "berth: output cut here, at the limit of "
                             + std::to_string(bytes_max_)
                             + " bytes per attempt");
    return;
  }
  bytes_ += size;
  append_output_record(pending_, output_kind::line, wall_ms, text);
}

void output_capture::take(std::string_view bytes, int64_t wall_ms) {
  while (!bytes.empty() && !is_cut_) {
    auto end = bytes.find('\n');
    bool is_whole = end != std::string_view::npos;
    auto part = bytes.substr(0, end);
    auto room = output_line_bytes_max - line_.size();
    if (part.size() > room) {
      line_ += part.substr(0, room);
      bytes.remove_prefix(room);
      add_line(line_, wall_ms);
      line_.clear();
      continue;
    }
    bytes.remove_prefix(part.size() + (is_whole ? 1 : 0));
    if (!is_whole) {
      line_ += part;
    } else if (line_.empty() && !has_begun_) {
      add_line(part, wall_ms);
    } else {
      line_ += part;
      if (!line_.empty())
        add_line(line_, wall_ms);
      line_.clear();
      has_begun_ = false;
    }
  }
  write_pending();
}

void output_capture::write_partial_line(int64_t wall_ms) {
  auto whole = line_.size() - unfinished_character_bytes(line_);
  if (whole == 0)
    return;
  add_line(std::string_view{line_}.substr(0, whole), wall_ms);
  line_.erase(0, whole);
  has_begun_ = true;
  write_pending();
}

void output_capture::finish(int64_t wall_ms) {
  if (!line_.empty())
    add_line(std::exchange(line_, {}), wall_ms);
  if (file_ || !pending_.empty())
    append_output_record(pending_, output_kind::end, wall_ms, {});
  write_pending();
  file_.reset();
}

void output_capture::write_pending() {
  if (pending_.empty())
    return;
  if (!problem_.empty() || !open()) {
    is_cut_ = true;
    pending_.clear();
    return;
  }
  size_t done = 0;
  while (done < pending_.size()) {
    auto n =
        ::write(file_.get(), pending_.data() + done, pending_.size() - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      problem_ = "cannot write " + path_ + ": " + strerror(errno);
      is_cut_ = true;
      break;
    }
    done += static_cast<size_t>(n);
  }
  pending_.clear();
}

} // namespace berth

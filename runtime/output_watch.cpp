#include "runtime/output_watch.hpp"

#include "runtime/attempt_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/inotify.h>
#include <sys/stat.h>

namespace berth {

namespace {

namespace fs = std::filesystem;

constexpr size_t read_bytes = 64 * 1024;

void tell_files(const fs::path& folder, const output_watch::on_grown& tell) {
  std::error_code error;
  for (const auto& file : fs::directory_iterator(folder, error))
    if (auto attempt = parse_output_file_name(file.path().filename().string()))
      tell(*attempt);
}

} // namespace

output_watch::output_watch(const std::string& data_folder)
    : output_(data_folder + "/output"),
      notices_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  mkdir(output_.c_str(), 0755);
  if (notices_)
    root_ = inotify_add_watch(notices_.get(), output_.c_str(), IN_CREATE);
  if (root_ < 0) {
    problem_ = "cannot watch " + output_ + ": " + strerror(errno)
               + " (see the limits in /proc/sys/fs/inotify)";
    notices_.reset();
  }
}

void output_watch::watch_part(const std::string& name, const on_grown& tell) {
  auto path = output_ + "/" + name;
  auto is_known = std::any_of(parts_.begin(), parts_.end(),
                              [&](const auto& p) { return p.second == name; });
  if (notices_ && !is_known) {
    auto number = inotify_add_watch(notices_.get(), path.c_str(),
                                    IN_CREATE | IN_MODIFY | IN_ONLYDIR);
    if (number >= 0)
      parts_[number] = name;
    else if (errno == ENOSPC)
      problem_ = "cannot watch " + path + ": " + strerror(errno)
                 + " (see the limits in /proc/sys/fs/inotify)";
  }
  // Behind the watch: nothing is missed.
  tell_files(path, tell);
}

void output_watch::scan(const on_grown& tell) {
  std::error_code error;
  for (const auto& part : fs::directory_iterator(output_, error))
    if (part.is_directory(error))
      watch_part(part.path().filename().string(), tell);
}

void output_watch::read(const on_grown& tell) {
  alignas(inotify_event) std::array<char, read_bytes> buffer;
  for (;;) {
    auto n = ::read(notices_.get(), buffer.data(), buffer.size());
    if (n <= 0)
      return;
    for (const char* at = buffer.data(); at < buffer.data() + n;) {
      const auto& notice = *reinterpret_cast<const inotify_event*>(at);
      at += sizeof notice + notice.len;
      if ((notice.mask & IN_Q_OVERFLOW) != 0) {
        scan(tell);
      } else if (notice.wd == root_) {
        if ((notice.mask & IN_ISDIR) != 0)
          watch_part(notice.name, tell);
      } else if (notice.len != 0) {
        if (auto attempt = parse_output_file_name(notice.name))
          tell(*attempt);
      }
    }
  }
}

} // namespace berth

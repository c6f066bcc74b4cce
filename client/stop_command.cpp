#include "client/client_failure.hpp"
#include "client/commands.hpp"
#include "client/endpoint.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <sys/file.h>
#include <unistd.h>

namespace berth {

namespace {

class lock_file {
public:
  explicit lock_file(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~lock_file() {
    if (fd_ >= 0)
      close(fd_);
  }
  lock_file(const lock_file&) = delete;
  lock_file& operator=(const lock_file&) = delete;

  bool is_open() const { return fd_ >= 0; }
  /// Shared, since a lock that only looks must not keep a server out for long.
  bool try_lock() const { return flock(fd_, LOCK_SH | LOCK_NB) == 0; }
  bool wait() const {
    while (flock(fd_, LOCK_SH) != 0)
      if (errno != EINTR)
        return false;
    return true;
  }

private:
  int fd_;
};

std::optional<pid_t> parse_pid(const std::string& text) {
  pid_t pid = 0;
  auto [rest, error] =
      std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc{} || pid <= 1)
    return std::nullopt;
  return pid;
}

[[noreturn]] void fail_without_server(const std::string& folder) {
  throw client_failure(exit_status::unreachable,
                       "no server runs on " + folder
                           + "; nothing to stop. Another folder is named with "
                             "--data or BERTH_DATA");
}

} // namespace

int stop_server(command_context& context) {
  const auto& folder = context.data_folder();
  auto path = folder + "/lock";
  lock_file lock{path};
  if (!lock.is_open() || lock.try_lock())
    fail_without_server(folder);
  auto pid = parse_pid(read_small_file(path).value_or(""));
  if (!pid)
    throw client_failure(exit_status::failed,
                         path
                             + " is held, but names no process; find it with "
                               "`fuser "
                             + path + "`");
  if (kill(*pid, SIGUSR2) != 0) {
    if (errno == ESRCH)
      fail_without_server(folder);
    throw client_failure(exit_status::failed,
                         "cannot stop process " + std::to_string(*pid) + ": "
                             + std::strerror(errno)
                             + "; it may belong to another user");
  }
  if (!context.wants_json())
    context.messages() << "Ending process " << *pid << " and its jobs ...\n";
  if (!lock.wait())
    throw client_failure(exit_status::failed, "cannot wait for " + path + ": "
                                                  + std::strerror(errno));
  if (context.wants_json())
    context.print({{"pid", *pid}, {"stopped", true}});
  else
    context.out() << "Stopped.\n";
  return exit_status::done;
}

} // namespace berth

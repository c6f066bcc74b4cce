// Why a command cannot go on. Thrown within client/ only: `run_command` turns
// it into a message and an exit status.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace berth {

/// Exit statuses of the commands.
namespace exit_status {
constexpr int done = 0;
/// The job failed, or the server refused.
constexpr int failed = 1;
/// The command line is wrong.
constexpr int usage = 2;
/// No server answers.
constexpr int unreachable = 3;
} // namespace exit_status

class client_failure : public std::runtime_error {
public:
  client_failure(int status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  int status() const { return status_; }

private:
  int status_;
};

/// The server understood the call and refused it.
class call_refused : public client_failure {
public:
  call_refused(int http_status, const std::string& message)
      : client_failure(exit_status::failed, message),
        http_status_(http_status) {}
  int http_status() const { return http_status_; }

private:
  int http_status_;
};

} // namespace berth

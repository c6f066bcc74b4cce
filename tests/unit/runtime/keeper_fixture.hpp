// A keeper in a temporary folder and an agent that talks to it.
#pragma once

#include "actors/keeper_machine.hpp"
#include "runtime/keeper.hpp"
#include "runtime/keeper_client.hpp"
#include "tests/support/temporary_folder.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace berth {

class keeper_fixture {
public:
  keeper_fixture();
  /// Ends the keeper and its jobs.
  ~keeper_fixture();

  /// Change before `start`.
  keeper_options options;
  bool acknowledges = true;

  /// Starts a keeper in a process of its own, connects and opens a session with
  /// a lease that never lapses.
  void start();
  int start_keeper_only();
  void connect();
  void disconnect();
  void open_session();
  /// SIGKILL to the keeper; returns when it is gone.
  void kill_keeper();
  pid_t keeper_pid() const;

  std::string folder() const { return folder_.path().string(); }
  std::string path(const std::string& name) const {
    return folder() + '/' + name;
  }

  /// A job with that command, one vCPU and 256 MiB.
  start_attempt job(std::vector<std::string> command);
  start_attempt shell(const std::string& script) {
    return job({"/bin/sh", "-c", script});
  }
  void send(const keeper_request& request);
  attempt_id submit(const start_attempt& start);
  void stop(const attempt_id& attempt);

  /// All of these wait, at most 30 s, and fail the test beyond.
  attempt_ended_report wait_for_end(const attempt_id& attempt);
  attempt_started_report wait_for_start(const attempt_id& attempt);
  attempt_ended_report run(const start_attempt& start) {
    return wait_for_end(submit(start));
  }
  void wait_for_loss();
  void wait_for_file(const std::string& path);
  void wait_until(const std::string& what, const std::function<bool()>& holds);

  /// The lines an attempt printed, without markers.
  std::vector<std::string> lines(const attempt_id& attempt) const;

  keeper_hello hello;
  keeper_session session;
  size_t reports_received = 0;

private:
  void take(keeper_event event);
  template <class T, class Find>
  T wait_for(const char* what, Find find);

  temporary_folder folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<keeper_client> client_;
  std::map<attempt_id, attempt_started_report> starts_;
  std::map<attempt_id, attempt_ended_report> ends_;
  std::optional<keeper_session> told_session_;
  std::optional<keeper_hello> told_hello_;
  bool is_lost_ = false;
  uint64_t dispatched_ = 0;
  uint32_t jobs_ = 0;
};

/// Whether a process with this id exists and is no zombie.
bool is_alive(pid_t pid);
std::string read_text(const std::string& path);

/// Copies of a start with something more.
start_attempt with_timeout(start_attempt start, int64_t ms);
start_attempt with_variable(start_attempt start, const std::string& name,
                            const std::string& value);
start_attempt with_user(start_attempt start, const std::string& user);
start_attempt with_ulimit(start_attempt start, const ulimit& limit);
/// The container reason of a start that failed.
std::string could_not_start(const std::string& why);
/// How many living processes, in any PID namespace below this one, have this
/// in their command line. Their own ids mean nothing outside of the keeper's
/// namespace.
size_t count_processes_with(const std::string& argument);

} // namespace berth

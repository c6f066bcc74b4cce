#include "tests/unit/runtime/keeper_fixture.hpp"

#include "runtime/attempt_files.hpp"
#include "runtime/output_reader.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr auto patience = std::chrono::seconds(30);
const agent_id the_agent{environment_uid{7}, "local"};
constexpr shard_id the_source{3};

} // namespace

std::string read_text(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

bool is_alive(pid_t pid) {
  auto stat = read_text("/proc/" + std::to_string(pid) + "/stat");
  auto name_end = stat.rfind(')');
  return name_end != std::string::npos && stat[name_end + 2] != 'Z'
         && stat[name_end + 2] != 'X';
}

keeper_fixture::keeper_fixture() {
  options.data_folder = folder();
  options.stop_grace_ms = 300;
}

keeper_fixture::~keeper_fixture() {
  auto pid = keeper_pid();
  if (client_) {
    client_->send(keeper_shut_down{});
    client_->send(keeper_shut_down{});
    std::unique_lock hold{mutex_};
    changed_.wait_for(hold, patience, [this] { return is_lost_; });
  }
  disconnect();
  if (pid > 0 && is_alive(pid))
    ::kill(pid, SIGTERM);
}

pid_t keeper_fixture::keeper_pid() const {
  return std::atoi(read_text(path("keeper.pid")).c_str());
}

int keeper_fixture::start_keeper_only() {
  auto child = fork();
  if (child == 0) {
    int log =
        open(path("keeper.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(log, 2);
    _exit(run_keeper(options));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void keeper_fixture::start() {
  auto status = start_keeper_only();
  INFO(read_text(path("keeper.log")));
  REQUIRE(status == 0);
  connect();
  open_session();
}

void keeper_fixture::connect() {
  disconnect();
  is_lost_ = false;
  told_hello_.reset();
  std::string error;
  auto made = keeper_client::open_existing(
      folder(), [this](keeper_event e) { take(std::move(e)); },
      [this](const std::string&) {
        std::lock_guard hold{mutex_};
        is_lost_ = true;
        changed_.notify_all();
      },
      error);
  INFO(error);
  REQUIRE(made);
  {
    std::lock_guard hold{mutex_};
    client_ = std::move(made);
  }
  hello = wait_for<keeper_hello>("hello", [this] { return told_hello_; });
}

/// The client's thread may be about to use it.
void keeper_fixture::disconnect() {
  std::unique_ptr<keeper_client> gone;
  std::lock_guard hold{mutex_};
  gone.swap(client_);
}

void keeper_fixture::open_session() {
  told_session_.reset();
  send(keeper_open_session{the_agent});
  session =
      wait_for<keeper_session>("a session", [this] { return told_session_; });
  dispatched_ = session.last_taken[the_source.value];
  send(keeper_lease{the_agent, session.session, 0});
}

void keeper_fixture::kill_keeper() {
  auto pid = keeper_pid();
  REQUIRE(pid > 0);
  int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  REQUIRE(process >= 0);
  REQUIRE(::kill(pid, SIGKILL) == 0);
  pollfd p{process, POLLIN, 0};
  REQUIRE(poll(&p, 1, 30'000) == 1);
  close(process);
}

start_attempt keeper_fixture::job(std::vector<std::string> command) {
  auto spec = std::make_shared<job_spec>();
  spec->name = "job";
  spec->container.command = std::move(command);
  spec->container.needs = {1000, 256, {}};
  start_attempt start;
  std::array<uint8_t, 16> hash{};
  hash[0] = static_cast<uint8_t>(++jobs_);
  hash[1] = static_cast<uint8_t>(jobs_ >> 8);
  start.attempt = {{make_job_id(hash, the_source), no_index}, 1};
  start.queue_name = "queue";
  start.environment_name = "environment";
  start.spec = spec;
  return start;
}

void keeper_fixture::send(const keeper_request& request) {
  REQUIRE(client_->send(request));
}

attempt_id keeper_fixture::submit(const start_attempt& start) {
  send(keeper_dispatch{
      {the_source, the_agent, session.session, ++dispatched_, start}});
  return start.attempt;
}

void keeper_fixture::stop(const attempt_id& attempt) {
  send(keeper_dispatch{{the_source, the_agent, session.session, ++dispatched_,
                        stop_attempt{attempt}}});
}

void keeper_fixture::take(keeper_event event) {
  std::lock_guard hold{mutex_};
  if (auto* h = std::get_if<keeper_hello>(&event))
    told_hello_ = *h;
  else if (auto* s = std::get_if<keeper_session>(&event))
    told_session_ = *s;
  else if (auto* r = std::get_if<keeper_reports>(&event)) {
    for (const auto& report : r->reports) {
      ++reports_received;
      if (auto* started = std::get_if<attempt_started_report>(&report.body))
        starts_[started->attempt] = *started;
      else if (auto* end = std::get_if<attempt_ended_report>(&report.body))
        ends_[end->attempt] = *end;
    }
    if (acknowledges && client_)
      client_->send(keeper_reports_acknowledged{
          r->agent, r->session, r->destination, r->reports.back().number});
  }
  changed_.notify_all();
}

template <class T, class Find>
T keeper_fixture::wait_for(const char* what, Find find) {
  std::unique_lock hold{mutex_};
  std::optional<T> found;
  changed_.wait_for(hold, patience,
                    [&] { return (found = find()).has_value(); });
  INFO("waiting for " << what << "; the keeper's log says: "
                      << read_text(path("keeper.log")));
  REQUIRE(found.has_value());
  return *found;
}

attempt_ended_report keeper_fixture::wait_for_end(const attempt_id& attempt) {
  return wait_for<attempt_ended_report>(
      "the end of an attempt", [&]() -> std::optional<attempt_ended_report> {
        auto found = ends_.find(attempt);
        if (found == ends_.end())
          return std::nullopt;
        return found->second;
      });
}

attempt_started_report
keeper_fixture::wait_for_start(const attempt_id& attempt) {
  return wait_for<attempt_started_report>(
      "the start of an attempt",
      [&]() -> std::optional<attempt_started_report> {
        auto found = starts_.find(attempt);
        if (found == starts_.end())
          return std::nullopt;
        return found->second;
      });
}

void keeper_fixture::wait_for_loss() {
  std::unique_lock hold{mutex_};
  REQUIRE(changed_.wait_for(hold, patience, [this] { return is_lost_; }));
}

void keeper_fixture::wait_until(const std::string& what,
                                const std::function<bool()>& holds) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  INFO("waiting for " << what);
  while (!holds()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    poll(nullptr, 0, 2);
  }
}

void keeper_fixture::wait_for_file(const std::string& path) {
  wait_until(path, [&] { return !read_text(path).empty(); });
}

std::vector<std::string>
keeper_fixture::lines(const attempt_id& attempt) const {
  std::vector<std::string> found;
  auto page = read_output(output_file_path(folder(), attempt), 0,
                          {1'000'000, 100'000'000});
  for (const auto& event : page.events)
    if (event.kind == output_kind::line)
      found.push_back(event.text);
  return found;
}

start_attempt with_timeout(start_attempt start, int64_t ms) {
  auto spec = std::make_shared<job_spec>(*start.spec);
  spec->timeout_ms = ms;
  start.spec = spec;
  return start;
}

start_attempt with_variable(start_attempt start, const std::string& name,
                            const std::string& value) {
  auto spec = std::make_shared<job_spec>(*start.spec);
  spec->container.environment.push_back({name, value});
  start.spec = spec;
  return start;
}

start_attempt with_user(start_attempt start, const std::string& user) {
  auto spec = std::make_shared<job_spec>(*start.spec);
  spec->container.user = user;
  start.spec = spec;
  return start;
}

start_attempt with_ulimit(start_attempt start, const ulimit& limit) {
  auto spec = std::make_shared<job_spec>(*start.spec);
  spec->container.ulimits.push_back(limit);
  start.spec = spec;
  return start;
}

std::string could_not_start(const std::string& why) {
  std::string quoted;
  for (char c : why)
    quoted += c == '"' ? "\\\"" : std::string(1, c);
  return "CannotStartContainerError: Error response from daemon: OCI runtime "
         "create failed: container_linux.go:348: starting container process "
         "caused \""
         + quoted + "\": unknown";
}

size_t count_processes_with(const std::string& argument) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos)
      continue;
    auto line = read_text("/proc/" + name + "/cmdline");
    if (line.find(argument) != std::string::npos && is_alive(std::stoi(name)))
      ++count;
  }
  return count;
}

} // namespace berth

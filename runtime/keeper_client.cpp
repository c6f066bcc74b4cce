#include "runtime/keeper_client.hpp"

#include "messages/codec.hpp"
#include "runtime/file_descriptor.hpp"
#include "runtime/keeper.hpp"
#include "runtime/keeper_frames.hpp"
#include "runtime/keeper_socket.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace berth {

namespace {

using steady = std::chrono::steady_clock;

constexpr size_t read_bytes = 256 * 1024;
/// Only while another process starts the keeper, or an old one dies.
constexpr int connect_again_ms = 20;

file_descriptor connect_once(const std::string& folder) {
  file_descriptor folder_fd;
  auto path = keeper_address(folder, folder_fd);
  if (path.empty())
    return {};
  file_descriptor made{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (!made
      || connect(made.get(), reinterpret_cast<sockaddr*>(&address),
                 sizeof address)
             != 0)
    return {};
  fcntl(made.get(), F_SETFL, O_NONBLOCK);
  return made;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (const auto& s : strings)
    list.push_back(const_cast<char*>(s.c_str()));
  list.push_back(nullptr);
  return list;
}

/// The exit status of the start command, or -1.
int start_keeper(const keeper_client_options& options) {
  auto log = options.data_folder + "/keeper.log";
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  auto arguments = pointers(options.start_command);
  pid_t pid = -1;
  int error = posix_spawn(&pid, arguments[0], &files, &attributes,
                          arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    return -1;
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

file_descriptor connect_or_start(const keeper_client_options& options,
                                 std::string& error) {
  auto deadline = steady::now() + std::chrono::milliseconds(options.timeout_ms);
  while (true) {
    auto made = connect_once(options.data_folder);
    if (made)
      return made;
    auto status = start_keeper(options);
    if (status == 0) {
      made = connect_once(options.data_folder);
      if (made)
        return made;
    }
    if (status != 0 && status != keeper_exit_busy
        && status != keeper_exit_died) {
      error = "the keeper of " + options.data_folder
              + " could not be started; its reason is at the end of "
              + options.data_folder + "/keeper.log";
      return {};
    }
    if (steady::now() > deadline) {
      error = "the keeper of " + options.data_folder
              + " does not answer; its pid is in " + options.data_folder
              + "/keeper.pid, its log in " + options.data_folder
              + "/keeper.log";
      return {};
    }
    poll(nullptr, 0, connect_again_ms);
  }
}

} // namespace

struct keeper_client::connection {
  connection(file_descriptor socket, on_event event, on_lost lost)
      : socket(std::move(socket)), wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        event(std::move(event)), lost(std::move(lost)) {}

  ~connection() {
    {
      std::lock_guard hold{mutex};
      is_closing = true;
    }
    rouse();
    if (thread.joinable())
      thread.join();
  }

  void rouse() {
    uint64_t one = 1;
    [[maybe_unused]] auto n = write(wake.get(), &one, sizeof one);
  }

  bool send(const keeper_request& request) {
    auto body = encode(keeper_request_frame{request});
    if (body.size() > keeper_frame_bytes_max)
      return false;
    bool was_empty = false;
    {
      std::lock_guard hold{mutex};
      if (is_lost || outgoing.size() > keeper_requests_bytes_max)
        return false;
      was_empty = outgoing.empty();
      append_frame(outgoing, body);
    }
    if (was_empty)
      rouse();
    return true;
  }

  /// Empty, or why the connection is lost.
  std::string send_waiting() {
    while (true) {
      if (sent == being_sent.size()) {
        being_sent.clear();
        sent = 0;
        std::lock_guard hold{mutex};
        being_sent.swap(outgoing);
      }
      if (being_sent.empty())
        return {};
      auto n = ::send(socket.get(), being_sent.data() + sent,
                      being_sent.size() - sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN)
        return {};
      if (n < 0 && errno != EINTR)
        return strerror(errno);
      if (n > 0)
        sent += static_cast<size_t>(n);
    }
  }

  std::string receive() {
    std::string buffer(read_bytes, '\0');
    auto n = recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return {};
    if (n < 0)
      return strerror(errno);
    if (n == 0)
      return "the keeper closed the connection";
    frames.append({buffer.data(), static_cast<size_t>(n)});
    while (auto frame = frames.next()) {
      auto decoded = decode<keeper_event_frame>(*frame);
      if (!decoded)
        return "the keeper sent a frame that this version cannot read";
      event(std::move(decoded->body));
    }
    return frames.is_damaged() ? "the keeper sent a frame that is too long"
                               : "";
  }

  void run() {
    std::string problem;
    while (problem.empty()) {
      short wanted = POLLIN;
      if (sent < being_sent.size())
        wanted |= POLLOUT;
      pollfd fds[] = {{socket.get(), wanted, 0}, {wake.get(), POLLIN, 0}};
      if (poll(fds, 2, -1) < 0 && errno != EINTR)
        problem = strerror(errno);
      uint64_t count = 0;
      if (fds[1].revents != 0) [[maybe_unused]]
        auto n = read(wake.get(), &count, sizeof count);
      {
        std::lock_guard hold{mutex};
        if (is_closing)
          break;
      }
      if (problem.empty() && (fds[0].revents & ~POLLOUT) != 0)
        problem = receive();
      if (problem.empty())
        problem = send_waiting();
    }
    {
      std::lock_guard hold{mutex};
      is_lost = true;
    }
    if (!problem.empty())
      lost(problem);
    else
      send_waiting(); // What was sent before the end is meant.
  }

  file_descriptor socket;
  file_descriptor wake;
  on_event event;
  on_lost lost;
  frame_reader frames;
  std::string being_sent;
  size_t sent = 0;
  std::mutex mutex;
  std::string outgoing;
  bool is_closing = false;
  bool is_lost = false;
  std::thread thread;
};

keeper_client::keeper_client(std::unique_ptr<connection> c)
    : connection_(std::move(c)) {
  connection_->send(keeper_attach{});
  connection_->thread = std::thread{[c = connection_.get()] { c->run(); }};
}

keeper_client::~keeper_client() = default;

bool keeper_client::send(const keeper_request& request) {
  return connection_->send(request);
}

std::unique_ptr<keeper_client>
keeper_client::open(const keeper_client_options& options, on_event event,
                    on_lost lost, std::string& error) {
  auto socket = connect_or_start(options, error);
  if (!socket)
    return nullptr;
  return std::unique_ptr<keeper_client>{
      new keeper_client{std::make_unique<connection>(
          std::move(socket), std::move(event), std::move(lost))}};
}

std::unique_ptr<keeper_client>
keeper_client::open_existing(const std::string& data_folder, on_event event,
                             on_lost lost, std::string& error) {
  auto socket = connect_once(data_folder);
  if (!socket) {
    error = "no keeper answers in " + data_folder;
    return nullptr;
  }
  return std::unique_ptr<keeper_client>{
      new keeper_client{std::make_unique<connection>(
          std::move(socket), std::move(event), std::move(lost))}};
}

} // namespace berth

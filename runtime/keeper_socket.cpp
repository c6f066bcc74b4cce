#include "runtime/keeper_socket.hpp"

#include "messages/codec.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace berth {

namespace {
constexpr size_t read_bytes = 256 * 1024;
} // namespace

std::string keeper_address(const std::string& folder,
                           file_descriptor& folder_fd) {
  folder_fd =
      file_descriptor{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder_fd)
    return {};
  return "/proc/self/fd/" + std::to_string(folder_fd.get()) + "/keeper.sock";
}

bool keeper_socket::listen(const std::string& folder) {
  file_descriptor folder_fd;
  auto path = keeper_address(folder, folder_fd);
  if (path.empty())
    return false;
  listener_ = file_descriptor{
      socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  unlinkat(folder_fd.get(), "keeper.sock", 0);
  auto mask = umask(077);
  int bound = bind(listener_.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof address);
  umask(mask);
  if (!listener_ || bound != 0 || ::listen(listener_.get(), 8) != 0)
    return false;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = listener_tag_;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_.get(), &event) == 0;
}

bool keeper_socket::accept() {
  file_descriptor made{
      accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!made)
    return false;
  drop();
  connection_ = std::move(made);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = connection_tag_;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, connection_.get(), &event);
  return true;
}

void keeper_socket::drop() {
  connection_.reset();
  frames_ = {};
  outgoing_.clear();
  is_paused_ = false;
  wants_to_write_ = false;
}

void keeper_socket::watch() {
  epoll_event event{};
  event.events = 0;
  if (!is_paused_)
    event.events |= EPOLLIN;
  if (wants_to_write_)
    event.events |= EPOLLOUT;
  event.data.u64 = connection_tag_;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection_.get(), &event);
}

void keeper_socket::pause_reading(bool paused) {
  if (!connection_ || paused == is_paused_)
    return;
  is_paused_ = paused;
  watch();
}

bool keeper_socket::read(const on_request& handle) {
  if (!connection_)
    return false;
  std::string buffer(read_bytes, '\0');
  auto n = recv(connection_.get(), buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (n <= 0)
    return false;
  frames_.append({buffer.data(), static_cast<size_t>(n)});
  while (auto frame = frames_.next()) {
    auto request = decode<keeper_request_frame>(*frame);
    if (!request) {
      std::fprintf(stderr, "berth keeper: the agent sent a frame that this "
                           "version cannot read\n");
      append(keeper_failure{"This keeper cannot read the frame; it is of "
                            "another version of berth than the agent"});
      flush();
      return false;
    }
    handle(request->body);
  }
  return !frames_.is_damaged();
}

void keeper_socket::append(const keeper_event& event) {
  if (connection_)
    append_frame(outgoing_, encode(keeper_event_frame{event}));
}

bool keeper_socket::flush() {
  size_t done = 0;
  while (connection_ && done < outgoing_.size()) {
    auto n = send(connection_.get(), outgoing_.data() + done,
                  outgoing_.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      break;
    if (n < 0)
      return false;
    done += static_cast<size_t>(n);
  }
  outgoing_.erase(0, done);
  if (outgoing_.size() > keeper_outgoing_bytes_max)
    return false;
  if (connection_ && wants_to_write_ == outgoing_.empty()) {
    wants_to_write_ = !outgoing_.empty();
    watch();
  }
  return true;
}

} // namespace berth

// The keeper's side of its Unix socket: one agent at a time.
#pragma once

#include "messages/keeper_protocol.hpp"
#include "runtime/file_descriptor.hpp"
#include "runtime/keeper_frames.hpp"

#include <functional>
#include <string>

namespace berth {

/// Bytes that wait to be read by the agent; an agent so far behind is dropped
/// and told everything again when it is back.
constexpr size_t keeper_outgoing_bytes_max = 64 * 1024 * 1024;

/// `folder/keeper.sock` as an address, also where that path is longer than
/// an address holds: through the folder's descriptor. Empty and errno set on
/// failure; `folder_fd` must outlive the address's use.
std::string keeper_address(const std::string& folder,
                           file_descriptor& folder_fd);

class keeper_socket {
public:
  /// Tags under which `epoll` reports the two descriptors.
  keeper_socket(int epoll, uint64_t listener_tag, uint64_t connection_tag)
      : epoll_(epoll), listener_tag_(listener_tag),
        connection_tag_(connection_tag) {}

  /// False and errno set when it cannot. Only this user may connect.
  bool listen(const std::string& folder);
  /// Takes a new connection; one that was there is closed. False = none came.
  bool accept();
  bool is_connected() const { return static_cast<bool>(connection_); }

  using on_request = std::function<void(const keeper_request&)>;
  /// Reads what is there, up to a limit. False when the connection is over.
  bool read(const on_request& handle);
  /// Stops or resumes reading; what is not read waits in the agent.
  void pause_reading(bool paused);
  void append(const keeper_event& event);
  /// Sends what was appended, as far as the agent takes it. False when the
  /// connection is over.
  bool flush();
  void drop();

private:
  void watch();

  int epoll_;
  uint64_t listener_tag_;
  uint64_t connection_tag_;
  file_descriptor listener_;
  file_descriptor connection_;
  frame_reader frames_;
  std::string outgoing_;
  bool is_paused_ = false;
  bool wants_to_write_ = false;
};

} // namespace berth

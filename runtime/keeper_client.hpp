// The agent's side of the keeper's socket (`messages/keeper_protocol.hpp`).
#pragma once

#include "messages/keeper_protocol.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace berth {

struct keeper_client_options {
  std::string data_folder;
  /// Starts a keeper in the data folder and ends once that answers, as
  /// `berth keeper --data DIR` does; the first is the path of a program. Run in
  /// a session of its own, its output appended to DIR/keeper.log.
  std::vector<std::string> start_command;
  /// For starting it and connecting.
  int timeout_ms = 60'000;
};

/// Requests that the keeper has not read yet; `send` fails beyond.
constexpr size_t keeper_requests_bytes_max = 64 * 1024 * 1024;

/// A connection to the data folder's keeper. It does not reconnect: after
/// `on_lost`, open another one. Destroying it leaves the keeper at work.
class keeper_client {
public:
  /// Called one at a time on a thread of the client's own, which they should
  /// not keep long, and never once the destructor has returned. The client must
  /// not be destroyed in them.
  using on_event = std::function<void(keeper_event)>;
  using on_lost = std::function<void(std::string reason)>;

  /// Connects to the keeper, starting one if none answers, and attaches.
  /// Nothing and `error`, which says what to do, when there can be none.
  static std::unique_ptr<keeper_client>
  open(const keeper_client_options& options, on_event event, on_lost lost,
       std::string& error);
  /// As `open`, but never starts a keeper.
  static std::unique_ptr<keeper_client>
  open_existing(const std::string& data_folder, on_event event, on_lost lost,
                std::string& error);
  ~keeper_client();

  /// Sends in order, from any thread, without waiting. False when the
  /// connection is lost, the keeper is too far behind, or the request is too
  /// large for a frame.
  bool send(const keeper_request& request);

private:
  struct connection;
  explicit keeper_client(std::unique_ptr<connection> c);
  std::unique_ptr<connection> connection_;
};

} // namespace berth

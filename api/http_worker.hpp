// One thread of the HTTP server. Internal to the api/http_*.cpp files, as it
// needs asio.
#pragma once

#include "api/http_server.hpp"
#include "api/http_stream_buffer.hpp"

#include <utility>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace berth {

class http_connection;

/// Something for a connection, on its way to the connection's thread.
struct http_delivery {
  enum class what : uint8_t { reply, stream_begins, stream_moves, stream_cut };
  std::shared_ptr<http_connection> to;
  uint64_t number = 0;
  what kind = what::reply;
  http_response response;
  std::shared_ptr<http_stream_buffer> stream;
};

struct http_shared_counters {
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> open{0};
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> refused{0};
  std::atomic<uint64_t> timed_out{0};
};

inline void count(std::atomic<uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

/// What all connections of a server share. Constant but for the counters.
struct http_server_setup {
  http_server_options options;
  http_handler handler;
  http_shared_counters counters;
};

/// One thread and the connections that live on it.
class http_worker : public std::enable_shared_from_this<http_worker> {
public:
  explicit http_worker(std::shared_ptr<http_server_setup> setup)
      : setup(std::move(setup)), io(1),
        guard_(boost::asio::make_work_guard(io)), sweep_(io) {}

  void start();
  /// Ends the thread; every connection is closed.
  void stop();
  void adopt(boost::asio::ip::tcp::socket socket);
  void forget(http_connection* gone);
  /// Thread-safe. False when stopped: then it was dropped.
  bool deliver(http_delivery item);
  /// The Date header's text for now.
  std::string_view date();

  const std::shared_ptr<http_server_setup> setup;
  boost::asio::io_context io;

private:
  void take_inbox();
  void close_all();
  void sweep_later();
  void sweep();

  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      guard_;
  boost::asio::steady_timer sweep_;
  std::thread thread_;
  std::atomic<std::thread::id> thread_id_{};
  std::unordered_map<http_connection*, std::shared_ptr<http_connection>>
      connections_;
  bool closing_ = false;
  bool sweeping_ = false;
  std::time_t date_second_ = 0;
  std::string date_;

  std::mutex mutex_;
  std::vector<http_delivery> inbox_;
  bool stopped_ = false;
};

} // namespace berth

// One client's connection. Internal to the api/http_*.cpp files, as it needs
// asio.
#pragma once

#include "api/http_parser.hpp"
#include "api/http_worker.hpp"

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace berth {

/// Read from a socket at once.
constexpr std::size_t http_read_bytes_max = 16 * 1024;

/// One client. Lives on its http_worker's thread; only `home` may be used from
/// others.
class http_connection : public std::enable_shared_from_this<http_connection> {
public:
  http_connection(std::shared_ptr<http_worker> home,
                  boost::asio::ip::tcp::socket socket)
      : home(std::move(home)), options_(this->home->setup->options),
        socket_(std::move(socket)), parser_(options_.request),
        in_(options_.request.header_bytes_max + http_read_bytes_max) {}

  void start(bool turned_away);
  void take(http_delivery item);
  void check_deadlines(std::chrono::steady_clock::time_point now);
  void close(stream_end why);

  // Declared first: the socket must go before the context it belongs to.
  const std::shared_ptr<http_worker> home;

private:
  struct slot {
    bool ready = false;
    /// The connection ends after this reply.
    bool last = false;
    bool head_only = false;
    bool http_1_0 = false;
    http_response response;
    std::shared_ptr<http_stream_buffer> stream;
  };

  void pump();
  bool parse();
  bool emit();
  bool emit_stream(slot& front);
  bool write();
  void drop_front();
  void drop_rest();
  void settle();

  void dispatch();
  void refuse(http_refusal why, const std::string& detail);
  void read();
  void has_read(boost::system::error_code ec, std::size_t bytes);
  bool wants_read() const;
  bool may_parse() const;
  void linger();

  std::size_t waiting() const { return slots_.size() - front_; }
  std::size_t unsent() const { return out_.size() - out_sent_; }

  const http_server_options& options_;
  boost::asio::ip::tcp::socket socket_;
  std::string peer_address_;
  uint16_t peer_port_ = 0;

  http_request_parser parser_;
  std::vector<char> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;

  /// Requests without a reply that has left, oldest first, from `front_` on.
  std::vector<slot> slots_;
  std::size_t front_ = 0;
  uint64_t first_number_ = 0;

  std::string out_;
  std::size_t out_sent_ = 0;

  bool pumping_ = false;
  bool pump_again_ = false;
  bool reading_ = false;
  bool writing_ = false;
  /// The parser has seen all of `in_` and needs more.
  bool starved_ = true;
  bool continue_sent_ = false;
  /// No further request is taken.
  bool input_done_ = false;
  /// The connection ends when `out_` is empty.
  bool last_emitted_ = false;
  bool peer_finished_ = false;
  bool stream_open_ = false;
  bool lingering_ = false;
  bool closed_ = false;
  stream_end closed_as_ = stream_end::client_gone;
  std::size_t lingered_bytes_ = 0;
  /// Since when what is now awaited is awaited: a request, its rest, or that
  /// the client takes a reply.
  std::chrono::steady_clock::time_point since_{};
};

struct http_responder::ticket {
  std::shared_ptr<http_connection> to;
  uint64_t number = 0;
  bool http_1_0 = false;
  std::atomic<bool> answered{false};

  ~ticket() {
    if (answered.exchange(true))
      return;
    deliver({to, number, http_delivery::what::reply,
             error_response(500, "InternalFailure",
                            "the request was dropped without an answer"),
             nullptr});
  }

  bool deliver(http_delivery item) {
    return to->home->deliver(std::move(item));
  }
};

struct http_stream::handle {
  std::shared_ptr<http_connection> to;
  uint64_t number = 0;
  std::shared_ptr<http_stream_buffer> buffer;

  ~handle() {
    if (!buffer->closed())
      tell(http_delivery::what::stream_cut);
  }

  void tell(http_delivery::what kind) {
    to->home->deliver({to, number, kind, {}, buffer});
  }
};

} // namespace berth

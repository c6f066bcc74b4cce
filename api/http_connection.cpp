#include "api/http_connection.hpp"

#include "messages/assert.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>

namespace berth {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using steady = std::chrono::steady_clock;
using tcp = asio::ip::tcp;

/// A buffer that one large reply made larger than this is given back.
constexpr std::size_t kept_buffer_bytes_max = 256 * 1024;

bool host_allowed(const std::vector<std::string>& allowed,
                  const http_headers& headers) {
  if (allowed.empty())
    return true;
  auto host = headers.find("Host");
  if (!host || headers.count("Host") != 1)
    return false;
  auto name = *host;
  if (!name.empty() && name.front() == '[')
    name = name.substr(0, name.find(']') + 1);
  else
    name = name.substr(0, name.find(':'));
  return std::any_of(allowed.begin(), allowed.end(), [&](const auto& known) {
    return equal_ignoring_case(name, known);
  });
}

} // namespace

void http_connection::start(bool turned_away) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay{true}, ignored);
  socket_.set_option(asio::socket_base::keep_alive{true}, ignored);
  auto peer = socket_.remote_endpoint(ignored);
  peer_address_ = peer.address().to_string();
  peer_port_ = peer.port();
  since_ = steady::now();
  if (turned_away)
    refuse(http_refusal::too_many_connections,
           "the server has " + std::to_string(options_.connections_max)
               + " connections open and takes no more; try again later");
  pump();
}

void http_connection::take(http_delivery item) {
  if (item.kind == http_delivery::what::stream_cut && !closed_) {
    // Also when earlier replies have not left: nothing can tell the client
    // better that this one is broken.
    close(stream_end::too_slow);
    return;
  }
  if (closed_ || item.number < first_number_) {
    if (item.stream)
      item.stream->close(closed_as_);
    return;
  }
  auto& target = slots_[front_ + (item.number - first_number_)];
  if (item.kind == http_delivery::what::reply) {
    target.response = std::move(item.response);
    target.ready = true;
  } else if (item.kind == http_delivery::what::stream_begins) {
    target.stream = std::move(item.stream);
    target.ready = true;
    target.last = true;
    input_done_ = true;
  }
  pump();
}

/// The only place that moves a connection on: bytes to requests, replies to
/// bytes, bytes to the socket, until nothing moves any more.
void http_connection::pump() {
  if (closed_)
    return;
  if (pumping_) {
    pump_again_ = true;
    return;
  }
  auto self = shared_from_this();
  pumping_ = true;
  bool moved = true;
  while (moved && !closed_) {
    pump_again_ = false;
    moved = parse();
    moved = emit() || moved;
    moved = write() || moved;
    moved = pump_again_ || moved;
  }
  pumping_ = false;
  if (!closed_)
    settle();
}

/// What comes next once nothing moves.
void http_connection::settle() {
  bool over = last_emitted_ || (peer_finished_ && waiting() == 0);
  if (over && unsent() == 0 && !lingering_)
    linger();
  if (!closed_ && wants_read())
    read();
}

bool http_connection::may_parse() const {
  return !input_done_ && !closed_ && waiting() < options_.pipelined_max
         && unsent() < options_.write_queue_bytes_max;
}

bool http_connection::parse() {
  bool moved = false;
  while (may_parse() && !starved_ && in_begin_ < in_end_) {
    bool had_started = parser_.started();
    in_begin_ += parser_.feed({in_.data() + in_begin_, in_end_ - in_begin_});
    if (!had_started && waiting() == 0)
      since_ = steady::now();
    switch (parser_.current()) {
    case http_request_parser::state::done:
      dispatch();
      moved = true;
      break;
    case http_request_parser::state::failed:
      refuse(parser_.refusal(), parser_.detail());
      moved = true;
      break;
    case http_request_parser::state::need_more:
      starved_ = true;
      if (parser_.awaits_continue() && waiting() == 0 && !continue_sent_) {
        continue_sent_ = true;
        out_ += "HTTP/1.1 100 Continue\r\n\r\n";
        moved = true;
      }
      break;
    }
  }
  return moved;
}

void http_connection::dispatch() {
  auto& setup = *home->setup;
  bool keep_alive = parser_.keep_alive();
  bool http_1_0 = parser_.http_1_0();
  continue_sent_ = false;
  auto request = parser_.take();
  if (!host_allowed(options_.allowed_hosts, request.headers)) {
    auto host = request.headers.find("Host").value_or("");
    refuse(http_refusal::unknown_host,
           "the Host header must name this server, and \"" + std::string{host}
               + "\" does not");
    return;
  }
  count(setup.counters.requests);
  request.peer_address = peer_address_;
  request.peer_port = peer_port_;
  auto ticket = std::make_shared<http_responder::ticket>();
  ticket->to = shared_from_this();
  ticket->number = first_number_ + waiting();
  ticket->http_1_0 = http_1_0;
  auto& added = slots_.emplace_back();
  added.last = !keep_alive;
  added.http_1_0 = http_1_0;
  added.head_only = request.method == "HEAD";
  input_done_ = input_done_ || !keep_alive;
  setup.handler(std::move(request), http_responder{std::move(ticket)});
}

void http_connection::refuse(http_refusal why, const std::string& detail) {
  auto& setup = *home->setup;
  count(setup.counters.refused);
  input_done_ = true;
  auto& added = slots_.emplace_back();
  added.ready = true;
  added.last = true;
  added.response = options_.refuse(why, detail);
}

bool http_connection::emit() {
  bool moved = false;
  while (!closed_ && waiting() > 0 && slots_[front_].ready
         && unsent() < options_.write_queue_bytes_max) {
    auto& front = slots_[front_];
    if (front.stream)
      return emit_stream(front) || moved;
    http_head_options head;
    head.body_bytes = front.response.body.size();
    head.keep_alive = !front.last;
    head.http_1_0 = front.http_1_0;
    head.date = home->date();
    append_response_head(out_, front.response, head);
    if (!front.head_only)
      out_ += front.response.body;
    drop_front();
    moved = true;
  }
  return moved;
}

/// A stream gives its bytes when the earlier ones have left, so that what it
/// counts as pending is all there is.
bool http_connection::emit_stream(slot& front) {
  if (unsent() > 0)
    return false;
  auto stream = front.stream;
  since_ = steady::now();
  if (!stream_open_) {
    if (peer_finished_) {
      close(stream_end::client_gone);
      return false;
    }
    stream_open_ = true;
    http_head_options head;
    head.framing =
        stream->chunked() ? http_framing::chunked : http_framing::until_close;
    head.keep_alive = false;
    head.date = home->date();
    append_response_head(out_, stream->head(), head);
  }
  bool ended = front.head_only || stream->take(out_);
  if (!ended)
    return unsent() > 0;
  stream_open_ = false;
  drop_front();
  // Lets go of the callbacks; to a HEAD the stream ends here.
  stream->close(stream_end::client_gone);
  return true;
}

void http_connection::drop_front() {
  bool last = slots_[front_].last;
  slots_[front_] = {};
  ++front_;
  ++first_number_;
  if (front_ == slots_.size()) {
    slots_.clear();
    front_ = 0;
  } else if (front_ >= options_.pipelined_max) {
    slots_.erase(slots_.begin(), slots_.begin() + static_cast<long>(front_));
    front_ = 0;
  }
  if (waiting() == 0)
    since_ = steady::now();
  if (last) {
    last_emitted_ = true;
    drop_rest();
  }
}

/// Gives up the requests that will not be answered.
void http_connection::drop_rest() {
  first_number_ += waiting();
  front_ = 0;
  auto dropped = std::exchange(slots_, {});
  for (auto& one : dropped)
    if (one.stream)
      one.stream->close(closed_as_);
}

bool http_connection::write() {
  if (writing_ || closed_ || unsent() == 0)
    return false;
  error_code ec;
  while (unsent() > 0) {
    auto sent =
        socket_.write_some(asio::buffer(out_.data() + out_sent_, unsent()), ec);
    if (ec)
      break;
    out_sent_ += sent;
    since_ = steady::now();
  }
  if (ec == asio::error::would_block || ec == asio::error::try_again) {
    writing_ = true;
    socket_.async_wait(tcp::socket::wait_write,
                       [self = shared_from_this()](error_code failed) {
                         self->writing_ = false;
                         if (failed)
                           self->close(stream_end::client_gone);
                         self->pump();
                       });
    return false;
  }
  if (ec) {
    close(stream_end::client_gone);
    return false;
  }
  out_.clear();
  out_sent_ = 0;
  if (out_.capacity() > kept_buffer_bytes_max)
    out_.shrink_to_fit();
  if (stream_open_) {
    auto stream = slots_[front_].stream;
    if (stream->taken_has_left())
      stream->call_drained();
  }
  return true;
}

bool http_connection::wants_read() const {
  if (reading_ || peer_finished_)
    return false;
  if (lingering_ || stream_open_)
    return true;
  return may_parse();
}

void http_connection::read() {
  if (lingering_ || stream_open_) {
    // Nothing more is wanted from the client but its going away.
    in_begin_ = in_end_ = 0;
  } else if (in_begin_ > 0) {
    std::copy(in_.begin() + static_cast<long>(in_begin_),
              in_.begin() + static_cast<long>(in_end_), in_.begin());
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  BERTH_ASSERT(in_end_ < in_.size(), "the parser leaves no more than a header");
  reading_ = true;
  socket_.async_read_some(
      asio::buffer(in_.data() + in_end_, in_.size() - in_end_),
      [self = shared_from_this()](error_code ec, std::size_t bytes) {
        self->reading_ = false;
        self->has_read(ec, bytes);
      });
}

void http_connection::has_read(error_code ec, std::size_t bytes) {
  if (closed_)
    return;
  if (ec == asio::error::eof) {
    // A client may close its sending half and still read, except where only
    // its end was awaited or the request is not whole.
    peer_finished_ = true;
    input_done_ = true;
    if (lingering_ || stream_open_ || (waiting() == 0 && unsent() == 0))
      close(stream_end::client_gone);
    else
      pump();
    return;
  }
  if (ec) {
    close(stream_end::client_gone);
    return;
  }
  if (lingering_) {
    lingered_bytes_ += bytes;
    if (lingered_bytes_ > options_.linger_bytes_max)
      close(stream_end::client_gone);
    else
      read();
    return;
  }
  if (stream_open_) {
    read();
    return;
  }
  in_end_ += bytes;
  starved_ = false;
  pump();
}

/// Closing a socket that still receives would make the kernel throw away what
/// the client has not read yet; so first say that nothing more comes, and wait
/// for the client to close.
void http_connection::linger() {
  if (peer_finished_) {
    close(stream_end::client_gone);
    return;
  }
  error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  if (ec) {
    close(stream_end::client_gone);
    return;
  }
  lingering_ = true;
  since_ = steady::now();
}

void http_connection::check_deadlines(
    std::chrono::steady_clock::time_point now) {
  if (closed_)
    return;
  auto passed =
      std::chrono::duration_cast<std::chrono::milliseconds>(now - since_)
          .count();
  auto& counters = home->setup->counters;
  if (lingering_) {
    if (passed > options_.linger_timeout_ms)
      close(stream_end::client_gone);
  } else if (unsent() > 0) {
    if (passed > options_.write_timeout_ms) {
      count(counters.timed_out);
      close(stream_end::too_slow);
    }
  } else if (waiting() > 0) {
    // The handler's time is the handler's matter.
  } else if (parser_.started()) {
    if (passed > options_.read_timeout_ms) {
      count(counters.timed_out);
      refuse(http_refusal::timed_out,
             "the request did not arrive whole within "
                 + std::to_string(options_.read_timeout_ms) + " ms");
      pump();
    }
  } else if (passed > options_.idle_timeout_ms) {
    close(stream_end::client_gone);
  }
}

void http_connection::close(stream_end why) {
  if (closed_)
    return;
  auto self = shared_from_this();
  closed_ = true;
  closed_as_ = why;
  stream_open_ = false;
  error_code ignored;
  socket_.close(ignored);
  out_ = {};
  out_sent_ = 0;
  home->setup->counters.open.fetch_sub(1);
  home->forget(this);
  drop_rest();
}

} // namespace berth

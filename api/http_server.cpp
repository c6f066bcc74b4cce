#include "api/http_server.hpp"

#include "api/http_worker.hpp"
#include "messages/assert.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <csignal>

namespace berth {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using steady = std::chrono::steady_clock;
using tcp = asio::ip::tcp;

/// Before accepting again when the process had no descriptor left.
constexpr auto accept_pause = std::chrono::milliseconds{50};

} // namespace

class http_server::impl {
public:
  impl(http_server_options options, http_handler handler)
      : setup_(std::make_shared<http_server_setup>()) {
    setup_->options = std::move(options);
    setup_->handler = std::move(handler);
  }

  std::optional<std::string> start();
  void stop();
  uint16_t port() const { return port_; }
  const http_shared_counters& counters() const { return setup_->counters; }

private:
  std::optional<std::string> listen(const tcp::endpoint& endpoint);
  void accept();

  std::shared_ptr<http_server_setup> setup_;
  std::vector<std::shared_ptr<http_worker>> workers_;
  std::optional<tcp::acceptor> acceptor_;
  std::optional<asio::steady_timer> accept_again_;
  std::size_t next_worker_ = 0;
  uint16_t port_ = 0;
};

std::optional<std::string> http_server::impl::start() {
  BERTH_ASSERT(workers_.empty(), "a server starts once");
  const auto& options = setup_->options;
  error_code ec;
  auto address = asio::ip::make_address(options.address, ec);
  if (ec)
    return "cannot listen on \"" + options.address
           + "\": it must be a numeric IPv4 or IPv6 address such as 127.0.0.1";
  auto count = std::max(1U, options.threads);
  for (unsigned i = 0; i < count; ++i)
    workers_.push_back(std::make_shared<http_worker>(setup_));
  auto wrong = listen({address, options.port});
  if (wrong) {
    acceptor_.reset();
    workers_.clear();
    return wrong;
  }
  accept_again_.emplace(workers_.front()->io);
  accept();
  // Signals are for the thread that waits for them, never for these.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (auto& one : workers_)
    one->start();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return std::nullopt;
}

std::optional<std::string>
http_server::impl::listen(const tcp::endpoint& endpoint) {
  error_code ec;
  acceptor_.emplace(workers_.front()->io);
  acceptor_->open(endpoint.protocol(), ec);
  if (!ec)
    acceptor_->set_option(tcp::acceptor::reuse_address{true}, ec);
  if (!ec)
    acceptor_->bind(endpoint, ec);
  if (!ec)
    acceptor_->listen(asio::socket_base::max_listen_connections, ec);
  if (!ec)
    port_ = acceptor_->local_endpoint(ec).port();
  if (!ec)
    return std::nullopt;
  auto text = "cannot listen on " + endpoint.address().to_string() + " port "
              + std::to_string(endpoint.port()) + ": " + ec.message();
  if (ec == asio::error::address_in_use)
    text += "; another process has it, choose another port or 0 for a free one";
  return text;
}

void http_server::impl::accept() {
  auto* target = workers_[next_worker_++ % workers_.size()].get();
  acceptor_->async_accept(
      target->io, [this, target](error_code ec, tcp::socket socket) {
        if (!acceptor_->is_open())
          return;
        if (!ec) {
          asio::dispatch(target->io,
                         [target, socket = std::move(socket)]() mutable {
                           target->adopt(std::move(socket));
                         });
          accept();
          return;
        }
        accept_again_->expires_after(accept_pause);
        accept_again_->async_wait([this](error_code failed) {
          if (!failed && acceptor_->is_open())
            accept();
        });
      });
}

void http_server::impl::stop() {
  if (workers_.empty())
    return;
  asio::post(workers_.front()->io, [this] {
    error_code ignored;
    acceptor_->close(ignored);
    accept_again_->cancel();
  });
  // The first accepts for the others, so it goes first.
  for (auto& one : workers_)
    one->stop();
  accept_again_.reset();
  acceptor_.reset();
  workers_.clear();
}

http_server::http_server(http_server_options options, http_handler handler)
    : impl_(std::make_unique<impl>(std::move(options), std::move(handler))) {}

http_server::~http_server() {
  stop();
}

std::optional<std::string> http_server::start() {
  return impl_->start();
}

void http_server::stop() {
  impl_->stop();
}

uint16_t http_server::bound_port() const {
  return impl_->port();
}

http_server_counters http_server::counters() const {
  const auto& now = impl_->counters();
  http_server_counters result;
  result.connections_accepted = now.accepted;
  result.connections_open = now.open;
  result.requests = now.requests;
  result.refused = now.refused;
  result.timed_out = now.timed_out;
  return result;
}

} // namespace berth

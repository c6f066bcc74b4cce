#include "api/http_worker.hpp"

#include "api/http_connection.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

namespace berth {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using steady = std::chrono::steady_clock;
using tcp = asio::ip::tcp;

/// Connections above `connections_max` that are being told so; further ones
/// are closed without a word.
constexpr std::size_t turned_away_max = 64;

} // namespace

void http_worker::start() {
  thread_ = std::thread{[this] {
    thread_id_ = std::this_thread::get_id();
    io.run();
  }};
}

void http_worker::stop() {
  if (!thread_.joinable())
    return;
  asio::post(io, [this] { close_all(); });
  thread_.join();
}

void http_worker::close_all() {
  closing_ = true;
  {
    std::lock_guard lock{mutex_};
    stopped_ = true;
  }
  sweep_.cancel();
  auto open = std::exchange(connections_, {});
  for (auto& [key, one] : open)
    one->close(stream_end::server_stopped);
  // Streams that were born but had not yet arrived are told, too.
  take_inbox();
  guard_.reset();
}

void http_worker::adopt(tcp::socket socket) {
  auto& counters = setup->counters;
  auto open = counters.open.fetch_add(1);
  count(counters.accepted);
  auto added =
      std::make_shared<http_connection>(shared_from_this(), std::move(socket));
  if (closing_ || open >= setup->options.connections_max + turned_away_max) {
    counters.open.fetch_sub(1);
    return;
  }
  connections_.emplace(added.get(), added);
  if (!sweeping_)
    sweep_later();
  added->start(open >= setup->options.connections_max);
}

void http_worker::forget(http_connection* gone) {
  connections_.erase(gone);
}

bool http_worker::deliver(http_delivery item) {
  if (std::this_thread::get_id() == thread_id_.load()) {
    if (closing_ && item.kind != http_delivery::what::stream_cut)
      return false;
    auto to = item.to;
    to->take(std::move(item));
    return true;
  }
  bool first = false;
  {
    std::lock_guard lock{mutex_};
    if (stopped_)
      return false;
    first = inbox_.empty();
    inbox_.push_back(std::move(item));
  }
  if (first)
    asio::post(io, [this] { take_inbox(); });
  return true;
}

void http_worker::take_inbox() {
  std::vector<http_delivery> items;
  {
    std::lock_guard lock{mutex_};
    items.swap(inbox_);
  }
  for (auto& item : items) {
    auto to = item.to;
    to->take(std::move(item));
  }
}

std::string_view http_worker::date() {
  auto second = std::time(nullptr);
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(second);
  }
  return date_;
}

void http_worker::sweep_later() {
  const auto& options = setup->options;
  auto shortest =
      std::min({options.read_timeout_ms, options.idle_timeout_ms,
                options.write_timeout_ms, options.linger_timeout_ms});
  sweeping_ = true;
  sweep_.expires_after(
      std::chrono::milliseconds{std::clamp<int64_t>(shortest / 4, 5, 1000)});
  sweep_.async_wait([this](error_code ec) {
    if (!ec)
      sweep();
  });
}

void http_worker::sweep() {
  auto now = steady::now();
  std::vector<std::shared_ptr<http_connection>> open;
  open.reserve(connections_.size());
  for (auto& [key, one] : connections_)
    open.push_back(one);
  for (auto& one : open)
    one->check_deadlines(now);
  // An idle server does not wake up.
  sweeping_ = !connections_.empty() && !closing_;
  if (sweeping_)
    sweep_later();
}

} // namespace berth

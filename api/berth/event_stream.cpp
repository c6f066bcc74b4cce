#include "api/berth/event_stream.hpp"

#include "api/berth/state_change_event.hpp"
#include "api/uri.hpp"

#include <mutex>
#include <vector>

namespace berth {

namespace {

/// Room for the cursors of about a thousand shards.
constexpr size_t position_bytes_max = 12 * 1024;

/// Between the source's thread and the server's.
class event_relay {
public:
  explicit event_relay(event_hold hold) : hold_(std::move(hold)) {}

  /// False: no more.
  bool on_event(const job_event& event) {
    auto line = print_state_change(event);
    std::lock_guard lock{mutex_};
    if (closed_)
      return false;
    if (sink_)
      return sink_(std::move(line));
    // A client that is told of a gap by nobody would believe in none.
    if (ended_early_ || early_.size() >= early_events_max) {
      ended_early_ = true;
      return false;
    }
    early_.push_back(std::move(line));
    return true;
  }

  /// Says why, and ends the stream.
  void on_end(const api_error& why) {
    auto line = print_stream_end(why);
    std::lock_guard lock{mutex_};
    if (closed_)
      return;
    if (!sink_) {
      early_.push_back(std::move(line));
      early_.emplace_back();
      ended_early_ = true;
      return;
    }
    sink_(std::move(line));
    sink_("");
  }

  void on_subscribed(std::unique_ptr<event_subscription> subscription) {
    std::lock_guard lock{mutex_};
    subscription_ = std::move(subscription);
  }

  void on_opened(line_sink sink) {
    std::lock_guard lock{mutex_};
    if (closed_)
      return;
    sink("\n");
    for (auto& line : early_)
      sink(std::move(line));
    early_.clear();
    // Dropping the sink ends the stream; the client asks again.
    if (!ended_early_)
      sink_ = std::move(sink);
  }

  void on_closed() {
    event_hold hold;
    std::unique_ptr<event_subscription> subscription;
    line_sink sink;
    std::lock_guard lock{mutex_};
    closed_ = true;
    hold.swap(hold_);
    subscription.swap(subscription_);
    sink.swap(sink_);
    early_.clear();
    // All are destroyed after the lock was given back: ending a subscription
    // may wait for a callback that needs it.
  }

private:
  std::mutex mutex_;
  event_hold hold_;
  line_sink sink_;
  std::vector<std::string> early_;
  std::unique_ptr<event_subscription> subscription_;
  bool ended_early_ = false;
  bool closed_ = false;
};

} // namespace

std::variant<std::string, api_error>
parse_events_query(std::string_view query) {
  auto after = query_values(query, "after");
  if (!after || after->size() > 1
      || (!after->empty() && after->front().size() > position_bytes_max))
    return api_error{api_errc::invalid,
                     "after must be given at most once and be the position "
                     "of an event: /v1/events?after=<position>"};
  return after->empty() ? std::string{} : after->front();
}

std::optional<api_error> stream_events(event_source& source, event_hold hold,
                                       const account_region& owner,
                                       const std::string& after,
                                       const line_sink_opener& open) {
  auto relay = std::make_shared<event_relay>(std::move(hold));
  auto outcome = source.subscribe(
      owner, after, [relay](const job_event& e) { return relay->on_event(e); },
      [relay](const api_error& why) { relay->on_end(why); });
  if (const auto* error = std::get_if<api_error>(&outcome))
    return *error;
  relay->on_subscribed(
      std::move(std::get<std::unique_ptr<event_subscription>>(outcome)));
  relay->on_opened(open([relay] { relay->on_closed(); }));
  return std::nullopt;
}

} // namespace berth

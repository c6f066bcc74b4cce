#include "runtime/whole_log.hpp"

#include <atomic>
#include <caf/send.hpp>
#include <cstdint>
#include <mutex>
#include <utility>

namespace berth {

/// Counts the holds.
class whole_log::wish {
public:
  explicit wish(std::function<void(bool)> want) : want_(std::move(want)) {}

  void add() {
    std::lock_guard lock{mutex_};
    if (holds_++ == 0)
      want_(true);
  }
  void remove() {
    std::lock_guard lock{mutex_};
    if (--holds_ == 0)
      want_(false);
  }

private:
  std::mutex mutex_;
  std::function<void(bool)> want_;
  uint64_t holds_ = 0;
};

namespace {

/// Of one hold: the shards that have yet to be folded to their ends.
struct waiting {
  whole_log_hold hold;
  whole_log_ready then;
  std::atomic<size_t> shards = 0;
  std::atomic<bool> told = false;

  void tell(const storage_error& error) {
    if (!told.exchange(true))
      then(std::exchange(hold, nullptr), error);
  }
};

} // namespace

whole_log::whole_log(std::function<void(bool)> want,
                     std::vector<shard_host_actor> shards)
    : wish_(std::make_shared<wish>(std::move(want))),
      shards_(std::move(shards)) {}

void whole_log::hold(whole_log_ready then) {
  wish_->add();
  auto open = std::make_shared<waiting>();
  open->hold = whole_log_hold(nullptr, [w = wish_](void*) { w->remove(); });
  open->then = std::move(then);
  open->shards = shards_.size();
  auto on_folded = [open](const storage_error& error) {
    if (error || --open->shards == 0)
      open->tell(error);
  };
  for (const auto& shard : shards_)
    caf::anon_send(shard, fold_awaited{on_folded});
}

} // namespace berth

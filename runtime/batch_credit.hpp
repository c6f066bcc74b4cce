// Keeps the mailbox of an actor that is given records bounded: the thread of
// the reading waits until its host keeps up.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace berth {

/// Batches of records that may wait for a host; the reading waits beyond.
constexpr size_t waiting_batches_max = 64;

/// Thread-safe.
class batch_credit {
public:
  explicit batch_credit(size_t batches_max = waiting_batches_max)
      : batches_max_(batches_max) {}

  /// By the reading, before each batch.
  void take() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return waiting_ < batches_max_ || closed_; });
    ++waiting_;
  }
  /// By the host, once it has handled one.
  void give_back() {
    std::lock_guard lock{mutex_};
    --waiting_;
    changed_.notify_one();
  }
  /// Nobody waits any more. Comes before the reading is destroyed.
  void close() {
    std::lock_guard lock{mutex_};
    closed_ = true;
    changed_.notify_all();
  }

private:
  const size_t batches_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t waiting_ = 0;
  bool closed_ = false;
};

} // namespace berth

// Keeps the mailbox of an actor that is given records bounded: the thread of
// the reading waits until its host keeps up.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

namespace berth {

/// Batches of records that may wait for a host; the reading waits beyond.
constexpr size_t waiting_batches_max = 64;

/// Thread-safe. The simulation, which has no thread that could wait, holds the
/// batches back instead.
class batch_credit {
public:
  explicit batch_credit(size_t batches_max = waiting_batches_max)
      : batches_max_(batches_max) {}
  virtual ~batch_credit() = default;
  batch_credit(const batch_credit&) = delete;
  batch_credit& operator=(const batch_credit&) = delete;

  /// By the reading, before each batch.
  virtual void take() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return waiting_ < batches_max_ || closed_; });
    ++waiting_;
  }
  /// By the host, once it has handled one.
  virtual void give_back() {
    std::lock_guard lock{mutex_};
    --waiting_;
    changed_.notify_one();
  }
  /// Nobody waits any more. Comes before the reading is destroyed.
  virtual void close() {
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

/// Makes the credit of one reading, for so many batches.
using credit_maker = std::function<std::shared_ptr<batch_credit>(size_t)>;

inline std::shared_ptr<batch_credit> make_batch_credit(size_t batches_max) {
  return std::make_shared<batch_credit>(batches_max);
}

} // namespace berth

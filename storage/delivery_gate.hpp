// Between a log and one of its readings: callbacks run one at a time, and none
// runs after the reading was closed.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace berth {

/// Thread-safe. Must outlive every `pass` and `close`.
class delivery_gate {
public:
  /// Calls `deliver` unless closed, also by `deliver` itself: then false, and
  /// nothing more may be delivered.
  template <class F>
  bool pass(F&& deliver) {
    {
      std::unique_lock lock{mutex_};
      idle_.wait(lock, [this] { return runner_ == std::thread::id{}; });
      if (closed_)
        return false;
      runner_ = std::this_thread::get_id();
    }
    deliver();
    std::lock_guard lock{mutex_};
    runner_ = {};
    idle_.notify_all();
    return !closed_;
  }

  /// Waits for a callback that is running, unless it was called by it.
  void close() {
    std::unique_lock lock{mutex_};
    closed_ = true;
    idle_.wait(lock, [this] {
      return runner_ == std::thread::id{}
             || runner_ == std::this_thread::get_id();
    });
  }

  bool closed() const {
    std::lock_guard lock{mutex_};
    return closed_;
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::thread::id runner_;
  bool closed_ = false;
};

} // namespace berth

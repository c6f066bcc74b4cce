// A thread that does tasks one after the other, for what has to block.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace berth {

/// Thread-safe. Tasks that have not begun when it is closed are dropped.
class task_queue {
public:
  void post(std::function<void()> task);
  /// After a pause, behind what is posted by then.
  void post_later(int64_t after_ms, std::function<void()> task);
  void close();
  void run_until_closed();

private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::function<void()>> tasks_;
  using time_point = std::chrono::steady_clock::time_point;
  std::multimap<time_point, std::function<void()>> later_;
  bool closed_ = false;
};

class task_thread {
public:
  task_thread();
  /// Waits for the task at work.
  ~task_thread();
  task_thread(const task_thread&) = delete;
  task_thread& operator=(const task_thread&) = delete;

  /// May outlive the thread; then it takes tasks and drops them.
  const std::shared_ptr<task_queue>& queue() const { return queue_; }

private:
  std::shared_ptr<task_queue> queue_;
  std::thread thread_;
};

} // namespace berth

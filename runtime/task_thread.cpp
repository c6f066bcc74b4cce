#include "runtime/task_thread.hpp"

#include <utility>

namespace berth {

void task_queue::post(std::function<void()> task) {
  std::lock_guard lock{mutex_};
  if (closed_)
    return;
  tasks_.push_back(std::move(task));
  came_.notify_one();
}

void task_queue::post_later(int64_t after_ms, std::function<void()> task) {
  std::lock_guard lock{mutex_};
  if (closed_)
    return;
  later_.emplace(std::chrono::steady_clock::now()
                     + std::chrono::milliseconds(after_ms),
                 std::move(task));
  came_.notify_one();
}

void task_queue::close() {
  std::lock_guard lock{mutex_};
  closed_ = true;
  came_.notify_one();
}

void task_queue::run_until_closed() {
  std::deque<std::function<void()>> dropped;
  std::multimap<time_point, std::function<void()>> dropped_later;
  std::unique_lock lock{mutex_};
  for (;;) {
    while (!later_.empty()
           && later_.begin()->first <= std::chrono::steady_clock::now())
      tasks_.push_back(std::move(later_.extract(later_.begin()).mapped()));
    if (closed_)
      break;
    if (tasks_.empty()) {
      if (later_.empty())
        came_.wait(lock);
      else
        came_.wait_until(lock, later_.begin()->first);
      continue;
    }
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
  dropped.swap(tasks_);
  dropped_later.swap(later_);
  lock.unlock();
}

task_thread::task_thread()
    : queue_(std::make_shared<task_queue>()),
      thread_([queue = queue_] { queue->run_until_closed(); }) {}

task_thread::~task_thread() {
  queue_->close();
  thread_.join();
}

} // namespace berth

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

void task_queue::close() {
  std::lock_guard lock{mutex_};
  closed_ = true;
  came_.notify_one();
}

void task_queue::run_until_closed() {
  std::deque<std::function<void()>> dropped;
  std::unique_lock lock{mutex_};
  for (;;) {
    came_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
    if (closed_)
      break;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
  dropped.swap(tasks_);
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

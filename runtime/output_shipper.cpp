#include "runtime/output_shipper.hpp"

#include "actors/stable_hash.hpp"
#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "runtime/attempt_files.hpp"
#include "runtime/boottime.hpp"
#include "runtime/file_descriptor.hpp"
#include "runtime/output_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <poll.h>
#include <set>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <thread>
#include <utility>
#include <vector>

namespace berth {

namespace {

/// Before an append that failed is made again.
constexpr int64_t retry_delay_ms = 200;

/// What became of the one chunk of an attempt that was on its way.
struct chunk_outcome {
  attempt_id attempt;
  bool appended = false;
  std::string problem;
};

/// Where the log's threads leave outcomes; outlives the worker.
class outcome_box {
public:
  outcome_box() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    BERTH_ASSERT(static_cast<bool>(wake_), "a process has room for an eventfd");
  }

  int fd() const { return wake_.get(); }
  void rouse() const {
    uint64_t one = 1;
    [[maybe_unused]] auto n = write(wake_.get(), &one, sizeof one);
  }
  void put(chunk_outcome outcome) {
    {
      std::lock_guard lock{mutex_};
      outcomes_.push_back(std::move(outcome));
    }
    rouse();
  }
  std::vector<chunk_outcome> take() {
    uint64_t count = 0;
    [[maybe_unused]] auto n = read(wake_.get(), &count, sizeof count);
    std::lock_guard lock{mutex_};
    return std::exchange(outcomes_, {});
  }

private:
  file_descriptor wake_;
  std::mutex mutex_;
  std::vector<chunk_outcome> outcomes_;
};

struct piece {
  /// There is no such file.
  bool is_absent = false;
  std::string bytes;
  /// Nothing lies behind it now.
  bool is_last = true;
};

/// Up to a chunk of the file from a position on; nothing and errno set when it
/// cannot be read.
std::optional<piece> read_piece(const std::string& path, int64_t from) {
  piece p;
  file_descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file && errno == ENOENT) {
    p.is_absent = true;
    return p;
  }
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0)
    return std::nullopt;
  auto left = std::max<int64_t>(status.st_size - from, 0);
  p.bytes.resize(std::min(static_cast<size_t>(left), output_chunk_bytes_max));
  auto n = pread(file.get(), p.bytes.data(), p.bytes.size(), from);
  if (n < 0)
    return std::nullopt;
  p.bytes.resize(static_cast<size_t>(n));
  p.is_last = n == left;
  return p;
}

} // namespace

shard_id output_partition(const attempt_id& attempt, uint32_t partitions) {
  return shard_id{static_cast<uint32_t>(stable_hash(to_string(attempt.job.id))
                                        % partitions)};
}

class output_shipper::worker {
public:
  worker(log& topic, output_shipper_options options)
      : topic_(topic), options_(std::move(options)),
        watch_(options_.data_folder), box_(std::make_shared<outcome_box>()) {
    thread_ = std::thread{[this] { run(); }};
  }

  ~worker() {
    {
      std::lock_guard lock{mutex_};
      closing_ = true;
    }
    box_->rouse();
    thread_.join();
  }

  void finish(const attempt_id& attempt, std::function<void()> settled) {
    {
      std::lock_guard lock{mutex_};
      finished_.emplace_back(attempt, std::move(settled));
    }
    box_->rouse();
  }

private:
  struct shipment {
    /// Everything before it was acknowledged.
    int64_t acked = 0;
    /// Of the chunk on its way; 0 = none is.
    size_t in_flight = 0;
    bool is_queued = false;
    /// Its last chunk was not appended; it waits a little.
    bool is_retrying = false;
    /// Its file holds, or may hold, more than was read of it.
    bool has_more = false;
    bool is_finished = false;
    /// Who waits for its end to be settled, and until when at most.
    std::vector<std::function<void()>> waiting;
    int64_t hold_until_ms = 0;
  };

  void run();
  void wait();
  void take_finished();
  void take_outcomes();
  void ship_some();
  void ship(const attempt_id& attempt, shipment& s);
  void queue(const attempt_id& attempt, shipment& s);
  void retry(const attempt_id& attempt, shipment& s,
             const std::string& problem);
  void retry_due();
  void release_held();
  void settle(const attempt_id& attempt, shipment& s);
  void remove_leftovers();
  bool is_closing();

  std::string path_of(const attempt_id& attempt) const {
    return output_file_path(options_.data_folder, attempt);
  }

  log& topic_;
  const output_shipper_options options_;
  output_watch watch_;
  std::shared_ptr<outcome_box> box_;

  // Of the thread.
  std::map<attempt_id, shipment> shipments_;
  /// Those that have something to ship, longest first.
  std::deque<attempt_id> queue_;
  /// By time: what to try again, and ends that are kept back.
  std::set<std::pair<int64_t, attempt_id>> retries_;
  std::set<std::pair<int64_t, attempt_id>> held_;
  size_t in_flight_ = 0;
  bool is_failing_ = false;

  std::mutex mutex_;
  std::vector<std::pair<attempt_id, std::function<void()>>> finished_;
  bool closing_ = false;
  std::thread thread_;
};

void output_shipper::worker::run() {
  if (!watch_.problem().empty())
    spdlog::error("output is shipped when its attempt ends only: {}",
                  watch_.problem());
  remove_leftovers();
  auto grown = [this](const attempt_id& attempt) {
    auto& s = shipments_[attempt];
    s.has_more = true;
    queue(attempt, s);
  };
  watch_.scan(grown);
  while (!is_closing()) {
    take_finished();
    take_outcomes();
    retry_due();
    release_held();
    ship_some();
    wait();
    if (watch_.fd() >= 0)
      watch_.read(grown);
  }
}

bool output_shipper::worker::is_closing() {
  std::lock_guard lock{mutex_};
  return closing_;
}

void output_shipper::worker::wait() {
  int timeout = -1;
  for (const auto* times : {&retries_, &held_})
    if (!times->empty()) {
      auto left = std::max<int64_t>(times->begin()->first - boottime_ms(), 0);
      auto ms = static_cast<int>(left);
      timeout = timeout < 0 ? ms : std::min(timeout, ms);
    }
  std::array<pollfd, 2> fds{
      {{box_->fd(), POLLIN, 0}, {watch_.fd(), POLLIN, 0}}};
  poll(fds.data(), fds.size(), timeout);
}

void output_shipper::worker::take_finished() {
  decltype(finished_) finished;
  {
    std::lock_guard lock{mutex_};
    finished.swap(finished_);
  }
  for (auto& [attempt, settled] : finished) {
    auto& s = shipments_[attempt];
    s.is_finished = true;
    if (s.waiting.empty()) {
      s.hold_until_ms = boottime_ms() + options_.hold_ms;
      held_.insert({s.hold_until_ms, attempt});
    }
    s.waiting.push_back(std::move(settled));
    queue(attempt, s);
  }
}

void output_shipper::worker::queue(const attempt_id& attempt, shipment& s) {
  if (s.is_queued || s.is_retrying || s.in_flight != 0)
    return;
  s.is_queued = true;
  queue_.push_back(attempt);
}

void output_shipper::worker::ship_some() {
  while (!queue_.empty() && in_flight_ < options_.in_flight_bytes_max) {
    auto attempt = queue_.front();
    queue_.pop_front();
    auto found = shipments_.find(attempt);
    if (found == shipments_.end())
      continue;
    found->second.is_queued = false;
    ship(attempt, found->second);
  }
}

void output_shipper::worker::ship(const attempt_id& attempt, shipment& s) {
  auto next = read_piece(path_of(attempt), s.acked);
  if (!next)
    return retry(attempt, s,
                 "cannot read " + path_of(attempt) + ": " + strerror(errno));
  s.has_more = !next->is_last;
  if (next->is_absent || (next->bytes.empty() && s.is_finished)) {
    // All is there, or there never was anything.
    unlink(path_of(attempt).c_str());
    settle(attempt, s);
    shipments_.erase(attempt);
    return;
  }
  if (next->bytes.empty())
    return;
  output_record r;
  r.body.attempt = attempt;
  r.body.position = s.acked;
  r.body.complete = s.is_finished && next->is_last;
  r.body.bytes = std::move(next->bytes);
  s.in_flight = r.body.bytes.size();
  in_flight_ += s.in_flight;
  topic_.append(
      output_partition(attempt, topic_.partitions()), encode(r),
      [box = box_, attempt](append_outcome outcome,
                            const storage_error& error) {
        box->put({attempt, outcome == append_outcome::appended, error.message});
      });
}

void output_shipper::worker::take_outcomes() {
  for (auto& outcome : box_->take()) {
    auto found = shipments_.find(outcome.attempt);
    BERTH_ASSERT(found != shipments_.end(),
                 "a shipment stays while a chunk of it is on its way");
    auto& s = found->second;
    auto bytes = std::exchange(s.in_flight, 0);
    in_flight_ -= bytes;
    if (!outcome.appended) {
      // Rule Unknown is not failed: a chunk that comes twice is written twice
      // to the same place.
      retry(outcome.attempt, s, outcome.problem);
      continue;
    }
    is_failing_ = false;
    s.acked += static_cast<int64_t>(bytes);
    if (s.has_more || s.is_finished)
      queue(outcome.attempt, s);
  }
}

void output_shipper::worker::retry(const attempt_id& attempt, shipment& s,
                                   const std::string& problem) {
  if (!std::exchange(is_failing_, true))
    spdlog::warn("output cannot be shipped: {}; it is tried again", problem);
  s.is_retrying = true;
  retries_.insert({boottime_ms() + retry_delay_ms, attempt});
}

void output_shipper::worker::retry_due() {
  auto now = boottime_ms();
  while (!retries_.empty() && retries_.begin()->first <= now) {
    auto attempt = retries_.begin()->second;
    retries_.erase(retries_.begin());
    auto found = shipments_.find(attempt);
    BERTH_ASSERT(found != shipments_.end(), "a shipment stays while it waits");
    found->second.is_retrying = false;
    queue(attempt, found->second);
  }
}

void output_shipper::worker::release_held() {
  auto now = boottime_ms();
  while (!held_.empty() && held_.begin()->first <= now) {
    auto attempt = held_.begin()->second;
    auto found = shipments_.find(attempt);
    BERTH_ASSERT(found != shipments_.end(),
                 "what is kept back is being shipped");
    spdlog::warn("the output of {} attempt {} does not reach the brokers; its "
                 "end is told without it",
                 to_string(attempt.job), attempt.number);
    settle(attempt, found->second);
  }
}

void output_shipper::worker::settle(const attempt_id& attempt, shipment& s) {
  held_.erase({s.hold_until_ms, attempt});
  for (auto& settled : std::exchange(s.waiting, {}))
    settled();
}

void output_shipper::worker::remove_leftovers() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  auto oldest = now.tv_sec - output_leftover_ms_max / 1000;
  watch_.scan([&](const attempt_id& attempt) {
    struct stat status {};
    auto path = path_of(attempt);
    if (stat(path.c_str(), &status) == 0 && status.st_mtim.tv_sec < oldest)
      unlink(path.c_str());
  });
}

output_shipper::output_shipper(log& topic, output_shipper_options options)
    : worker_(std::make_unique<worker>(topic, std::move(options))) {}

output_shipper::~output_shipper() = default;

void output_shipper::finish(const attempt_id& attempt,
                            std::function<void()> settled) {
  worker_->finish(attempt, std::move(settled));
}

} // namespace berth

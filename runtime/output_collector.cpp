#include "runtime/output_collector.hpp"

#include "messages/codec.hpp"
#include "messages/output_chunk.hpp"
#include "runtime/attempt_files.hpp"
#include "runtime/boottime.hpp"
#include "runtime/file_descriptor.hpp"
#include "runtime/output_cursors.hpp"
#include "runtime/output_files.hpp"
#include "runtime/output_reader.hpp"
#include "runtime/output_shipper.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <thread>
#include <utility>
#include <vector>

namespace berth {

namespace {

namespace fs = std::filesystem;

/// Files that a partition's reading keeps open.
constexpr size_t open_files_max = 64;
/// No attempt's file is so long: what lies beyond is no agent's.
constexpr int64_t file_bytes_max = 1LL << 40;
constexpr std::chrono::milliseconds disk_pause{1000};
constexpr int64_t sweep_interval_ms = 60LL * 60 * 1000;
/// How long an answer waits for what is in the topic, and for how long none
/// does after one that waited in vain.
constexpr int barrier_patience_ms = 1000;
constexpr int64_t barrier_pause_ms = 5000;

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// The files written last, open; of one thread.
class open_files {
public:
  explicit open_files(std::string data_folder)
      : folder_(std::move(data_folder)) {}

  /// False and errno set when the disk does not take it.
  bool write(const output_chunk& chunk, int64_t at_ms) {
    auto* file = open(chunk.attempt);
    if (file == nullptr)
      return false;
    size_t done = 0;
    while (done < chunk.bytes.size()) {
      auto n = pwrite(file->get(), chunk.bytes.data() + done,
                      chunk.bytes.size() - done,
                      chunk.position + static_cast<int64_t>(done));
      if (n < 0 && errno != EINTR)
        return false;
      done += n < 0 ? 0 : static_cast<size_t>(n);
    }
    // Its age is that of what was printed, however late it came here.
    timespec printed{at_ms / 1000, at_ms % 1000 * 1'000'000};
    timespec times[] = {printed, printed};
    futimens(file->get(), times);
    if (chunk.complete)
      close(chunk.attempt);
    return true;
  }

private:
  using order = std::list<attempt_id>;

  file_descriptor* open(const attempt_id& attempt) {
    if (auto found = files_.find(attempt); found != files_.end()) {
      order_.splice(order_.begin(), order_, found->second.second);
      return &found->second.first;
    }
    auto path = output_file_path(folder_, attempt);
    auto flags = O_WRONLY | O_CREAT | O_CLOEXEC;
    auto fd = ::open(path.c_str(), flags, 0644);
    if (fd < 0 && errno == ENOENT) {
      mkdir((folder_ + "/output").c_str(), 0755);
      mkdir(path.substr(0, path.rfind('/')).c_str(), 0755);
      fd = ::open(path.c_str(), flags, 0644);
    }
    if (fd < 0)
      return nullptr;
    if (files_.size() >= open_files_max)
      close(order_.back());
    order_.push_front(attempt);
    return &files_
                .emplace(attempt,
                         std::pair{file_descriptor{fd}, order_.begin()})
                .first->second.first;
  }

  void close(attempt_id attempt) {
    auto found = files_.find(attempt);
    if (found == files_.end())
      return;
    order_.erase(found->second.second);
    files_.erase(found);
  }

  std::string folder_;
  order order_;
  std::map<attempt_id, std::pair<file_descriptor, order::iterator>> files_;
};

} // namespace

class output_collector::impl {
public:
  impl(log& topic, output_collector_options options)
      : topic_(topic), options_(std::move(options)) {
    auto cursors = load_cursors(cursor_path(), topic_);
    for (uint32_t i = 0; i < topic_.partitions(); ++i)
      lanes_.push_back(
          std::make_unique<lane>(options_.data_folder, cursors.at(i)));
    saved_ = std::move(cursors);
    keeper_of_order_ = std::thread{[this] { keep_order(); }};
  }

  ~impl() {
    {
      std::lock_guard lock{mutex_};
      closing_ = true;
    }
    changed_.notify_all();
    keeper_of_order_.join();
    for (auto& l : lanes_)
      l->reading.reset();
    save();
  }

  bool catch_up(const attempt_id& attempt, int timeout_ms);

  output_collector_counters counters() const {
    return {chunks_, bytes_, passed_over_};
  }

private:
  /// One partition.
  struct lane {
    lane(const std::string& folder, log_offset from)
        : next(from), files(folder) {}
    /// Everything before it was written.
    std::atomic<log_offset> next;
    std::atomic<bool> wants_reading = true;
    open_files files;
    std::unique_ptr<log_reading> reading;
  };
  std::string cursor_path() const {
    return options_.data_folder + "/output_cursors";
  }
  void keep_order();
  void start_reading(shard_id partition);
  void take(lane& l, const std::vector<log_record>& records);
  bool write(lane& l, const log_record& r);
  void save();
  void sweep() const;

  log& topic_;
  const output_collector_options options_;
  std::vector<std::unique_ptr<lane>> lanes_;
  std::vector<log_offset> saved_;
  std::atomic<uint64_t> chunks_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<uint64_t> passed_over_ = 0;
  /// When it last did not catch up in time, by CLOCK_BOOTTIME.
  std::atomic<int64_t> behind_ms_ = -barrier_pause_ms;

  std::mutex mutex_;
  /// A partition was read on, has to be read anew, or all is over.
  std::condition_variable changed_;
  bool closing_ = false;
  /// Starts the readings, notes the cursors, removes what is old.
  std::thread keeper_of_order_;
};

void output_collector::impl::keep_order() {
  auto wants_reading = [this] {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const auto& l) { return l->wants_reading.load(); });
  };
  auto next_sweep = boottime_ms();
  std::unique_lock lock{mutex_};
  while (!closing_) {
    lock.unlock();
    for (uint32_t i = 0; i < lanes_.size(); ++i)
      if (lanes_[i]->wants_reading.exchange(false))
        start_reading(shard_id{i});
    save();
    if (boottime_ms() >= next_sweep) {
      next_sweep = boottime_ms() + sweep_interval_ms;
      sweep();
    }
    lock.lock();
    changed_.wait_for(lock,
                      std::chrono::milliseconds(options_.save_interval_ms),
                      [&] { return closing_ || wants_reading(); });
  }
}

void output_collector::impl::start_reading(shard_id partition) {
  auto& l = *lanes_.at(partition.value);
  l.reading.reset();
  auto begin = topic_.begin_offset(partition);
  if (l.next < begin) {
    if (l.next != 0)
      spdlog::warn("output was dropped from the topic before it was collected "
                   "partition={} from={} to={}",
                   partition.value, l.next.load(), begin);
    l.next = begin;
  }
  l.reading = topic_.read(
      partition, l.next,
      [this, &l](const std::vector<log_record>& records) { take(l, records); },
      [this, &l, partition](const storage_error& error) {
        spdlog::error("output cannot be collected partition={}: {}; what the "
                      "topic holds is collected again",
                      partition.value, error.message);
        std::lock_guard lock{mutex_};
        l.next = 0;
        l.wants_reading = true;
        changed_.notify_all();
      });
}

void output_collector::impl::take(lane& l,
                                  const std::vector<log_record>& records) {
  for (const auto& r : records)
    while (!write(l, r)) {
      spdlog::error("output cannot be written in {}: {}", options_.data_folder,
                    strerror(errno));
      std::unique_lock lock{mutex_};
      if (changed_.wait_for(lock, disk_pause, [this] { return closing_; }))
        return;
    }
  std::lock_guard lock{mutex_};
  changed_.notify_all();
}

/// False when the disk does not take it.
bool output_collector::impl::write(lane& l, const log_record& r) {
  auto read = decode<output_record>(r.bytes);
  auto is_good =
      read && read->format <= output_format_version && read->body.position >= 0
      && read->body.position
             <= file_bytes_max - static_cast<int64_t>(read->body.bytes.size())
      && r.append_ms > wall_clock_ms() - options_.retention_ms;
  if (is_good) {
    if (!l.files.write(read->body, r.append_ms))
      return false;
    ++chunks_;
    bytes_ += read->body.bytes.size();
  } else {
    ++passed_over_;
  }
  l.next = r.offset + 1;
  return true;
}

void output_collector::impl::save() {
  std::vector<log_offset> cursors;
  for (const auto& l : lanes_)
    cursors.push_back(l->next);
  if (cursors == saved_)
    return;
  if (!save_cursors(cursor_path(), topic_, cursors))
    spdlog::error("cannot write {}: {}", cursor_path(), strerror(errno));
  else
    saved_ = std::move(cursors);
}

void output_collector::impl::sweep() const {
  auto oldest = wall_clock_ms() - options_.retention_ms;
  std::error_code error;
  for (const auto& part :
       fs::directory_iterator(options_.data_folder + "/output", error))
    for (const auto& file : fs::directory_iterator(part.path(), error)) {
      struct stat status {};
      if (stat(file.path().c_str(), &status) == 0
          && status.st_mtim.tv_sec * 1000 < oldest)
        unlink(file.path().c_str());
    }
}

bool output_collector::impl::catch_up(const attempt_id& attempt,
                                      int timeout_ms) {
  if (boottime_ms() < behind_ms_ + barrier_pause_ms)
    return false;
  auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  auto partition = output_partition(attempt, topic_.partitions());
  auto told = std::make_shared<std::promise<log_offset>>();
  auto end = told->get_future();
  topic_.end_offset(partition, [told](log_offset at, const storage_error& e) {
    // A log that is being closed ends somewhere nobody gets to.
    told->set_value(e ? INT64_MAX : at);
  });
  auto is_done = false;
  if (end.wait_until(deadline) == std::future_status::ready) {
    auto goal = end.get();
    std::unique_lock lock{mutex_};
    is_done = changed_.wait_until(lock, deadline, [&] {
      return closing_ || lanes_.at(partition.value)->next >= goal;
    });
  }
  if (!is_done)
    behind_ms_ = boottime_ms();
  return is_done;
}

output_collector::output_collector(log& topic, output_collector_options options)
    : impl_(std::make_unique<impl>(topic, std::move(options))) {}

output_collector::~output_collector() = default;

bool output_collector::catch_up(const attempt_id& attempt, int timeout_ms) {
  return impl_->catch_up(attempt, timeout_ms);
}

output_collector_counters output_collector::counters() const {
  return impl_->counters();
}

namespace {

class collected_output final : public output_source {
public:
  collected_output(output_collector& from, std::string data_folder)
      : from_(from), folder_(std::move(data_folder)),
        files_(make_output_files(folder_)) {}

  collected_output(std::unique_ptr<log> topic,
                   const output_collector_options& options)
      : topic_(std::move(topic)),
        own_(std::make_unique<output_collector>(*topic_, options)),
        from_(*own_), folder_(options.data_folder),
        files_(make_output_files(folder_)) {}

  std::vector<printed_attempt> attempts(size_t limit) override {
    return files_->attempts(limit);
  }

  printed_lines read(const attempt_id& attempt, int64_t from,
                     const printed_lines_limits& limits) override {
    catch_up(attempt);
    return files_->read(attempt, from, limits);
  }

  printed_lines read_before(const attempt_id& attempt, int64_t before,
                            const printed_lines_limits& limits) override {
    catch_up(attempt);
    return files_->read_before(attempt, before, limits);
  }

private:
  void catch_up(const attempt_id& attempt) {
    if (!is_complete_output(output_file_path(folder_, attempt)))
      from_.catch_up(attempt, barrier_patience_ms);
  }

  // Of one that collects by itself; destroyed from the last to the first.
  std::unique_ptr<log> topic_;
  std::unique_ptr<output_collector> own_;

  output_collector& from_;
  std::string folder_;
  std::unique_ptr<output_source> files_;
};

} // namespace

std::unique_ptr<output_source> make_collected_output(output_collector& from,
                                                     std::string data_folder) {
  return std::make_unique<collected_output>(from, std::move(data_folder));
}

std::unique_ptr<output_source>
collect_output(std::unique_ptr<log> topic, output_collector_options options) {
  return std::make_unique<collected_output>(std::move(topic),
                                            std::move(options));
}

} // namespace berth

#include "tests/unit/storage/log_fixture.hpp"

#include "storage/local_log.hpp"
#include "storage/memory_log.hpp"
#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <stdexcept>

namespace berth {

namespace {

class memory_log_fixture final : public log_fixture {
public:
  memory_log_fixture(memory_log_mode mode, const log_settings& settings)
      : mode_(mode) {
    memory_log_options options;
    options.partitions = settings.partitions;
    options.pending_bytes_max = settings.pending_bytes_max;
    options.now_ms = settings.now_ms;
    log_ = std::make_unique<memory_log>(mode, std::move(options));
  }

  void reopen() override {
    throw std::logic_error{"a memory log is gone when it is closed"};
  }
  bool persistent() const override { return false; }
  bool threaded() const override { return mode_ == memory_log_mode::threaded; }
  void pump() override {
    if (log_ && mode_ == memory_log_mode::manual)
      static_cast<memory_log&>(*log_).deliver();
  }

private:
  memory_log_mode mode_;
};

class local_log_fixture final : public log_fixture {
public:
  explicit local_log_fixture(const log_settings& settings) {
    options_.folder = folder_.path() / "log";
    options_.partitions = settings.partitions;
    options_.pending_bytes_max = settings.pending_bytes_max;
    options_.now_ms = settings.now_ms;
    reopen();
  }
  // The log goes before its folder.
  ~local_log_fixture() override { close(); }

  void reopen() override {
    auto [opened, error] = open_local_log(options_);
    if (error)
      throw std::runtime_error{error.message};
    log_ = std::move(opened);
  }
  bool persistent() const override { return true; }

private:
  temporary_folder folder_;
  local_log_options options_;
};

} // namespace

std::vector<std::string> all_logs() {
  return {"memory log, manual", "memory log, threaded", "local log"};
}

std::vector<std::string> persistent_logs() {
  return {"local log"};
}

std::unique_ptr<log_fixture> make_log(const std::string& name,
                                      log_settings settings) {
  if (name == "memory log, manual")
    return std::make_unique<memory_log_fixture>(memory_log_mode::manual,
                                                settings);
  if (name == "memory log, threaded")
    return std::make_unique<memory_log_fixture>(memory_log_mode::threaded,
                                                settings);
  return std::make_unique<local_log_fixture>(settings);
}

size_t appender::count(append_outcome outcome) const {
  auto all = answers_.values();
  return static_cast<size_t>(
      std::count_if(all.begin(), all.end(), [outcome](const answer& given) {
        return given.outcome == outcome;
      }));
}

bool append_all(log_fixture& fixture, shard_id partition,
                const std::vector<std::string>& records) {
  appender to{fixture.subject()};
  for (const auto& bytes : records)
    to.append(partition, bytes);
  return to.wait(fixture)
         && to.count(append_outcome::appended) == records.size();
}

log_offset end_of(log_fixture& fixture, shard_id partition) {
  collector<log_offset> ends;
  fixture.subject().end_offset(
      partition, [&ends](log_offset end, storage_error) { ends.add(end); });
  if (!ends.wait(fixture, 1))
    throw std::runtime_error{"the log does not say where it ends"};
  return ends.values().front();
}

std::vector<log_record> read_all(log_fixture& fixture, shard_id partition,
                                 log_offset from) {
  auto count = static_cast<size_t>(end_of(fixture, partition) - from);
  recorder reader{fixture.subject(), partition, from};
  if (!reader.wait(fixture, count))
    throw std::runtime_error{"the log does not give all its records"};
  reader.stop();
  return reader.records();
}

std::vector<std::string> bytes_of(const std::vector<log_record>& records) {
  std::vector<std::string> bytes;
  for (const auto& record : records)
    bytes.push_back(record.bytes);
  return bytes;
}

std::vector<std::string> numbered(size_t count, size_t from) {
  std::vector<std::string> records;
  for (size_t i = 0; i < count; ++i)
    records.push_back("record " + std::to_string(from + i));
  return records;
}

} // namespace berth

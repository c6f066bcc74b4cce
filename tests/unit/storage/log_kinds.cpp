// The logs that need nothing but this process.
#include "tests/unit/storage/log_fixture.hpp"

#include "storage/local_log.hpp"
#include "storage/memory_log.hpp"
#include "tests/support/temporary_folder.hpp"

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

} // namespace berth

// The log on a real broker, for the tests of what every log promises.
#include "storage/kafka_log.hpp"
#include "tests/kafka/kafka_cluster.hpp"
#include "tests/unit/storage/log_fixture.hpp"

#include <atomic>
#include <stdexcept>

namespace berth {

namespace {

class kafka_log_fixture final : public log_fixture {
public:
  explicit kafka_log_fixture(const log_settings& settings) {
    static std::atomic<int> last{0};
    options_.connection = one_broker().connection();
    options_.topic = "contract-" + std::to_string(++last);
    options_.partitions = settings.partitions;
    options_.pending_bytes_max = settings.pending_bytes_max;
    reopen();
  }
  ~kafka_log_fixture() override { close(); }

  void reopen() override {
    auto [opened, error] = open_kafka_log(options_);
    if (error)
      throw std::runtime_error{error.message};
    log_ = std::move(opened);
  }
  bool persistent() const override { return true; }

private:
  kafka_log_options options_;
};

} // namespace

std::vector<std::string> all_logs() {
  return {"kafka log"};
}

std::vector<std::string> persistent_logs() {
  return all_logs();
}

std::unique_ptr<log_fixture> make_log(const std::string&,
                                      log_settings settings) {
  return std::make_unique<kafka_log_fixture>(settings);
}

} // namespace berth

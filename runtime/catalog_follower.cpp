#include "runtime/catalog_follower.hpp"

#include "actors/environment_replica.hpp"

#include <mutex>
#include <optional>
#include <utility>

namespace berth {

/// Shared with the log's threads; silent once it is closed.
class catalog_follower::state {
public:
  state(std::function<void(environments)> changed,
        std::function<void(std::string)> failed)
      : changed_(std::move(changed)), failed_(std::move(failed)) {}

  void on_end(log_offset end, const storage_error& error) {
    std::lock_guard lock{mutex_};
    if (error)
      return fail(error.message);
    end_ = end;
    tell();
  }

  void on_records(const std::vector<log_record>& records) {
    std::lock_guard lock{mutex_};
    for (const auto& r : records) {
      if (!replica_.on_record(r.offset, r.bytes))
        return fail("record " + std::to_string(r.offset)
                    + " of shard 0 cannot be read: it is damaged, or of a "
                      "newer version of Berth; upgrade this agent");
      next_ = r.offset + 1;
    }
    tell();
  }

  void on_failure(const std::string& why) {
    std::lock_guard lock{mutex_};
    fail(why);
  }

  void close() {
    std::lock_guard lock{mutex_};
    closed_ = true;
  }

private:
  void fail(const std::string& why) {
    if (!std::exchange(closed_, true))
      failed_(why);
  }

  void tell() {
    if (closed_ || !end_ || next_ < *end_ || told_ == replica_.version())
      return;
    told_ = replica_.version();
    auto all = std::make_shared<std::vector<environment_object>>();
    for (const auto& [uid, object] : replica_.environments())
      all->push_back(object);
    changed_(std::move(all));
  }

  std::mutex mutex_;
  std::function<void(environments)> changed_;
  std::function<void(std::string)> failed_;
  environment_replica replica_;
  log_offset next_ = 0;
  std::optional<log_offset> end_;
  /// Nothing at all was told before the first time.
  std::optional<uint64_t> told_;
  bool closed_ = false;
};

catalog_follower::catalog_follower(log& from,
                                   std::function<void(environments)> changed,
                                   std::function<void(std::string)> failed)
    : state_(std::make_shared<state>(std::move(changed), std::move(failed))) {
  from.end_offset(catalog_shard,
                  [s = state_](log_offset end, const storage_error& error) {
                    s->on_end(end, error);
                  });
  reading_ = from.read(
      catalog_shard, 0,
      [s = state_](const std::vector<log_record>& records) {
        s->on_records(records);
      },
      [s = state_](const storage_error& error) {
        s->on_failure(error.message);
      });
}

catalog_follower::~catalog_follower() {
  reading_.reset();
  state_->close();
}

} // namespace berth

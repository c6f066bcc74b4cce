// The twin of `rocksdb_store` for tests and simulations: rows in a map.
#pragma once

#include "storage/store.hpp"

#include <functional>
#include <shared_mutex>

namespace berth {

/// Lives as long as the object; a simulated machine keeps it across crashes.
class memory_store final : public store {
public:
  std::optional<checkpoint> last_checkpoint() const override;
  storage_error write(const row_batch& rows, const checkpoint& at) override;
  std::optional<std::string> get(std::string_view key) const override;
  std::vector<row> scan(std::string_view from, std::string_view to,
                        size_t limit) const override;
  std::vector<row> scan_back(std::string_view from, std::string_view to,
                             size_t limit) const override;

private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::string, std::less<>> rows_;
  std::optional<checkpoint> checkpoint_;
};

} // namespace berth

#include "storage/memory_store.hpp"

#include <iterator>
#include <mutex>

namespace berth {

std::optional<checkpoint> memory_store::last_checkpoint() const {
  std::shared_lock lock{mutex_};
  return checkpoint_;
}

storage_error memory_store::write(const row_batch& rows, const checkpoint& at) {
  std::lock_guard lock{mutex_};
  for (const auto& [key, value] : rows) {
    if (value)
      rows_.insert_or_assign(key, *value);
    else
      rows_.erase(key);
  }
  checkpoint_ = at;
  return {};
}

std::optional<std::string> memory_store::get(std::string_view key) const {
  std::shared_lock lock{mutex_};
  auto found = rows_.find(key);
  if (found == rows_.end())
    return std::nullopt;
  return found->second;
}

std::vector<row> memory_store::scan(std::string_view from, std::string_view to,
                                    size_t limit) const {
  std::vector<row> found;
  std::shared_lock lock{mutex_};
  for (auto at = rows_.lower_bound(from);
       at != rows_.end() && at->first < to && found.size() < limit; ++at)
    found.emplace_back(at->first, at->second);
  return found;
}

std::vector<row> memory_store::scan_back(std::string_view from,
                                         std::string_view to,
                                         size_t limit) const {
  std::vector<row> found;
  std::shared_lock lock{mutex_};
  for (auto at = rows_.lower_bound(to);
       at != rows_.begin() && found.size() < limit;) {
    --at;
    if (at->first < from)
      break;
    found.emplace_back(at->first, at->second);
  }
  return found;
}

} // namespace berth

#include "runtime/row_reader.hpp"

#include <algorithm>

namespace berth {

bool row_reader::find_unwritten(const shard& machine, const std::string& key,
                                std::optional<std::string>& row) const {
  if (auto pending = machine.pending_row(key)) {
    row = *pending;
    return true;
  }
  if (!flushing_)
    return false;
  auto found = flushing_->find(key);
  if (found == flushing_->end())
    return false;
  row = found->second;
  return true;
}

std::vector<std::optional<std::string>>
row_reader::get_each(const shard& machine,
                     const std::vector<std::string>& keys) const {
  std::vector<std::optional<std::string>> rows{keys.size()};
  std::vector<std::string> stored;
  std::vector<size_t> places;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (find_unwritten(machine, keys[i], rows[i]))
      continue;
    stored.push_back(keys[i]);
    places.push_back(i);
  }
  auto found = store_->get_each(stored);
  for (size_t i = 0; i < places.size(); ++i)
    rows[places[i]] = std::move(found[i]);
  return rows;
}

fetched_rows row_reader::fetch(const shard& machine,
                               const needed_rows& needs) const {
  fetched_rows rows;
  for (const auto& range : needs.ranges)
    fetch_range(range, rows);
  auto found = get_each(machine, needs.keys);
  for (size_t i = 0; i < needs.keys.size(); ++i)
    rows.try_emplace(needs.keys[i], std::move(found[i]));
  return rows;
}

void row_reader::fetch_range(const row_range& range, fetched_rows& into) const {
  auto flushing_in = [&](auto use) {
    if (!flushing_)
      return;
    for (auto i = flushing_->lower_bound(range.from);
         i != flushing_->end() && i->first < range.to; ++i)
      use(*i);
  };
  // A row that is being deleted hides one of the store's.
  size_t hidden = 0;
  flushing_in([&](const auto& one) { hidden += one.second ? 0 : 1; });
  auto limit =
      range.limit > SIZE_MAX - hidden ? SIZE_MAX : range.limit + hidden;
  std::map<std::string, std::optional<std::string>> merged;
  for (auto& [key, bytes] : range.backwards
                                ? store_->scan_back(range.from, range.to, limit)
                                : store_->scan(range.from, range.to, limit))
    merged[key] = std::move(bytes);
  flushing_in([&](const auto& one) { merged[one.first] = one.second; });
  std::erase_if(merged, [](const auto& one) { return !one.second; });
  auto count = std::min(merged.size(), range.limit);
  if (range.backwards)
    std::for_each(merged.rbegin(),
                  std::next(merged.rbegin(), static_cast<ptrdiff_t>(count)),
                  [&](auto& one) { into[one.first] = one.second; });
  else
    std::for_each(merged.begin(),
                  std::next(merged.begin(), static_cast<ptrdiff_t>(count)),
                  [&](auto& one) { into[one.first] = one.second; });
}

} // namespace berth

// Jobs in the order of their submission. A sorted sequence in chunks: about 20
// bytes a job, appending and removing touch one chunk.
#pragma once

#include "messages/actor_messages.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace berth {

template <class T>
class position_index {
public:
  struct entry {
    queue_position position = 0;
    T* what = nullptr;
  };

  /// The position is not in the index yet.
  void insert(queue_position position, T* what);
  /// False when it is not there.
  bool erase(queue_position position);
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Calls `visit(entry)` ascending from the first position >= `from` until it
  /// returns false.
  template <class Visit>
  void ascend(queue_position from, Visit&& visit) const;
  /// The same descending, from the last position < `before`.
  template <class Visit>
  void descend(queue_position before, Visit&& visit) const;

private:
  static constexpr size_t chunk_max = 512;
  using chunk = std::vector<entry>;
  using chunk_map = std::map<queue_position, chunk>;

  static auto place_in(const chunk& c, queue_position position) {
    return std::lower_bound(
        c.begin(), c.end(), position,
        [](const entry& e, queue_position p) { return e.position < p; });
  }

  /// By the first position that a chunk may hold.
  chunk_map chunks_;
  size_t size_ = 0;
};

template <class T>
void position_index<T>::insert(queue_position position, T* what) {
  ++size_;
  auto next = chunks_.upper_bound(position);
  if (next == chunks_.begin()) {
    chunks_.emplace(position, chunk{{position, what}});
    return;
  }
  auto own = std::prev(next);
  auto& entries = own->second;
  auto at = place_in(entries, position);
  if (entries.size() < chunk_max) {
    entries.insert(at, {position, what});
    return;
  }
  if (at == entries.end()) {
    chunks_.emplace_hint(next, position, chunk{{position, what}});
    return;
  }
  entries.insert(at, {position, what});
  auto middle = entries.begin() + static_cast<ptrdiff_t>(entries.size() / 2);
  chunk upper(middle, entries.end());
  entries.erase(middle, entries.end());
  chunks_.emplace_hint(next, upper.front().position, std::move(upper));
}

template <class T>
bool position_index<T>::erase(queue_position position) {
  auto next = chunks_.upper_bound(position);
  if (next == chunks_.begin())
    return false;
  auto own = std::prev(next);
  auto at = place_in(own->second, position);
  if (at == own->second.end() || at->position != position)
    return false;
  own->second.erase(at);
  if (own->second.empty())
    chunks_.erase(own);
  --size_;
  return true;
}

template <class T>
template <class Visit>
void position_index<T>::ascend(queue_position from, Visit&& visit) const {
  auto c = chunks_.upper_bound(from);
  if (c != chunks_.begin())
    --c;
  for (; c != chunks_.end(); ++c)
    for (auto at = place_in(c->second, from); at != c->second.end(); ++at)
      if (!visit(*at))
        return;
}

template <class T>
template <class Visit>
void position_index<T>::descend(queue_position before, Visit&& visit) const {
  auto c = chunks_.lower_bound(before);
  while (c != chunks_.begin()) {
    --c;
    auto at = place_in(c->second, before);
    while (at != c->second.begin())
      if (!visit(*--at))
        return;
  }
}

} // namespace berth

// The disk of one shard of one node: it outlives the node's process, and may be
// lost or, brought back from a backup, be an earlier one.
#pragma once

#include "storage/memory_store.hpp"
#include "tests/sim/random.hpp"

#include <deque>
#include <memory>

namespace berth::sim {

class simulated_store {
public:
  /// What a process opens.
  const std::shared_ptr<memory_store>& present() const { return present_; }
  void write(const std::shared_ptr<const row_batch>& rows,
             const checkpoint& at);
  void lose();
  /// There is no room on its disk: nothing can be written.
  void set_full(bool is_full) { is_full_ = is_full; }
  bool is_full() const { return is_full_; }
  /// To an earlier checkpoint, or to nothing when there is none; false when
  /// nothing was written yet.
  bool roll_back(random_source& random);

private:
  struct written {
    std::shared_ptr<const row_batch> rows;
    checkpoint at;
  };
  std::shared_ptr<memory_store> present_ = std::make_shared<memory_store>();
  /// Everything older than `recent_`.
  row_batch base_;
  std::optional<checkpoint> base_at_;
  std::deque<written> recent_;
  bool is_full_ = false;
};

} // namespace berth::sim

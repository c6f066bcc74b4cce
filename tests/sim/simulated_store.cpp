#include "tests/sim/simulated_store.hpp"

namespace berth::sim {

namespace {

/// Checkpoints that a store can be rolled back by.
constexpr size_t recent_max = 16;

} // namespace

void simulated_store::write(const std::shared_ptr<const row_batch>& rows,
                            const checkpoint& at) {
  present_->write(*rows, at);
  recent_.push_back({rows, at});
  if (recent_.size() <= recent_max)
    return;
  for (const auto& [key, value] : *recent_.front().rows)
    base_[key] = value;
  base_at_ = recent_.front().at;
  recent_.pop_front();
}

void simulated_store::lose() {
  auto was_full = is_full_;
  *this = simulated_store{};
  is_full_ = was_full;
}

bool simulated_store::roll_back(random_source& random) {
  if (recent_.empty())
    return false;
  auto kept = random.below(recent_.size());
  recent_.erase(recent_.begin() + static_cast<ptrdiff_t>(kept), recent_.end());
  present_ = std::make_shared<memory_store>();
  if (base_at_)
    present_->write(base_, *base_at_);
  for (const auto& one : recent_)
    present_->write(*one.rows, one.at);
  return true;
}

} // namespace berth::sim

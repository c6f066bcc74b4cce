#include "runtime/valid_decisions.hpp"

#include "messages/codec.hpp"

#include <utility>

namespace berth {

bool valid_decisions::is_valid(log_offset at,
                               const decision_record& decision) const {
  if (!epoch_)
    return at == first_;
  return epoch_ == decision.at_epoch && nonce_ == decision.nonce
         && (!seq_ || decision.seq == *seq_ + 1);
}

std::variant<std::optional<decision_record>, log_problem>
valid_decisions::take(const log_record& record) {
  auto decoded = decode<berth::record>(record.bytes);
  if (!decoded)
    return log_problem{"record " + std::to_string(record.offset) + " of shard "
                       + std::to_string(shard_.value) + " cannot be read"};
  if (const auto* claim = std::get_if<claim_record>(&decoded->body)) {
    epoch_ = epoch{record.offset};
    nonce_ = claim->nonce;
    return std::nullopt;
  }
  auto* decision = std::get_if<decision_record>(&decoded->body);
  if (decision == nullptr || !is_valid(record.offset, *decision)) {
    if (record.offset == first_)
      return log_problem{"offset " + std::to_string(first_) + " of shard "
                         + std::to_string(shard_.value)
                         + " is no position that an event had"};
    return std::nullopt;
  }
  epoch_ = decision->at_epoch;
  nonce_ = decision->nonce;
  seq_ = decision->seq;
  return std::move(*decision);
}

} // namespace berth

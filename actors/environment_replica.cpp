#include "actors/environment_replica.hpp"

#include "messages/codec.hpp"

#include <utility>

namespace berth {

bool environment_replica::on_record(log_offset offset, std::string_view bytes) {
  auto read = decode<record>(bytes);
  if (!read || read->format > record_format)
    return false;
  if (const auto* claim = std::get_if<claim_record>(&read->body)) {
    epoch_ = epoch{offset};
    nonce_ = claim->nonce;
  } else if (const auto* decision = std::get_if<decision_record>(&read->body)) {
    take(*decision);
  }
  return true;
}

void environment_replica::take(const decision_record& decision) {
  if (decision.at_epoch != epoch_ || decision.nonce != nonce_
      || decision.seq != seq_ + 1)
    return;
  seq_ = decision.seq;
  for (const auto& e : decision.events) {
    if (const auto* made = std::get_if<environment_created>(&e))
      environments_[made->object->uid] = *made->object;
    else if (const auto* updated = std::get_if<environment_updated>(&e))
      environments_[updated->object->uid] = *updated->object;
    else if (const auto* gone = std::get_if<environment_deleted>(&e))
      environments_.erase(gone->uid);
    else
      continue;
    ++version_;
  }
}

} // namespace berth

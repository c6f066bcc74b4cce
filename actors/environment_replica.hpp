// The environments that there are: the small part of the catalog that an agent
// has to know, folded from the records of shard 0. The rest of the decisions is
// passed over, so that an agent's memory does not grow with the jobs there.
#pragma once

#include "messages/catalog.hpp"
#include "messages/ids.hpp"
#include "messages/record.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

class environment_replica {
public:
  /// Records of shard 0 in offset order, from its first one on. Only valid
  /// decisions count (rule Validity). False when the record cannot be read: it
  /// is damaged, or of a newer version.
  bool on_record(log_offset offset, std::string_view bytes);

  const std::map<environment_uid, environment_object>& environments() const {
    return environments_;
  }
  /// Raised with each change of them.
  uint64_t version() const { return version_; }

private:
  void take(const decision_record& decision);

  /// Of the latest claim.
  std::optional<epoch> epoch_;
  std::string nonce_;
  uint64_t seq_ = 0;
  std::map<environment_uid, environment_object> environments_;
  uint64_t version_ = 0;
};

} // namespace berth

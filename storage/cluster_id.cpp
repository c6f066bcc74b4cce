#include "storage/cluster_id.hpp"

#include "messages/ids.hpp"

#include <array>
#include <cstring>
#include <random>

namespace berth {

std::string random_cluster_id() {
  std::random_device entropy;
  job_id id;
  for (auto& byte : id.bytes)
    byte = static_cast<uint8_t>(entropy());
  // Version 4, variant 1 (RFC 4122).
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return to_string(id);
}

} // namespace berth

#include "actors/stable_hash.hpp"

#include "messages/assert.hpp"

#include <array>
#include <string>

namespace berth {

uint64_t stable_hash(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325;
  for (auto c : text) {
    h ^= static_cast<uint8_t>(c);
    h *= 0x100000001b3;
  }
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccd;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53;
  h ^= h >> 33;
  return h;
}

uint32_t dispatch_partition(const agent_id& agent, uint32_t partitions) {
  BERTH_ASSERT(partitions > 0, "a topic has partitions");
  auto h =
      stable_hash(std::to_string(agent.environment.value) + ":" + agent.name);
  return static_cast<uint32_t>(h % partitions);
}

job_id submission_job_id(std::string_view source, log_offset offset,
                         int64_t timestamp_ms, shard_id home) {
  auto text = std::string(source) + "@" + std::to_string(offset) + "@"
              + std::to_string(timestamp_ms);
  std::array<uint8_t, 16> bytes{};
  size_t at = 0;
  for (auto half :
       {stable_hash("first/" + text), stable_hash("second/" + text)})
    for (int shift = 0; shift < 64; shift += 8)
      bytes[at++] = static_cast<uint8_t>(half >> shift);
  return make_job_id(bytes, home);
}

} // namespace berth

#include "api/random_uuid.hpp"

#include "messages/ids.hpp"

#include <array>
#include <cstring>
#include <random>

namespace berth {

namespace {

std::mt19937_64 make_generator() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(),
                     device(), device(), device(), device()};
  return std::mt19937_64{seed};
}

} // namespace

std::string random_uuid() {
  thread_local auto generator = make_generator();
  std::array<uint64_t, 2> words{generator(), generator()};
  std::array<uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), words.data(), bytes.size());
  auto node = static_cast<uint32_t>(words[0] >> 32 & 0xfff);
  return to_string(make_job_id(bytes, shard_id{node}));
}

} // namespace berth

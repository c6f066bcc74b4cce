// Input: one record of the log. What is decoded is encoded the same way twice.
#include "messages/codec.hpp"
#include "messages/record.hpp"
#include "tests/fuzz/fuzz_target.hpp"

using namespace berth;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  auto decoded = decode<record>(fuzz::text_of(data, size));
  if (!decoded)
    return 0;
  auto bytes = encode(*decoded);
  auto again = decode<record>(bytes);
  BERTH_ASSERT(again.has_value(), "what was encoded can be decoded");
  BERTH_ASSERT(encode(*again) == bytes, "and is still the same");
  return 0;
}

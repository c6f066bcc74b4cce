// Input: a stream of the keeper's socket. It is cut into frames, the same
// however it arrives, and each frame is decoded as a request and as an event.
#include "runtime/keeper_frames.hpp"

#include "messages/codec.hpp"
#include "messages/keeper_protocol.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <string>
#include <vector>

using namespace berth;

namespace {

std::vector<std::string> frames_of(std::string_view stream, std::size_t piece) {
  std::vector<std::string> frames;
  frame_reader reader;
  while (!stream.empty()) {
    reader.append(stream.substr(0, piece));
    stream.remove_prefix(std::min(piece, stream.size()));
    while (auto frame = reader.next())
      frames.emplace_back(*frame);
  }
  return frames;
}

template <class Frame>
void decode_twice(const std::string& bytes) {
  auto decoded = decode<Frame>(bytes);
  if (!decoded)
    return;
  auto encoded = encode(*decoded);
  auto again = decode<Frame>(encoded);
  BERTH_ASSERT(again.has_value(), "what was encoded can be decoded");
  BERTH_ASSERT(encode(*again) == encoded, "and is still the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  auto stream = fuzz::text_of(data, size);
  auto frames = frames_of(stream, 4096);
  BERTH_ASSERT(frames_of(stream, 3) == frames,
               "frames do not depend on how their bytes arrive");
  for (const auto& frame : frames) {
    decode_twice<keeper_request_frame>(frame);
    decode_twice<keeper_event_frame>(frame);
  }
  return 0;
}

#include "messages/codec_impl.hpp"
#include "messages/node_frames.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(node_frame)

} // namespace berth

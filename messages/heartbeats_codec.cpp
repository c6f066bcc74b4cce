#include "messages/codec_impl.hpp"
#include "messages/heartbeats.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(heartbeat)

} // namespace berth

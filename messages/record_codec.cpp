#include "messages/codec_impl.hpp"
#include "messages/record.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(record)

} // namespace berth

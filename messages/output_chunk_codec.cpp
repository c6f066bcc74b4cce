#include "messages/codec_impl.hpp"
#include "messages/output_chunk.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(output_record)

} // namespace berth

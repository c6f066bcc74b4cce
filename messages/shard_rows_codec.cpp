#include "messages/codec_impl.hpp"
#include "messages/shard_rows.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(outbox_row)
BERTH_INSTANTIATE_CODEC(inbox_row)

} // namespace berth

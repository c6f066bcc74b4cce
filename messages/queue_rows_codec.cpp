#include "messages/codec_impl.hpp"
#include "messages/queue_rows.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(queue_row)
BERTH_INSTANTIATE_CODEC(queue_entry_row)
BERTH_INSTANTIATE_CODEC(queue_lease_row)
BERTH_INSTANTIATE_CODEC(environment_row)

} // namespace berth

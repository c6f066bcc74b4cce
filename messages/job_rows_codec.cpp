#include "messages/job_rows.hpp"

#include "messages/codec_impl.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(job_spec)
BERTH_INSTANTIATE_CODEC(live_job_row)
BERTH_INSTANTIATE_CODEC(active_child_row)
BERTH_INSTANTIATE_CODEC(waiters_row)
BERTH_INSTANTIATE_CODEC(terminal_job_row)
BERTH_INSTANTIATE_CODEC(terminal_child_row)
BERTH_INSTANTIATE_CODEC(listing_row)
BERTH_INSTANTIATE_CODEC(job_tags_row)
BERTH_INSTANTIATE_CODEC(job_table_row)
BERTH_INSTANTIATE_CODEC(expiry_row)

} // namespace berth

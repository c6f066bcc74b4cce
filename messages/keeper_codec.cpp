#include "messages/codec_impl.hpp"
#include "messages/keeper_protocol.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(keeper_request_frame)
BERTH_INSTANTIATE_CODEC(keeper_event_frame)
BERTH_INSTANTIATE_CODEC(keeper_journal_record)

} // namespace berth

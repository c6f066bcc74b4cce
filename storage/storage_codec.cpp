#include "messages/codec_impl.hpp"
#include "storage/log_database.hpp"
#include "storage/store.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(checkpoint)
BERTH_INSTANTIATE_CODEC(log_description)

} // namespace berth

#include "messages/catalog_rows.hpp"
#include "messages/codec_impl.hpp"

namespace berth {

BERTH_INSTANTIATE_CODEC(catalog_counter_row)
BERTH_INSTANTIATE_CODEC(environment_object)
BERTH_INSTANTIATE_CODEC(queue_object)
BERTH_INSTANTIATE_CODEC(definition_object)
BERTH_INSTANTIATE_CODEC(request_answered)
BERTH_INSTANTIATE_CODEC(queue_name_freed)

} // namespace berth

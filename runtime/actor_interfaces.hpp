// Every typed actor of a node and what it is sent. All of them are local; what
// crosses nodes travels in the log or as encoded bytes.
#pragma once

#include "actors/draft.hpp"
#include "actors/shard.hpp"
#include "messages/calls.hpp"
#include "messages/gateway_interface.hpp"
#include "messages/keeper_protocol.hpp"
#include "messages/record.hpp"
#include "runtime/shard_driver.hpp"
#include "storage/log.hpp"
#include "storage/store.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace berth {

/// Something started earlier is due; an older generation is ignored.
struct tick {
  uint64_t generation = 0;
};
struct stop_now {};

// To a shard host.

struct records_read {
  /// The machine that the reading was started for.
  uint64_t incarnation = 0;
  std::shared_ptr<std::vector<log_record>> records;
};
struct own_append_failed {
  uint64_t incarnation = 0;
  append_outcome outcome = append_outcome::unknown;
  storage_error error;
};
struct end_known {
  uint64_t incarnation = 0;
  log_offset end = 0;
  storage_error error;
};
struct delivery_known {
  std::string destination;
  uint64_t number = 0;
  delivery what = delivery::one;
};
struct shard_calls {
  std::vector<std::pair<call_token, shard_call>> calls;
};
struct rows_written {
  storage_error error;
};
struct checkpoint_due {};
/// The log cannot be read any further.
struct reading_failed {
  uint64_t incarnation = 0;
  storage_error error;
};
/// A machine that did not come to own the shard is made anew after a pause.
struct restart_due {};
/// Runs `look` on the machine between two inputs, for metrics and audits; again
/// after the next record while it answers false.
struct inspect_shard {
  std::function<bool(const shard&)> look;
};

using shard_host_actor = caf::typed_actor<
    caf::reacts_to<records_read>, caf::reacts_to<own_append_failed>,
    caf::reacts_to<end_known>, caf::reacts_to<delivery_known>,
    caf::reacts_to<shard_calls>, caf::reacts_to<rows_written>,
    caf::reacts_to<checkpoint_due>, caf::reacts_to<reading_failed>,
    caf::reacts_to<inspect_shard>, caf::reacts_to<restart_due>,
    caf::reacts_to<tick>, caf::reacts_to<stop_now>>;

// To the writer of a shard's store; it may block.

struct write_rows {
  std::shared_ptr<const row_batch> rows;
  checkpoint at;
  shard_host_actor then;
};

using store_writer_actor =
    caf::typed_actor<caf::reacts_to<write_rows>, caf::reacts_to<stop_now>>;

// To the gateway.

struct api_request {
  caller who;
  request what;
  std::function<void(result)> answer;
};
struct shard_answers {
  std::vector<call_answer> answers;
};
/// A decision of shard 0, in log order.
struct catalog_folded {
  std::shared_ptr<const decision_record> decision;
};
/// Rows of the catalog, at start and after a reload of shard 0.
struct catalog_loaded {
  std::shared_ptr<std::vector<row>> rows;
};

/// Who hosts the shards, by number; comes before any request.
struct shards_known {
  std::vector<shard_host_actor> shards;
};

using gateway_actor =
    caf::typed_actor<caf::reacts_to<api_request>, caf::reacts_to<shard_answers>,
                     caf::reacts_to<catalog_folded>,
                     caf::reacts_to<catalog_loaded>,
                     caf::reacts_to<shards_known>, caf::reacts_to<stop_now>>;

// To the agent host.

struct dispatch_released {
  std::shared_ptr<const dispatch> what;
};
struct environments_changed {
  std::shared_ptr<std::vector<environment_object>> environments;
};
/// The environment's shard has read of it.
struct environment_ready {
  std::shared_ptr<const environment_object> what;
};
struct keeper_said {
  std::shared_ptr<const keeper_event> what;
};
struct keeper_attached {};
struct keeper_lost {
  std::string why;
};
struct report_appended {
  uint64_t token = 0;
  bool appended = false;
};
/// Ends all jobs; `done` is called when none is left.
struct end_jobs {
  std::function<void()> done;
};

using agent_host_actor = caf::typed_actor<
    caf::reacts_to<dispatch_released>, caf::reacts_to<environments_changed>,
    caf::reacts_to<environment_ready>, caf::reacts_to<keeper_said>,
    caf::reacts_to<keeper_attached>, caf::reacts_to<keeper_lost>,
    caf::reacts_to<report_appended>, caf::reacts_to<end_jobs>,
    caf::reacts_to<tick>, caf::reacts_to<stop_now>>;

} // namespace berth

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::stop_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::records_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::own_append_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::end_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::delivery_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::shard_calls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::rows_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::checkpoint_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::reading_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::inspect_shard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::restart_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::write_rows)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::api_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::shard_answers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::catalog_folded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::catalog_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::shards_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::dispatch_released)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::environments_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::environment_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::keeper_said)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::keeper_attached)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::keeper_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::report_appended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::end_jobs)

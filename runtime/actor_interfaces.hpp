// Every typed actor of a node and what it is sent. All of them are local; what
// crosses nodes travels in the log or as encoded bytes.
#pragma once

#include "actors/admission.hpp"
#include "actors/draft.hpp"
#include "actors/shard.hpp"
#include "messages/calls.hpp"
#include "messages/gateway_interface.hpp"
#include "messages/heartbeats.hpp"
#include "messages/keeper_protocol.hpp"
#include "messages/node_frames.hpp"
#include "messages/record.hpp"
#include "messages/submission.hpp"
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
/// See `shard_driver::on_sent`.
struct sending_known {
  uint64_t incarnation = 0;
  sending what;
  bool arrived = false;
};
/// See `shard_driver::on_taken`.
struct taken_known {
  std::string destination;
  uint64_t up_to = 0;
  bool and_no_more = false;
};
struct shard_calls {
  std::vector<std::pair<call_token, shard_call>> calls;
};
/// See `shard_driver::on_submissions`; `done` must not block.
struct submissions_given {
  std::string source;
  log_offset after = -1;
  std::shared_ptr<const std::vector<topic_submission>> what;
  std::function<void(submissions_standing)> done;
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
/// What a renewed store is; nothing with an error.
struct store_renewed {
  std::shared_ptr<store> renewed;
  storage_error error;
};
/// A machine that did not come to own the shard is made anew after a pause.
struct restart_due {};
/// See `shard_driver::inspect`; for metrics and audits.
struct inspect_shard {
  std::function<bool(const shard*)> look;
};

// To a shard host of a cluster's node.

/// What this node should do with the shard (`shard_driver::set_candidate`,
/// `set_followed`).
struct part_chosen {
  bool candidate = false;
  bool followed = false;
  friend bool operator==(const part_chosen&, const part_chosen&) = default;
};
/// Where does it stand? Answered by `shard_stands`.
struct stand_asked {};
/// The log's end, for the above.
struct stand_known {
  log_offset end = 0;
};
/// Of agents of this shard.
struct agent_heartbeats_read {
  std::shared_ptr<const std::vector<agent_heartbeat>> heartbeats;
};
/// Read to their end since the look was asked for.
struct heartbeats_read_to {
  uint64_t look = 0;
};
/// Whether heartbeats can be appended and read.
struct broker_seen {
  bool is_there = true;
};
/// `done` is called, and must not block, once everything that is in the log now
/// was folded here and the gateway told of it, or with the error for which that
/// cannot be known. Requires that the shard is followed.
struct fold_awaited {
  std::function<void(const storage_error&)> done;
};
struct awaited_end_known {
  std::function<void(const storage_error&)> done;
  log_offset end = 0;
  storage_error error;
};
struct watch_due {};

using shard_host_actor = caf::typed_actor<
    caf::reacts_to<part_chosen>, caf::reacts_to<stand_asked>,
    caf::reacts_to<stand_known>, caf::reacts_to<agent_heartbeats_read>,
    caf::reacts_to<heartbeats_read_to>, caf::reacts_to<broker_seen>,
    caf::reacts_to<fold_awaited>, caf::reacts_to<awaited_end_known>,
    caf::reacts_to<watch_due>, caf::reacts_to<records_read>,
    caf::reacts_to<own_append_failed>, caf::reacts_to<end_known>,
    caf::reacts_to<sending_known>, caf::reacts_to<taken_known>,
    caf::reacts_to<shard_calls>, caf::reacts_to<submissions_given>,
    caf::reacts_to<rows_written>, caf::reacts_to<store_renewed>,
    caf::reacts_to<checkpoint_due>, caf::reacts_to<reading_failed>,
    caf::reacts_to<inspect_shard>, caf::reacts_to<restart_due>,
    caf::reacts_to<tick>, caf::reacts_to<stop_now>>;

// To the writer of a shard's store; it may block.

struct write_rows {
  std::shared_ptr<const row_batch> rows;
  checkpoint at;
  shard_host_actor then;
  /// It may be copied for others.
  bool is_owner = false;
};

/// Take a copy that is farther than the store, if there is one. Nobody else may
/// have the store open; answered by `store_renewed`.
struct renew_store {
  shard_host_actor then;
};

using store_writer_actor =
    caf::typed_actor<caf::reacts_to<write_rows>, caf::reacts_to<renew_store>,
                     caf::reacts_to<stop_now>>;

// To whoever brought calls to a shard.

struct shard_answers {
  std::vector<call_answer> answers;
};

// To the door between nodes.

/// For the owner there.
struct peer_calls {
  std::string endpoint;
  std::vector<forwarded_call> calls;
};
/// A node's door, as other nodes see it: takes `node_frame`s in bytes.
using frame_actor = caf::typed_actor<caf::reacts_to<std::string>>;
/// A link to the node is there, or cannot be made; with neither a door nor a
/// problem it accepts connections.
struct peer_dialed {
  std::string endpoint;
  frame_actor door;
  std::string problem;
};

struct node_door_options;
/// What it works with.
struct door_opened {
  std::shared_ptr<const node_door_options> options;
};

using node_door_actor =
    caf::typed_actor<caf::reacts_to<std::string>, caf::reacts_to<peer_calls>,
                     caf::reacts_to<door_opened>, caf::reacts_to<peer_dialed>,
                     caf::reacts_to<shard_answers>, caf::reacts_to<stop_now>>;

// To the gateway.

/// Submissions of a topic: `done` gets what became of each, once, and must not
/// block.
struct resolve_submissions {
  std::shared_ptr<const std::vector<public_submission>> what;
  std::function<void(std::vector<resolved_submission>)> done;
};

struct api_request {
  caller who;
  request what;
  std::function<void(result)> answer;
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
  /// In a cluster.
  node_door_actor door;
};
/// In a cluster: who owns a shard, as its claims or the heartbeats say.
struct owner_known {
  shard_id of;
  std::string endpoint;
  /// A claim counts more than what heartbeats say.
  bool by_claim = false;
};
/// This node does not read the shard's claims any more.
struct shard_at_rest {
  shard_id of;
};
/// In a cluster: where its members are, this node too if it is one.
struct members_known {
  std::vector<std::string> endpoints;
};
struct peer_answers {
  std::string endpoint;
  std::vector<call_answer> answers;
};
struct peer_unreachable {
  std::string endpoint;
};

using gateway_actor = caf::typed_actor<
    caf::reacts_to<api_request>, caf::reacts_to<shard_answers>,
    caf::reacts_to<resolve_submissions>, caf::reacts_to<catalog_folded>,
    caf::reacts_to<catalog_loaded>, caf::reacts_to<shards_known>,
    caf::reacts_to<owner_known>, caf::reacts_to<shard_at_rest>,
    caf::reacts_to<members_known>, caf::reacts_to<peer_answers>,
    caf::reacts_to<peer_unreachable>, caf::reacts_to<tick>,
    caf::reacts_to<stop_now>>;

// To the host of the membership.

struct shard_stands {
  shard_id shard;
  bool is_owner = false;
  /// Folded to near the log's end.
  bool is_warm = false;
  /// Of an owner.
  owned_shard_figures figures;
};
/// Whether this node folds all shards, whatever its rank; for some time after
/// it was last wanted.
struct whole_log_wanted {
  bool is_wanted = false;
};
/// Tell the shard's host once all heartbeats of now were read.
struct heartbeats_look {
  shard_id of;
  uint64_t look = 0;
};
struct heartbeats_taken {
  std::shared_ptr<std::vector<log_record>> records;
};
/// What the topic holds when the node begins to read it.
struct heartbeats_found {
  log_offset begin = 0;
  log_offset end = 0;
};
struct heartbeats_end_known {
  shard_id of;
  uint64_t look = 0;
  log_offset end = 0;
};
/// Gives its shards to other nodes; `done` is called when it has none left.
struct leave_cluster {
  std::function<void()> done;
};
struct cluster_view;
/// Runs `look` on what the node knows of its cluster.
struct inspect_members {
  std::function<void(const cluster_view&)> look;
};

using members_host_actor = caf::typed_actor<
    caf::reacts_to<shard_stands>, caf::reacts_to<heartbeats_look>,
    caf::reacts_to<heartbeats_found>, caf::reacts_to<heartbeats_taken>,
    caf::reacts_to<heartbeats_end_known>, caf::reacts_to<leave_cluster>,
    caf::reacts_to<inspect_members>, caf::reacts_to<whole_log_wanted>,
    caf::reacts_to<tick>, caf::reacts_to<stop_now>>;

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
/// `connection`: to the keeper; what an earlier one said is of no interest.
struct keeper_said {
  uint64_t connection = 0;
  std::shared_ptr<const keeper_event> what;
};
struct keeper_lost {
  uint64_t connection = 0;
  std::string why;
};
/// What became of an append of reports or of a join.
struct report_appended {
  uint64_t token = 0;
  bool appended = false;
};
struct heartbeat_appended {
  uint64_t token = 0;
  bool appended = false;
};
struct dispatch_end_known {
  agent_id agent;
  session_id session;
  log_offset end = 0;
};
/// Records of an agent's partition of the dispatch topic.
struct dispatches_read {
  agent_id agent;
  /// An earlier one was replaced.
  uint64_t reading = 0;
  std::shared_ptr<std::vector<log_record>> records;
};
/// The output of the attempt can be read, or was waited for long enough.
struct output_settled {
  attempt_id attempt;
};
/// Going on would be wrong.
struct agent_failed {
  std::string why;
};
/// Ends all jobs; `done` is called when none is left.
struct end_jobs {
  std::function<void()> done;
};
/// Takes no more work; when what runs has ended, `done` as with `end_jobs`.
struct drain_agents {
  std::function<void()> done;
};
/// The append that failed is made again.
struct append_again {
  uint64_t token = 0;
};

using agent_host_actor = caf::typed_actor<
    caf::reacts_to<dispatch_released>, caf::reacts_to<environments_changed>,
    caf::reacts_to<environment_ready>, caf::reacts_to<keeper_said>,
    caf::reacts_to<keeper_lost>, caf::reacts_to<report_appended>,
    caf::reacts_to<heartbeat_appended>, caf::reacts_to<dispatch_end_known>,
    caf::reacts_to<dispatches_read>, caf::reacts_to<output_settled>,
    caf::reacts_to<agent_failed>, caf::reacts_to<end_jobs>,
    caf::reacts_to<drain_agents>, caf::reacts_to<append_again>,
    caf::reacts_to<tick>, caf::reacts_to<stop_now>>;

} // namespace berth

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::stop_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::records_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::own_append_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::end_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::sending_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::taken_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::shard_calls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::submissions_given)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::rows_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::checkpoint_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::reading_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::inspect_shard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::restart_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::write_rows)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::renew_store)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::store_renewed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::api_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::shard_answers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::resolve_submissions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::catalog_folded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::catalog_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::shards_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::dispatch_released)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::environments_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::environment_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::keeper_said)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::keeper_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::report_appended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::heartbeat_appended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::dispatch_end_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::dispatches_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::output_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::agent_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::end_jobs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::drain_agents)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::part_chosen)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::stand_asked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::stand_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::agent_heartbeats_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::heartbeats_read_to)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::broker_seen)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::fold_awaited)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::awaited_end_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::watch_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::owner_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::shard_at_rest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::members_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::peer_answers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::peer_unreachable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::peer_calls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::peer_dialed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::shard_stands)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::whole_log_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::heartbeats_look)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::heartbeats_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::heartbeats_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::heartbeats_end_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::leave_cluster)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::inspect_members)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::door_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::append_again)

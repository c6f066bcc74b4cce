// Every limit of what people may ask, by name. Those that come from AWS Batch
// are its quotas (AWS Batch user guide, "Service quotas").
#pragma once

#include <cstddef>
#include <cstdint>

namespace berth::limits {

constexpr size_t name_length_max = 128;
constexpr uint32_t array_size_min = 2;
constexpr uint32_t array_size_max = 10'000;
constexpr size_t dependencies_max = 20;
constexpr size_t environments_per_queue_max = 3;
constexpr size_t definition_bytes_max = 24 * 1024;
constexpr size_t submission_bytes_max = 30 * 1024;
constexpr uint32_t attempts_max = 10;
constexpr size_t retry_rules_max = 5;
constexpr size_t retry_pattern_length_max = 512;
constexpr size_t tags_max = 50;
constexpr size_t tag_key_length_max = 128;
constexpr size_t tag_value_length_max = 256;
constexpr size_t reason_length_max = 1024;
constexpr size_t describe_ids_max = 100;
constexpr size_t page_size_max = 100;
constexpr size_t job_page_size_max = 1000;
constexpr size_t snapshot_jobs_max = 100;
constexpr int64_t memory_mib_min = 4;

// The scheduler's own.

/// Jobs that one demand describes; more are told when these are granted.
constexpr size_t demand_jobs_max = 1000;
constexpr size_t demand_runs_max = 64;
/// Of these runs, how many are kept for shapes whose jobs all lie behind the
/// ones told, and how many jobs of each are told.
constexpr size_t demand_runs_beyond_max = 16;
constexpr size_t demand_jobs_beyond_max = 64;
/// Leases that one pass of an environment grants; the next pass goes on.
constexpr uint32_t grants_per_pass_max = 500;
/// Shapes that an environment has told a queue it cannot have, though they are
/// not in the queue's demand (any more); and those that can never fit.
constexpr size_t saturated_shapes_kept_max = 64;
constexpr size_t unserviceable_shapes_max = 256;
/// One decision holds at most this many bytes, events and outbox messages; one
/// input's own events may exceed it by the named fan-out.
constexpr size_t decision_bytes_max = 512 * 1024;
constexpr size_t decision_events_max = 4096;
constexpr size_t decision_outbox_max = 2048;
/// Calls and submissions that one decision looks at: about what fits, for the
/// rows of each are fetched first.
constexpr size_t decision_calls_max = 512;
/// Decisions that an owner has on their way through the log, and how many
/// inputs must wait before it makes another one behind those.
constexpr size_t decisions_in_flight_max = 3;
constexpr size_t decide_ahead_inputs_min = 256;
/// Steps of one piece of long work done by one decision.
constexpr size_t work_steps_max = 1000;
/// Deliveries are recorded with the next decision, or alone after this time.
constexpr int64_t delivery_record_delay_ms = 1000;
/// Pause before outbox messages are sent again after an error.
constexpr int64_t send_again_delay_ms = 100;
/// Inputs that wait for an owner; more make the gateway answer 429.
constexpr size_t waiting_inputs_max = 65'536;
/// A page of a listing looks at no more rows than this.
constexpr size_t listing_scan_max = 10'000;
/// How long a mutation's answer is remembered (rule "Ids make retries safe").
constexpr int64_t request_memory_ms = 15 * 60 * 1000;
constexpr size_t request_memory_max = 100'000;

} // namespace berth::limits

// Identifiers. Strong types: no bare integer or string stands for an identity
// in a signature.
#pragma once

#include "messages/fields.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

template <class Tag, class Value = uint64_t>
struct number_id {
  Value value = 0;
  friend auto operator<=>(const number_id&, const number_id&) = default;
  friend bool operator==(const number_id&, const number_id&) = default;
};

/// A partition of `berth.log` and the virtual actors that live in it.
using shard_id = number_id<struct shard_tag, uint32_t>;
/// Queues, environments and definitions are configured there.
constexpr shard_id catalog_shard{0};
/// Position of a record in its partition; the first is 0.
using log_offset = int64_t;
/// Offset of the claim under which a decision was made (rule Claim).
using epoch = number_id<struct epoch_tag, int64_t>;
/// Given by the catalog to each object at its creation, never used again.
using environment_uid = number_id<struct environment_tag>;
using queue_uid = number_id<struct queue_tag>;
/// A lease is numbered by its environment, for the uid's whole life.
using lease_id = number_id<struct lease_tag>;

/// 128 bits, printed as a lower-case UUID; 12 of them name the shard.
struct job_id {
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const job_id&, const job_id&) = default;
  friend bool operator==(const job_id&, const job_id&) = default;
};

/// The shard named in 12 of the id's bits (bytes 4 and 5, low 12 bits).
shard_id shard_of(const job_id& id);
/// An id made of a 128-bit hash, with the shard put in its place and the
/// version and variant bits of a random UUID (RFC 4122, version 4) set.
job_id make_job_id(const std::array<uint8_t, 16>& hash, shard_id shard);
std::string to_string(const job_id& id);
std::optional<job_id> parse_job_id(std::string_view text);

constexpr int32_t no_index = -1;

/// A job, or one child of an array job.
struct job_key {
  job_id id;
  int32_t index = no_index;
  BERTH_FIELDS(id, index)
  bool is_child() const { return index != no_index; }
  friend auto operator<=>(const job_key&, const job_key&) = default;
  friend bool operator==(const job_key&, const job_key&) = default;
};

/// `<uuid>` or `<uuid>:<index>`, as AWS Batch prints them.
std::string to_string(const job_key& key);
std::optional<job_key> parse_job_key(std::string_view text);

/// Attempts are numbered from 1, as AWS_BATCH_JOB_ATTEMPT is.
struct attempt_id {
  job_key job;
  uint32_t number = 0;
  BERTH_FIELDS(job, number)
  friend auto operator<=>(const attempt_id&, const attempt_id&) = default;
  friend bool operator==(const attempt_id&, const attempt_id&) = default;
};

/// An agent of an environment; the name is unique in that environment.
struct agent_id {
  environment_uid environment;
  std::string name;
  BERTH_FIELDS(environment, name)
  friend auto operator<=>(const agent_id&, const agent_id&) = default;
  friend bool operator==(const agent_id&, const agent_id&) = default;
};

/// Rule Sessions: (start of the keeper, number of its lease). Both grow.
struct session_id {
  uint64_t keeper_start = 0;
  uint64_t lease_number = 0;
  BERTH_FIELDS(keeper_start, lease_number)
  friend auto operator<=>(const session_id&, const session_id&) = default;
  friend bool operator==(const session_id&, const session_id&) = default;
};

struct account_region {
  std::string account;
  std::string region;
  BERTH_FIELDS(account, region)
  friend auto operator<=>(const account_region&,
                          const account_region&) = default;
  friend bool operator==(const account_region&,
                         const account_region&) = default;
};

} // namespace berth

template <class Tag, class Value>
struct std::hash<berth::number_id<Tag, Value>> {
  size_t operator()(const berth::number_id<Tag, Value>& id) const noexcept {
    return std::hash<Value>{}(id.value);
  }
};

template <>
struct std::hash<berth::job_id> {
  size_t operator()(const berth::job_id& id) const noexcept;
};

template <>
struct std::hash<berth::job_key> {
  size_t operator()(const berth::job_key& key) const noexcept {
    return std::hash<berth::job_id>{}(key.id)
           ^ (static_cast<size_t>(static_cast<uint32_t>(key.index))
              * 0x9e3779b97f4a7c15ULL);
  }
};

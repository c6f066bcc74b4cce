// Where jobs go: the agents of one environment during one pass. Packs: of the
// agents that can take a job now, the one with the least free vCPUs, then the
// least free memory, then the first by name. Deterministic; knows nothing of
// queues beyond who asks.
#pragma once

#include "messages/actor_messages.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace berth {

/// Jobs of one queue and shape; reservations belong to such.
struct head_key {
  queue_uid queue;
  shape what;
  BERTH_FIELDS(queue, what)
  friend auto operator<=>(const head_key&, const head_key&) = default;
  friend bool operator==(const head_key&, const head_key&) = default;
};

/// So many jobs on one agent.
struct placed_stretch {
  std::string agent;
  session_id session;
  uint32_t count = 0;
};

/// Why jobs of a shape cannot be placed now.
enum class placement_refusal : uint8_t {
  /// They can.
  none = 0,
  /// No agent has that much free.
  no_room = 1,
  /// Only agents that are kept for an older job have.
  reserved_for_others = 2,
  /// The environment's vCPUs in use would exceed its maximum.
  over_maximum = 3,
};

class placement {
public:
  /// `vcpu_milli_left`: what may still be leased in all; nothing = no bound.
  explicit placement(std::optional<int64_t> vcpu_milli_left)
      : vcpu_milli_left_(vcpu_milli_left) {}

  /// The references must outlive the pass.
  void add_agent(const std::string& name, session_id session,
                 const resources& capacity, const resources& free);

  /// Keeps the agents, and as much of the vCPUs that are left as the job needs,
  /// for the head until `unreserve`. Heads that were kept room for earlier come
  /// first: only theirs is missing for a later one.
  void reserve(const head_key& head, const std::vector<std::string>& agents);
  /// Whether anything was kept.
  bool unreserve(const head_key& head);

  /// Takes room for at most `count` jobs; what could be had is returned, fewer
  /// when room runs out.
  std::vector<placed_stretch> place(const head_key& jobs, uint32_t count);

  placement_refusal refusal(const head_key& jobs) const;

  /// Whether any agent could hold the shape if it were empty.
  bool could_hold(const shape& what) const;
  /// The agent to keep for the head: of those that could hold it and are kept
  /// for nobody, the one that lacks the smallest part of what the job needs.
  std::optional<std::string> choose_reservation(const shape& what) const;

private:
  struct agent {
    const std::string* name;
    session_id session;
    const resources* capacity;
    resources free;
    std::optional<head_key> kept_for;
    bool open_to(const head_key& jobs) const {
      return !kept_for || *kept_for == jobs;
    }
  };
  bool has_reservation(const head_key& head) const;
  int64_t times_within_maximum(const head_key& jobs, int64_t limit) const;

  std::vector<agent> agents_;
  std::optional<int64_t> vcpu_milli_left_;
  std::vector<head_key> reserved_;
  /// Shapes that fit no open agent. Room only shrinks during a pass, except by
  /// `unreserve`.
  std::set<shape> without_room_;
};

} // namespace berth

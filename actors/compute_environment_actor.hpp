// A compute environment: its agents and their free resources, the demand of
// its queues, its limits. It decides which queue is served, and on which agent.
#pragma once

#include "actors/draft.hpp"
#include "messages/catalog.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// Times of a node that environments use where their settings name none.
struct environment_defaults {
  int64_t head_wait_ms = 60'000;
};

class compute_environment_actor {
public:
  explicit compute_environment_actor(const environment_configured& first);
  ~compute_environment_actor();
  compute_environment_actor(compute_environment_actor&&) noexcept;
  compute_environment_actor& operator=(compute_environment_actor&&) noexcept;

  /// Set by whoever hosts it, before the first pass; not part of the state.
  void set_defaults(const environment_defaults& defaults);

  void decide(const configure_environment&, const decision_context&,
              draft&) const;
  /// Takes effect when no lease is left: `environment_dropped` follows.
  void decide(const remove_environment&, const decision_context&, draft&) const;
  void decide(const demand&, const decision_context&, draft&) const;
  void decide(const release&, const decision_context&, draft&) const;
  /// A session newer than the known one ends that and its leases, once. Within
  /// the known one, no capacity says that the agent drains: its leases stay and
  /// it is given no more; any capacity says that it takes work again, as much
  /// as it first offered in it.
  void decide(const agent_joins&, const decision_context&, draft&) const;
  /// Ends the session and its leases, if it is the present one.
  void decide(const agent_lost_call&, draft&) const;

  /// Placing is a pass over the whole picture at the end of a run of inputs:
  /// highest queue priority first, then the oldest run; `head_wait` and
  /// reservations; then grants and changed saturations. Emits nothing when
  /// nothing changes. Grants at most `limits::grants_per_pass_max` leases: it
  /// must be called again, in this decision or the next, until it is settled.
  void pass(const decision_context&, draft&) const;
  /// Another pass would emit nothing before `next_due_ms`.
  bool is_settled() const;

  void apply(const environment_configured&);
  void apply(const agent_joined&);
  void apply(const agent_session_ended&);
  void apply(const demand_noted&);
  void apply(const leases_granted&);
  void apply(const leases_freed&);
  void apply(const saturation_told&);
  void apply(const head_blocked&);
  void apply(const head_unblocked&);
  void apply(const agents_reserved&);

  environment_uid uid() const;
  const environment_object& object() const;
  /// When a pass is due by time alone (a `head_wait` runs out); nothing =
  /// never.
  std::optional<int64_t> next_due_ms() const;

  struct agent_view {
    std::string name;
    session_id session;
    resources capacity;
    resources free;
    bool reserved = false;
    bool drains = false;
  };
  std::vector<agent_view> agents() const;
  /// vCPUs of all leases, in thousandths.
  int64_t vcpu_milli_leased() const;
  /// MANAGED: what the unmet and met demand asks for, between minimum and
  /// maximum, in vCPUs.
  int64_t desired_vcpus() const;
  /// For `why`: highest priority of other queues' demands that this shape's
  /// resources go to first, if any; and whether agents are kept for an older
  /// job of another shape or queue.
  struct contention {
    std::optional<int32_t> higher_priority;
    std::string reserved_for;
  };
  contention contention_for(queue_uid queue, const shape& what) const;

  std::string to_row() const;
  static std::optional<compute_environment_actor>
  from_row(std::string_view bytes);

  void check_invariants() const;
  void add_to(state_hash& hash) const;

private:
  struct state;
  friend class environment_pass;
  void end_session(const agent_id&, session_id, draft&) const;
  bool drops_with(const std::string& agent, draft&) const;

  std::unique_ptr<state> state_;
};

} // namespace berth

// The reports that a keeper owes: numbered without gaps per (agent's session,
// destination shard), kept until they are acknowledged (rule Outbox).
#pragma once

#include "messages/keeper_protocol.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

namespace berth {

/// Reports in one frame, so that it stays below `keeper_frame_bytes_max`.
constexpr size_t keeper_reports_per_frame_max = 500;

class report_outbox {
public:
  /// `earlier`: what the journal holds of sessions that are over.
  explicit report_outbox(const std::vector<keeper_reports>& earlier);

  void add(const agent_id& agent, const session_id& session,
           shard_id destination, attempt_report body);
  /// Forgets what was acknowledged; returns up to which number, 0 = nothing
  /// new. What was never sent cannot have been acknowledged.
  uint64_t acknowledge(const keeper_reports_acknowledged& request);
  /// The agent forgot what it was told: all is to be sent again.
  void send_again();

  /// Whether reports of the agent, of any session, are unacknowledged.
  bool owes(const agent_id& agent) const;
  /// Forgets the numbers of the agent's sessions that owe nothing, but for one
  /// that goes on.
  void forget_settled(const agent_id& agent,
                      const std::optional<session_id>& goes_on);

  /// Reports since the last call, to be put in the journal.
  std::vector<keeper_reports> take_unkept();
  /// Reports not sent yet, to be sent; those of earlier sessions first.
  std::vector<keeper_reports> take_unsent();
  /// Everything unacknowledged.
  std::vector<keeper_reports> all() const;
  size_t size() const { return size_; }

  void check_invariants() const;

private:
  /// Agent, session, destination shard.
  using box_key = std::tuple<agent_id, session_id, uint32_t>;
  struct box {
    uint64_t last = 0;
    uint64_t kept_up_to = 0;
    uint64_t sent_up_to = 0;
    std::deque<numbered_report> unacknowledged;
  };
  static void collect(const box_key& key, const box& b, uint64_t after,
                      std::vector<keeper_reports>& out);
  std::map<box_key, box>::iterator first_of(const agent_id& agent);

  std::map<box_key, box> boxes_;
  size_t size_ = 0;
  bool has_unkept_ = false;
  bool has_unsent_ = false;
};

} // namespace berth

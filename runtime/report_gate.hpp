// Holds back the report of an attempt's end until its output can be read, so
// that whoever learns of the end finds the output. Reports of one lane (session
// and destination) keep their order, so later ones wait, too.
#pragma once

#include "messages/keeper_protocol.hpp"

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <vector>

namespace berth {

class report_gate {
public:
  /// `ship` is told once of each attempt whose end waits; answer it by
  /// `on_settled`. Without it nothing is held back.
  explicit report_gate(std::function<void(const attempt_id&)> ship = {})
      : ship_(std::move(ship)) {}

  void take(const keeper_reports& r);
  void on_settled(const attempt_id& attempt);
  /// What may go on, in order.
  std::vector<keeper_reports> release();
  /// The connection to the keeper is lost: it will say everything again.
  void clear();

private:
  using lane = std::tuple<agent_id, session_id, shard_id>;

  bool waits(const numbered_report& r) const;

  std::function<void(const attempt_id&)> ship_;
  std::map<lane, std::deque<numbered_report>> lanes_;
  std::set<attempt_id> shipping_;
};

} // namespace berth

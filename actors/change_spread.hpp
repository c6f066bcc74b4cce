// Whom a change of the catalog waits for: it is answered once every member's
// replica has folded it, so that whoever made it finds it made at any node.
// Pure: a host asks the members and brings their answers.
#pragma once

#include "actors/draft.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace berth {

struct change_spread_settings {
  /// Of this node, which always is one of those that are waited for.
  std::string endpoint;
  /// A member that has not answered for so long is not waited for. It is about
  /// to be no member any more, or lags far behind.
  int64_t patience_ms = 2'000;
};

/// Have that member answer once its replica has folded what the log of shard 0
/// holds now (a `barrier_call` to that shard).
struct ask_member_effect {
  std::string endpoint;
  call_token token = 0;
};
/// Nobody is waited for any more.
struct change_settled_effect {
  call_token token = 0;
};
using change_spread_effect =
    std::variant<ask_member_effect, change_settled_effect>;

class change_spread {
public:
  explicit change_spread(change_spread_settings settings);

  // Inputs.

  /// CLOCK_BOOTTIME of this machine; comes before what happened at that time.
  void on_clock(int64_t boottime_ms);
  /// Endpoints of all members. Who is none any more is not waited for.
  void on_members(std::vector<std::string> endpoints);
  /// The change can be read in the log. Each token comes once.
  void on_change(call_token token);
  /// The member's answer; false when the token is none of those that wait.
  bool on_answer(const std::string& from, call_token token, bool has_folded);
  /// No connection to that node: clients reach it no more than this one does.
  void on_unreachable(const std::string& endpoint);

  std::vector<change_spread_effect> take_effects();
  /// When `on_clock` is due next.
  std::optional<int64_t> next_due_boottime_ms() const;

private:
  struct open_change {
    int64_t given_up_ms = 0;
    std::set<std::string> awaited;
  };
  using open_changes = std::map<call_token, open_change>;
  /// Gives the one after it.
  open_changes::iterator settle(open_changes::iterator change);
  template <class Predicate>
  void stop_waiting_for(Predicate is_gone);

  change_spread_settings settings_;
  int64_t boottime_ms_ = 0;
  std::set<std::string> members_;
  open_changes open_;
  std::vector<change_spread_effect> effects_;
};

} // namespace berth

// What was answered of the catalog holds at every node.
#include "tests/sim/checks.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace berth::sim {

namespace {

/// What a call did to revisions of a definition.
struct revision_change {
  std::string definition;
  uint32_t revision = 0;
  bool is_registration = false;
  sim_time answered_at = 0;
  std::set<uint32_t> excused;
};

class changes_hold_everywhere_checker final : public log_checker {
public:
  explicit changes_hold_everywhere_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "changes_hold_everywhere"; }
  std::string_view promise() const override {
    return "A submission by a definition's name is taken with the newest "
           "active revision, as all changes have it that were answered before "
           "it was sent, whichever node they were made at.";
  }

private:
  struct submission {
    std::string definition;
    /// Its tries: when, and at which node.
    std::vector<std::pair<sim_time, uint32_t>> tries;
  };

  void on_decision(const decided& d) override {
    for_each_event(d, event_cases{[&](const job_submitted& e) { judge(d, e); },
                                  [&](const definition_deregistered& e) {
                                    inactive_.insert({e.name, e.revision});
                                  }});
  }

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<call_sent>(&e.what)) {
      if (!s->what)
        return;
      if (const auto* asked = std::get_if<submit_job_request>(&*s->what)) {
        auto& one = submissions_[asked->name];
        one.definition = asked->definition;
        one.tries.emplace_back(e.at, s->node);
      }
      calls_[s->call] = s->what;
    } else if (const auto* over = std::get_if<change_spread_over>(&e.what)) {
      excused_[over->invocation_id].insert(over->excused.begin(),
                                           over->excused.end());
    } else if (const auto* a = std::get_if<call_answered>(&e.what)) {
      take_answer(e.at, *a);
    }
  }

  void take_answer(sim_time at, const call_answered& a) {
    auto call = calls_.find(a.call);
    if (call == calls_.end() || !a.answer
        || !std::holds_alternative<response>(*a.answer))
      return;
    auto what = call->second;
    calls_.erase(call);
    revision_change change;
    if (std::holds_alternative<register_definition_request>(*what)) {
      const auto* made =
          std::get_if<object_response>(&std::get<response>(*a.answer));
      if (made == nullptr)
        return;
      change.definition = made->name;
      change.revision = made->revision;
      change.is_registration = true;
    } else if (const auto* gone =
                   std::get_if<deregister_definition_request>(&*what)) {
      auto colon = gone->definition.find(':');
      change.definition = gone->definition.substr(0, colon);
      change.revision =
          static_cast<uint32_t>(std::stoul(gone->definition.substr(colon + 1)));
    } else {
      return;
    }
    change.answered_at = at;
    change.excused = excused_["call-" + std::to_string(a.call)];
    changes_.push_back(std::move(change));
  }

  /// Each try was made after it, at a node that it had waited for.
  static bool holds(const revision_change& c, const submission& s) {
    return c.definition == s.definition
           && std::all_of(s.tries.begin(), s.tries.end(), [&](const auto& one) {
                return one.first > c.answered_at
                       && c.excused.count(one.second) == 0;
              });
  }

  void judge(const decided& d, const job_submitted& e) {
    auto found = submissions_.find(e.spec->name);
    if (found == submissions_.end() || found->second.tries.empty()
        || found->second.definition != e.spec->definition_name)
      return;
    uint32_t newest = 0;
    std::set<uint32_t> gone;
    for (const auto& c : changes_) {
      if (!holds(c, found->second))
        continue;
      if (c.is_registration)
        newest = std::max(newest, c.revision);
      else
        gone.insert(c.revision);
    }
    auto taken = e.spec->definition_revision;
    auto name = [&](uint32_t revision) {
      return e.spec->definition_name + ":" + std::to_string(revision);
    };
    if (gone.count(taken) != 0)
      violated(d.at,
               "job " + e.spec->name + " is taken with " + name(taken)
                   + ", which was deregistered before (" + place(d) + ")",
               e.id);
    // A gateway may know that the newest one is gone before that is answered.
    else if (taken < newest
             && inactive_.count({e.spec->definition_name, newest}) == 0)
      violated(d.at,
               "job " + e.spec->name + " is taken with " + name(taken)
                   + ", but " + name(newest) + " was registered before ("
                   + place(d) + ")",
               e.id);
  }

  std::map<uint64_t, std::shared_ptr<const request>> calls_;
  std::map<std::string, std::set<uint32_t>> excused_;
  std::vector<revision_change> changes_;
  /// As the log has it, answered or not.
  std::set<std::pair<std::string, uint32_t>> inactive_;
  std::map<std::string, submission> submissions_;
};

} // namespace

made_checker changes_hold_everywhere(const check_context& c) {
  return std::make_unique<changes_hold_everywhere_checker>(c);
}

} // namespace berth::sim

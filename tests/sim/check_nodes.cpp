// What nodes do that cannot go on, and what attempts leave behind.
#include "tests/sim/checks.hpp"

#include <map>
#include <set>

namespace berth::sim {

namespace {

class full_stores_stop_checker final : public log_checker {
public:
  explicit full_stores_stop_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "full_stores_stop"; }
  std::string_view promise() const override {
    return "A node whose store takes nothing says why and stops, before it "
           "does anything else; there is no checkpoint but those that were "
           "taken.";
  }

private:
  void on_other(const history_entry& e) override {
    if (const auto* r = std::get_if<store_refused>(&e.what))
      refused_.emplace(r->node, *r);
    else if (const auto* f = std::get_if<node_failed>(&e.what))
      judge_failure(e.at, *f);
    else if (const auto* c = std::get_if<checkpoint_written>(&e.what))
      expect_none(e.at, c->node, "writes a checkpoint");
    else if (const auto* s = std::get_if<dispatch_sent>(&e.what))
      expect_none(e.at, s->node, "sends a dispatch");
    else if (const auto* o = std::get_if<shard_owned>(&e.what))
      expect_none(e.at, o->node, "owns a shard");
  }

  void judge_failure(sim_time at, const node_failed& f) {
    auto found = refused_.find(f.node);
    if (found == refused_.end())
      return;
    if (f.why.find(found->second.why) == std::string::npos)
      violated(at, "node " + std::to_string(f.node) + " stops because " + f.why
                       + ", but its store said that " + found->second.why);
    refused_.erase(found);
  }

  void expect_none(sim_time at, uint32_t node, const char* what) {
    if (refused_.count(node) != 0)
      violated(at, "node " + std::to_string(node) + " " + what
                       + ", though its store took nothing");
  }

  /// By node: what it has not said yet.
  std::map<uint32_t, store_refused> refused_;
};

class newer_formats_refused_checker final : public log_checker {
public:
  explicit newer_formats_refused_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "newer_formats_refused"; }
  std::string_view promise() const override {
    return "A node that reads a record of a newer format than it knows stops "
           "and says so; it folds nothing from there on. One that knows the "
           "format does not stop for it.";
  }

private:
  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<node_started>(&e.what)) {
      formats_[s->node] = s->format;
    } else if (const auto* d = std::get_if<decision_folded>(&e.what)) {
      // Folds that no node makes know every format.
      if (formats_.count(d->node) == 0)
        return;
      if (auto first = first_newer(d->shard, format_of(d->node));
          first && *first <= d->offset)
        violated(e.at, "node " + std::to_string(d->node) + " folds up to shard "
                           + std::to_string(d->shard.value) + ", offset "
                           + std::to_string(d->offset)
                           + ", but cannot read offset "
                           + std::to_string(*first));
    } else if (const auto* f = std::get_if<node_failed>(&e.what)) {
      judge_failure(e.at, *f);
    }
  }

  uint32_t format_of(uint32_t node) const {
    auto found = formats_.find(node);
    return found == formats_.end() ? record_format : found->second;
  }

  /// Of what is in the log that such a node does not know.
  std::optional<log_offset> first_newer(shard_id shard, uint32_t format) {
    auto& known = first_newer_[{shard, format}];
    const auto& all = judge().all(shard);
    for (; !known.found && known.looked_at < all.size(); ++known.looked_at) {
      const auto& record = all[known.looked_at].what_it_says;
      if (record != nullptr && record->format > format)
        known.found = static_cast<log_offset>(known.looked_at);
    }
    return known.found;
  }

  void judge_failure(sim_time at, const node_failed& f) {
    if (f.why.find("newer version") == std::string::npos)
      return;
    for (const auto& [shard, all] : judge().shards())
      if (first_newer(shard, format_of(f.node)))
        return;
    violated(at, "node " + std::to_string(f.node)
                     + " stops because of a newer format (" + f.why
                     + "), but there is none that it does not know");
  }

  struct looked {
    size_t looked_at = 0;
    std::optional<log_offset> found;
  };
  std::map<uint32_t, uint32_t> formats_;
  std::map<std::pair<shard_id, uint32_t>, looked> first_newer_;
};

class attempts_leave_nothing_checker final : public log_checker {
public:
  explicit attempts_leave_nothing_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "attempts_leave_nothing"; }
  std::string_view promise() const override {
    return "An attempt has ended, as the log says by its keeper's report, only "
           "when all processes are gone that it forked; and all are in the "
           "end.";
  }

  void on_end(sim_time at) override {
    for (const auto& [attempt, pids] : children_)
      if (!pids.empty())
        violated(at,
                 "process " + std::to_string(*pids.begin()) + ", which attempt "
                     + std::to_string(attempt.number) + " of "
                     + to_string(attempt.job) + " has forked, is still there",
                 attempt.job.id);
  }

private:
  void on_decision(const decided& d) override {
    for_each_event(d, event_cases{[&](const attempt_finished& e) {
                     auto found = children_.find(e.attempt);
                     if (found == children_.end() || found->second.empty()
                         || e.end == attempt_end::lost)
                       return;
                     violated(d.at,
                              "attempt " + std::to_string(e.attempt.number)
                                  + " of " + to_string(e.attempt.job)
                                  + " has ended (" + place(d)
                                  + "), but process "
                                  + std::to_string(*found->second.begin())
                                  + " that it forked is alive",
                              e.attempt.job.id);
                   }});
  }

  void on_other(const history_entry& e) override {
    if (const auto* s = std::get_if<child_started>(&e.what))
      children_[s->attempt].insert(s->pid);
    else if (const auto* x = std::get_if<child_ended>(&e.what))
      children_[x->attempt].erase(x->pid);
  }

  std::map<attempt_id, std::set<uint64_t>> children_;
};

} // namespace

made_checker full_stores_stop(const check_context& c) {
  return std::make_unique<full_stores_stop_checker>(c);
}
made_checker newer_formats_refused(const check_context& c) {
  return std::make_unique<newer_formats_refused_checker>(c);
}
made_checker attempts_leave_nothing(const check_context& c) {
  return std::make_unique<attempts_leave_nothing_checker>(c);
}

} // namespace berth::sim

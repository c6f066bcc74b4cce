// What checkers that look at the log's valid decisions have in common.
#pragma once

#include "tests/sim/checker.hpp"
#include "tests/sim/log_judge.hpp"

#include <memory>
#include <utility>
#include <variant>

namespace berth::sim {

/// A valid decision, at the moment when it came to be in the log.
struct decided {
  sim_time at = 0;
  shard_id shard;
  log_offset offset = 0;
  const decision_record& what;
};

/// `shard 1, offset 17`
inline std::string place(const decided& d) {
  return "shard " + std::to_string(d.shard.value) + ", offset "
         + std::to_string(d.offset);
}

/// Calls what takes the event; others are passed over.
template <class... F>
struct event_cases : F... {
  using F::operator()...;
  template <class Event>
  void operator()(const Event&) const {}
};
template <class... F>
event_cases(F...) -> event_cases<F...>;

template <class Cases>
void for_each_event(const decided& d, const Cases& cases) {
  for (const auto& e : d.what.events)
    std::visit(cases, e);
}

class log_checker : public checker {
public:
  /// The judge may be shared by all checkers of a run.
  explicit log_checker(std::shared_ptr<log_judge> judge)
      : judge_(std::move(judge)) {}

  void on(const history_entry& e) final {
    judge_->take(e);
    const auto* r = std::get_if<record_in_log>(&e.what);
    if (r == nullptr)
      return on_other(e);
    if (const auto* d = std::get_if<decision_record>(&r->what->body)) {
      if (judge_->find(r->shard, r->offset)->what == verdict::valid)
        on_decision({e.at, r->shard, r->offset, *d});
    } else if (const auto* m = std::get_if<message_record>(&r->what->body)) {
      on_message(e.at, *r, *m);
    }
  }
  void on_end(sim_time) override {}

protected:
  virtual void on_decision(const decided&) {}
  virtual void on_message(sim_time, const record_in_log&,
                          const message_record&) {}
  /// All that is not a record.
  virtual void on_other(const history_entry&) {}

  const log_judge& judge() const { return *judge_; }

private:
  std::shared_ptr<log_judge> judge_;
};

} // namespace berth::sim

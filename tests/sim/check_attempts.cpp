// Attempts and the processes that they are.
#include "tests/sim/checks.hpp"

#include <map>

namespace berth::sim {

namespace {

std::string named(const attempt_id& a) {
  return "attempt " + std::to_string(a.number) + " of " + to_string(a.job);
}

class attempt_starts_once_checker final : public log_checker {
public:
  explicit attempt_starts_once_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "attempt_starts_once"; }
  std::string_view promise() const override {
    return "An attempt has one process at most, wherever and however often its "
           "dispatch arrives.";
  }

private:
  void on_other(const history_entry& e) override {
    const auto* s = std::get_if<process_started>(&e.what);
    if (s == nullptr)
      return;
    auto [first, is_new] = started_.try_emplace(s->attempt, s->pid);
    if (!is_new)
      violated(e.at,
               named(s->attempt) + " started as process "
                   + std::to_string(first->second) + " and again as "
                   + std::to_string(s->pid) + " on machine "
                   + std::to_string(s->machine),
               s->attempt.job.id);
  }

  std::map<attempt_id, uint64_t> started_;
};

} // namespace

made_checker attempt_starts_once(const check_context& c) {
  return std::make_unique<attempt_starts_once_checker>(c);
}

} // namespace berth::sim

#include "runtime/report_gate.hpp"

#include <utility>

namespace berth {

void report_gate::take(const keeper_reports& r) {
  auto& waiting = lanes_[{r.agent, r.session, r.destination}];
  for (const auto& report : r.reports) {
    waiting.push_back(report);
    const auto* ended = std::get_if<attempt_ended_report>(&report.body);
    if (ship_ && ended != nullptr && shipping_.insert(ended->attempt).second)
      ship_(ended->attempt);
  }
}

void report_gate::on_settled(const attempt_id& attempt) {
  shipping_.erase(attempt);
}

bool report_gate::waits(const numbered_report& r) const {
  const auto* ended = std::get_if<attempt_ended_report>(&r.body);
  return ended != nullptr && shipping_.count(ended->attempt) != 0;
}

std::vector<keeper_reports> report_gate::release() {
  std::vector<keeper_reports> released;
  for (auto at = lanes_.begin(); at != lanes_.end();) {
    auto& waiting = at->second;
    const auto& [agent, session, destination] = at->first;
    keeper_reports batch{agent, session, destination, {}};
    while (!waiting.empty() && !waits(waiting.front())) {
      batch.reports.push_back(std::move(waiting.front()));
      waiting.pop_front();
    }
    if (!batch.reports.empty())
      released.push_back(std::move(batch));
    at = waiting.empty() ? lanes_.erase(at) : std::next(at);
  }
  return released;
}

void report_gate::clear() {
  lanes_.clear();
}

} // namespace berth

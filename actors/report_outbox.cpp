#include "actors/report_outbox.hpp"

#include "messages/assert.hpp"
#include "messages/simulation.hpp"

#include <algorithm>
#include <utility>

namespace berth {

report_outbox::report_outbox(const std::vector<keeper_reports>& earlier) {
  for (const auto& batch : earlier) {
    auto& b = boxes_[{batch.agent, batch.session, batch.destination.value}];
    for (const auto& r : batch.reports) {
      b.unacknowledged.push_back(r);
      b.last = r.number;
      ++size_;
    }
    b.kept_up_to = b.last;
  }
  has_unsent_ = size_ > 0;
}

void report_outbox::add(const agent_id& agent, const session_id& session,
                        shard_id destination, attempt_report body) {
  auto& b = boxes_[{agent, session, destination.value}];
  b.unacknowledged.push_back({++b.last, std::move(body)});
  ++size_;
  has_unkept_ = true;
  has_unsent_ = true;
}

uint64_t
report_outbox::acknowledge(const keeper_reports_acknowledged& request) {
  auto found =
      boxes_.find({request.agent, request.session, request.destination.value});
  if (found == boxes_.end())
    return 0;
  auto& b = found->second;
  auto up_to = std::min(request.up_to, b.sent_up_to);
  bool is_new = false;
  while (!b.unacknowledged.empty()
         && b.unacknowledged.front().number <= up_to) {
    b.unacknowledged.pop_front();
    --size_;
    is_new = true;
  }
  return is_new ? up_to : 0;
}

void report_outbox::send_again() {
  for (auto& [key, b] : boxes_)
    b.sent_up_to = 0;
  has_unsent_ = true;
}

std::map<report_outbox::box_key, report_outbox::box>::iterator
report_outbox::first_of(const agent_id& agent) {
  return boxes_.lower_bound({agent, session_id{}, 0});
}

bool report_outbox::owes(const agent_id& agent) const {
  auto at = boxes_.lower_bound({agent, session_id{}, 0});
  for (; at != boxes_.end() && std::get<0>(at->first) == agent; ++at)
    if (!at->second.unacknowledged.empty())
      return true;
  return false;
}

void report_outbox::forget_settled(const agent_id& agent,
                                   const std::optional<session_id>& goes_on) {
  auto at = first_of(agent);
  while (at != boxes_.end() && std::get<0>(at->first) == agent) {
    bool stays =
        !at->second.unacknowledged.empty() || goes_on == std::get<1>(at->first);
    at = stays ? std::next(at) : boxes_.erase(at);
  }
}

void report_outbox::collect(const box_key& key, const box& b, uint64_t after,
                            std::vector<keeper_reports>& out) {
  keeper_reports batch{
      std::get<0>(key), std::get<1>(key), shard_id{std::get<2>(key)}, {}};
  if (b.unacknowledged.empty())
    return;
  auto first = b.unacknowledged.front().number;
  auto skip = after < first ? 0 : after - first + 1;
  for (auto i = skip; i < b.unacknowledged.size(); ++i) {
    batch.reports.push_back(b.unacknowledged[i]);
    if (batch.reports.size() == keeper_reports_per_frame_max
        || rarely("one report per frame")) {
      out.push_back(batch);
      batch.reports.clear();
    }
  }
  if (!batch.reports.empty())
    out.push_back(std::move(batch));
}

std::vector<keeper_reports> report_outbox::take_unkept() {
  std::vector<keeper_reports> out;
  if (!std::exchange(has_unkept_, false))
    return out;
  for (auto& [key, b] : boxes_) {
    collect(key, b, b.kept_up_to, out);
    b.kept_up_to = b.last;
  }
  return out;
}

std::vector<keeper_reports> report_outbox::take_unsent() {
  std::vector<keeper_reports> out;
  if (!std::exchange(has_unsent_, false))
    return out;
  for (auto& [key, b] : boxes_) {
    collect(key, b, b.sent_up_to, out);
    b.sent_up_to = b.last;
  }
  return out;
}

std::vector<keeper_reports> report_outbox::all() const {
  std::vector<keeper_reports> out;
  for (const auto& [key, b] : boxes_)
    collect(key, b, 0, out);
  return out;
}

void report_outbox::check_invariants() const {
  size_t count = 0;
  for (const auto& [key, b] : boxes_) {
    count += b.unacknowledged.size();
    BERTH_ASSERT(b.sent_up_to <= b.last, "nothing is sent before it exists");
    BERTH_ASSERT(b.kept_up_to <= b.last, "nothing is kept before it exists");
    auto number = b.last - b.unacknowledged.size();
    for (const auto& r : b.unacknowledged)
      BERTH_ASSERT(r.number == ++number, "reports have no gaps");
  }
  BERTH_ASSERT(count == size_, "reports are counted");
}

} // namespace berth

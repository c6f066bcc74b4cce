// What shards tell each other and agents (rule Outbox), and when anything may
// leave (rule One at a time).
#include "messages/codec.hpp"
#include "tests/sim/checks.hpp"

#include <map>
#include <set>

namespace berth::sim {

namespace {

/// What messages share, such as a job's spec, is not one object once it was
/// read.
bool is_same(const actor_message& a, const actor_message& b) {
  auto bytes = [](const actor_message& m) {
    record r;
    r.body = message_record{std::nullopt, 0, m};
    return encode(r);
  };
  return a == b || bytes(a) == bytes(b);
}

class messages_exactly_once_checker final : public log_checker {
public:
  explicit messages_exactly_once_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "messages_exactly_once"; }
  std::string_view promise() const override {
    return "What a shard sends another is numbered without gaps, arrives as it "
           "was sent, is taken once and in order, and is said to be delivered "
           "only when it and all before it are; in the end all is taken.";
  }

  void on_end(sim_time at) override {
    for (const auto& [way, sent] : sent_)
      if (taken_[way] < sent.size())
        violated(at, named(way) + ": " + std::to_string(sent.size())
                         + " messages were sent, " + std::to_string(taken_[way])
                         + " were taken");
  }

private:
  /// From, to.
  using way = std::pair<shard_id, shard_id>;
  struct arrival {
    log_offset offset = 0;
    std::optional<shard_id> from;
    uint64_t number = 0;
    std::shared_ptr<const record> what;
  };

  static std::string named(const way& w) {
    return "shard " + std::to_string(w.first.value) + " to shard "
           + std::to_string(w.second.value);
  }

  void on_decision(const decided& d) override {
    take(d);
    for (const auto& m : d.what.outbox)
      send(d, m);
    for_each_event(
        d, event_cases{
               [&](const delivery_recorded& e) { look_at_delivery(d, e); },
               [&](const session_forgotten& e) {
                 numbers_.erase({d.shard, source_name(e.agent, e.session)});
               }});
  }

  void send(const decided& d, const outbox_message& m) {
    auto name = to_string(m.to);
    auto& last = numbers_[{d.shard, name}];
    if (m.message_number != last + 1)
      violated(d.at, "shard " + std::to_string(d.shard.value) + " sends " + name
                         + " number " + std::to_string(m.message_number)
                         + " after " + std::to_string(last) + " (" + place(d)
                         + ")");
    last = m.message_number;
    if (const auto* to = std::get_if<shard_destination>(&m.to))
      sent_[{d.shard, to->shard}].push_back(
          {std::get<to_shard>(m.body).body, d.offset});
  }

  void on_message(sim_time at, const record_in_log& r,
                  const message_record& m) override {
    arrivals_[r.shard].push_back(
        {r.offset, m.source, m.message_number, r.what});
    if (!m.source)
      return;
    way w{*m.source, r.shard};
    auto& sent = sent_[w];
    auto& arrived = arrived_[w];
    auto where = named(w) + ", number " + std::to_string(m.message_number)
                 + " (offset " + std::to_string(r.offset) + ")";
    if (m.message_number == 0 || m.message_number > sent.size())
      return violated(at, "a message arrives that nobody sent: " + where);
    const auto& original = sent[m.message_number - 1];
    if (!is_same(original.body, m.body))
      violated(at, "a message arrives other than it was sent: " + where);
    const auto* decision = judge().find(*m.source, original.offset);
    if (decision != nullptr && !decision->visible_at)
      violated(at,
               "a message leaves before its decision can be read: " + where);
    if (m.message_number == arrived + 1)
      ++arrived;
  }

  /// What the decision says of messages is what it took by `through`.
  void take(const decided& d) {
    std::map<shard_id, uint64_t> now;
    auto& waiting = arrivals_[d.shard];
    auto& next = next_[d.shard];
    auto& through = through_.try_emplace(d.shard, -1).first->second;
    if (d.what.through < through)
      violated(d.at, "a decision goes back to message "
                         + std::to_string(d.what.through) + " from "
                         + std::to_string(through) + " (" + place(d) + ")");
    through = std::max(through, d.what.through);
    for (; next < waiting.size() && waiting[next].offset <= through; ++next) {
      const auto& m = waiting[next];
      if (!m.from)
        continue;
      auto& last = taken_[{*m.from, d.shard}];
      if (m.number == last + 1)
        now[*m.from] = ++last;
    }
    std::map<shard_id, uint64_t> said;
    for (const auto& e : d.what.events)
      if (const auto* t = std::get_if<messages_taken>(&e))
        if (auto shard = shard_named(t->source))
          said[*shard] = t->up_to;
    if (said != now)
      violated(d.at, "a decision takes " + text(said) + ", by its through "
                         + std::to_string(d.what.through) + " it should be "
                         + text(now) + " (" + place(d) + ")");
  }

  /// Nothing for an agent's name.
  static std::optional<shard_id> shard_named(const std::string& source) {
    constexpr std::string_view prefix = "shard:";
    if (source.rfind(prefix, 0) != 0)
      return std::nullopt;
    return shard_id{
        static_cast<uint32_t>(std::stoul(source.substr(prefix.size())))};
  }

  static std::string text(const std::map<shard_id, uint64_t>& taken) {
    std::string all;
    for (const auto& [shard, number] : taken)
      all += (all.empty() ? "" : ", ") + std::to_string(number) + " from shard "
             + std::to_string(shard.value);
    return all.empty() ? "nothing" : all;
  }

  void look_at_delivery(const decided& d, const delivery_recorded& e) {
    for (const auto& [w, sent] : sent_) {
      if (w.first != d.shard || e.destination != source_name(w.second))
        continue;
      if (e.up_to > arrived_[w])
        violated(d.at, named(w) + ": " + std::to_string(e.up_to)
                           + " are said to be delivered, "
                           + std::to_string(arrived_[w]) + " are (" + place(d)
                           + ")");
    }
  }

  struct sent_message {
    actor_message body;
    log_offset offset = 0;
  };
  std::map<std::pair<shard_id, std::string>, uint64_t> numbers_;
  std::map<way, std::vector<sent_message>> sent_;
  /// In the receiver's log without a gap before them.
  std::map<way, uint64_t> arrived_;
  std::map<way, uint64_t> taken_;
  std::map<shard_id, std::vector<arrival>> arrivals_;
  std::map<shard_id, size_t> next_;
  std::map<shard_id, log_offset> through_;
};

class confirmed_before_it_leaves_checker final : public log_checker {
public:
  explicit confirmed_before_it_leaves_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override {
    return "confirmed_before_it_leaves";
  }
  std::string_view promise() const override {
    return "A dispatch leaves only when its decision is valid and can be read "
           "in the log, and says what that decided.";
  }

private:
  using key = std::tuple<shard_id, std::string, uint64_t>;

  void on_decision(const decided& d) override {
    for (const auto& m : d.what.outbox)
      if (std::holds_alternative<agent_destination>(m.to))
        decided_[{d.shard, to_string(m.to), m.message_number}] = {
            d.offset, attempt_of(std::get<to_agent>(m.body).body),
            std::holds_alternative<start_attempt>(
                std::get<to_agent>(m.body).body)};
  }

  void on_other(const history_entry& e) override {
    const auto* s = std::get_if<dispatch_sent>(&e.what);
    if (s == nullptr)
      return;
    const auto& sent = *s->what;
    auto name =
        to_string(destination{agent_destination{sent.agent, sent.session}});
    auto attempt = attempt_of(sent.body);
    auto wrong = [&](const std::string& why) {
      violated(e.at,
               "node " + std::to_string(s->node) + " sends " + name + " number "
                   + std::to_string(sent.number) + " from shard "
                   + std::to_string(sent.source.value) + why,
               attempt.job.id);
    };
    auto found = decided_.find({sent.source, name, sent.number});
    if (found == decided_.end())
      return wrong(", and no valid decision says so");
    const auto& [offset, decided_attempt, is_start] = found->second;
    if (decided_attempt != attempt
        || is_start != std::holds_alternative<start_attempt>(sent.body))
      wrong(", which is not what was decided");
    if (!judge().find(sent.source, offset)->visible_at)
      wrong(" before its decision can be read");
  }

  static const attempt_id& attempt_of(const dispatch_body& body) {
    return std::visit(
        [](const auto& b) -> const attempt_id& { return b.attempt; }, body);
  }

  std::map<key, std::tuple<log_offset, attempt_id, bool>> decided_;
};

} // namespace

made_checker messages_exactly_once(const check_context& c) {
  return std::make_unique<messages_exactly_once_checker>(c);
}
made_checker confirmed_before_it_leaves(const check_context& c) {
  return std::make_unique<confirmed_before_it_leaves_checker>(c);
}

} // namespace berth::sim

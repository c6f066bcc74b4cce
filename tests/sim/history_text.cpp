#include "tests/sim/field_text.hpp"
#include "tests/sim/history.hpp"

#include <array>
#include <cstdio>

namespace berth::sim {

namespace {

template <class T>
std::string text_of(const T& value) {
  field_text text;
  text.add(value);
  return text.take();
}

std::string number(uint64_t n) {
  return std::to_string(n);
}

std::string place(shard_id shard, log_offset offset) {
  return "shard " + number(shard.value) + " @" + std::to_string(offset);
}

std::string text_of_record(const record& r) {
  if (const auto* claim = std::get_if<claim_record>(&r.body))
    return "claim of " + claim->node + ", nonce " + claim->nonce.substr(0, 6);
  if (const auto* message = std::get_if<message_record>(&r.body)) {
    auto from = message->source ? "shard " + number(message->source->value)
                                      + " #" + number(message->message_number)
                                : std::string("an agent");
    return "message of " + from + ": " + text_of(message->body);
  }
  const auto& d = std::get<decision_record>(r.body);
  auto text = "decision " + std::to_string(d.at_epoch.value) + "/"
              + number(d.seq) + " at " + std::to_string(d.at_ms) + " through "
              + std::to_string(d.through);
  for (const auto& e : d.events)
    text += "\n      " + text_of(e);
  for (const auto& m : d.outbox) {
    auto body =
        std::visit([](const auto& b) { return text_of(b.body); }, m.body);
    text += "\n      to " + to_string(m.to) + " #" + number(m.message_number)
            + ": " + body;
  }
  return text;
}

struct text_writer {
  std::string operator()(const call_sent& e) const {
    return "client " + number(e.client) + " call " + number(e.call) + "."
           + number(e.try_number) + " to node " + number(e.node) + ": "
           + text_of(*e.what);
  }
  std::string operator()(const call_answered& e) const {
    auto text = "call " + number(e.call) + "." + number(e.try_number) + ": ";
    if (const auto* error = std::get_if<api_error>(e.answer.get()))
      return text + "refused: " + error->message;
    return text + text_of(std::get<response>(*e.answer));
  }
  std::string operator()(const call_given_up& e) const {
    return "call " + number(e.call) + "." + number(e.try_number)
           + ": no answer";
  }
  std::string operator()(const change_spread_over& e) const {
    auto text = e.invocation_id + " is known at all nodes";
    for (auto node : e.excused)
      text += ", but maybe node " + number(node);
    return text;
  }
  std::string operator()(const record_in_log& e) const {
    return place(e.shard, e.offset) + " by " + e.by + ": "
           + text_of_record(*e.what);
  }
  std::string operator()(const record_visible& e) const {
    return place(e.shard, e.offset) + " visible";
  }
  std::string operator()(const decision_folded& e) const {
    auto hash = e.state_hash ? ", hash " + number(*e.state_hash) : "";
    return "node " + number(e.node) + " folded " + place(e.shard, e.offset)
           + hash;
  }
  std::string operator()(const shard_owned& e) const {
    return "node " + number(e.node) + " owns shard " + number(e.shard.value)
           + ", epoch " + std::to_string(e.at_epoch.value);
  }
  std::string operator()(const shard_reloaded& e) const {
    return "node " + number(e.node) + " reloads shard " + number(e.shard.value)
           + ": " + e.why;
  }
  std::string operator()(const checkpoint_written& e) const {
    return "node " + number(e.node) + " wrote a checkpoint of "
           + place(e.shard, e.at.folded_offset) + ", seq " + number(e.at.seq)
           + ", through " + std::to_string(e.at.through);
  }
  std::string operator()(const node_failed& e) const {
    return "node " + number(e.node) + " stops: " + e.why;
  }
  std::string operator()(const dispatch_sent& e) const {
    const auto& d = *e.what;
    return "node " + number(e.node) + " dispatches #" + number(d.number)
           + " of shard " + number(d.source.value) + " to "
           + source_name(d.agent, d.session) + ": " + text_of_body(d.body);
  }
  std::string operator()(const agent_offered& e) const {
    return "machine " + number(e.machine) + " offers agent " + e.agent.name
           + " of environment " + number(e.agent.environment.value) + ": "
           + to_string(e.capacity);
  }
  std::string operator()(const process_started& e) const {
    return "machine " + number(e.machine) + " starts process " + number(e.pid)
           + ": " + short_text(e.attempt) + " (" + e.job_name + ") in session "
           + source_name(e.agent, e.session);
  }
  std::string operator()(const process_ended& e) const {
    return "process " + number(e.pid) + " ends: " + short_text(e.attempt)
           + ", code " + std::to_string(e.exit_code)
           + (e.killed ? ", killed" : "");
  }
  std::string operator()(const fault_happened& e) const {
    return "fault: " + e.what;
  }
  std::string operator()(const faults_ended&) const {
    return "faults stop here";
  }
  std::string operator()(const store_refused& e) const {
    return "node " + number(e.node) + " cannot write its store of shard "
           + number(e.shard.value) + ": " + e.why;
  }
  std::string operator()(const node_started& e) const {
    return "node " + number(e.node) + " starts with format " + number(e.format);
  }
  std::string operator()(const child_started& e) const {
    return "machine " + number(e.machine) + " has process " + number(e.pid)
           + ", forked by " + short_text(e.attempt);
  }
  std::string operator()(const child_ended& e) const {
    return "process " + number(e.pid) + " ends, forked by "
           + short_text(e.attempt);
  }
  std::string operator()(const submission_landed& e) const {
    return "submissions/" + number(e.partition.value) + " @"
           + std::to_string(e.offset) + ": "
           + (e.name.empty() ? "nonsense" : e.name);
  }
  std::string operator()(const change_landed& e) const {
    const auto& c = e.what;
    return "changes/" + number(e.partition.value) + " @"
           + std::to_string(e.offset) + " by " + e.by + ": "
           + place(c.shard, c.offset) + " #" + number(c.number) + " " + c.job
           + " (" + c.name + ") " + c.status;
  }
  std::string operator()(const rejection_landed& e) const {
    return "rejections @" + std::to_string(e.offset) + ": submissions/"
           + number(e.what.partition) + " @" + std::to_string(e.what.offset)
           + ": " + e.what.reason;
  }

private:
  static std::string text_of_body(const dispatch_body& body) {
    if (const auto* start = std::get_if<start_attempt>(&body))
      return "start " + short_text(start->attempt)
             + (start->spec ? "" : " without its body");
    return "stop " + short_text(std::get<stop_attempt>(body).attempt);
  }
};

struct concern {
  const job_id& job;

  bool operator()(const call_sent& e) const { return mentions(*e.what, job); }
  bool operator()(const call_answered& e) const {
    const auto* said = std::get_if<response>(e.answer.get());
    return said != nullptr && mentions(*said, job);
  }
  bool operator()(const record_in_log& e) const {
    return mentions(e.what->body, job);
  }
  bool operator()(const dispatch_sent& e) const {
    return std::visit(
        [&](const auto& body) { return body.attempt.job.id == job; },
        e.what->body);
  }
  bool operator()(const process_started& e) const {
    return e.attempt.job.id == job;
  }
  bool operator()(const child_started& e) const {
    return e.attempt.job.id == job;
  }
  bool operator()(const child_ended& e) const {
    return e.attempt.job.id == job;
  }
  bool operator()(const change_landed& e) const {
    return e.what.job.rfind(to_string(job), 0) == 0;
  }
  bool operator()(const process_ended& e) const {
    return e.attempt.job.id == job;
  }
  template <class Other>
  bool operator()(const Other&) const {
    return false;
  }
};

} // namespace

std::string to_text(const history_entry& e) {
  std::array<char, 32> at{};
  std::snprintf(at.data(), at.size(), "%11.6f  ",
                static_cast<double>(e.at) / static_cast<double>(second));
  return at.data() + std::visit(text_writer{}, e.what);
}

bool concerns(const history_entry& e, const job_id& job) {
  return std::visit(concern{job}, e.what);
}

} // namespace berth::sim

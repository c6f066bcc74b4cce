#include "runtime/log_fold.hpp"

#include "actors/job_story.hpp"
#include "messages/codec.hpp"

#include <future>
#include <utility>

namespace berth {

namespace {

shard_options options_for(log& of, shard_id shard) {
  shard_options o;
  o.state.self = shard;
  o.state.catalog.shard_count = of.partitions();
  o.cluster_id = of.cluster_id();
  o.node = "audit";
  return o;
}

} // namespace

storage_error read_records(log& from_log, shard_id shard, log_offset from,
                           log_offset until, const on_log_record& take) {
  if (from >= until)
    return {};
  std::promise<storage_error> done;
  auto finished = false;
  auto reading = from_log.read(
      shard, from,
      [&](const std::vector<log_record>& records) {
        for (const auto& r : records) {
          if (finished || r.offset >= until)
            break;
          take(r);
          if (r.offset + 1 == until) {
            finished = true;
            done.set_value({});
          }
        }
      },
      [&](storage_error error) {
        if (!std::exchange(finished, true))
          done.set_value(std::move(error));
      });
  return done.get_future().get();
}

std::variant<log_offset, storage_error> end_of(log& of, shard_id shard) {
  std::promise<std::variant<log_offset, storage_error>> end;
  of.end_offset(shard, [&](log_offset offset, storage_error error) {
    if (error)
      end.set_value(std::move(error));
    else
      end.set_value(offset);
  });
  return end.get_future().get();
}

log_fold::log_fold(log& of, shard_id shard)
    : machine_(options_for(of, shard)) {}

void log_fold::problem(log_offset at, const std::string& what) {
  if (problem_.empty())
    problem_ = "offset " + std::to_string(at) + ": " + what;
}

void log_fold::check(log_offset at, const decision_record& d) {
  if (d.at_ms < last_ms_)
    problem(at, "the decision's time goes back");
  last_ms_ = d.at_ms;
  if (d.through < last_through_ || d.through >= at)
    problem(at, "`through` is " + std::to_string(d.through) + ", and was "
                    + std::to_string(last_through_));
  last_through_ = d.through;
  for (const auto& [source, offset] : last_cursors_)
    if (auto now = d.cursors.find(source);
        now == d.cursors.end() || now->second < offset)
      problem(at, "the cursor of " + source + " goes back");
  last_cursors_ = d.cursors;
}

void log_fold::take(const log_record& r) {
  ++records_;
  machine_.on_record(r.offset, r.append_ms, r.bytes);
  if (machine_.current_epoch().value == r.offset
      && last_epoch_ != machine_.current_epoch()) {
    last_epoch_ = machine_.current_epoch();
    if (auto decoded = decode<record>(r.bytes))
      if (const auto* claim = std::get_if<claim_record>(&decoded->body)) {
        // A Kafka client that was cut off may append a record twice; the
        // second is a claim of its own, by the same machine.
        if (nonces_.try_emplace(claim->nonce, r.bytes).first->second != r.bytes)
          problem(r.offset, "the claim's nonce was claimed with before");
        if (on_claim)
          on_claim(r.offset, *claim);
      }
  }
  for (auto& effect : machine_.take_effects())
    if (auto* fatal = std::get_if<fatal_effect>(&effect)) {
      problem(r.offset, fatal->why);
    } else if (const auto* folded = std::get_if<folded_effect>(&effect)) {
      check(folded->offset, *folded->decision);
      if (on_decision)
        on_decision(folded->offset, *folded->decision);
    }
}

shard_verdict log_fold::verdict() const {
  const auto& counters = machine_.counters();
  shard_verdict v;
  v.shard = machine_.state().self().value;
  v.records = records_;
  v.decisions = counters.decisions;
  v.events = counters.events;
  v.fenced = counters.fenced;
  v.out_of_sequence = counters.out_of_sequence;
  v.up_to = machine_.folded_offset();
  v.state_hash = machine_.state().hash();
  v.problem = problem_;
  return v;
}

std::variant<std::vector<story_line>, api_error>
tell_history(log& of, const job_key& job) {
  auto shard = shard_of(job.id);
  if (shard.value >= of.partitions())
    return std::vector<story_line>{};
  auto end = end_of(of, shard);
  if (const auto* error = std::get_if<storage_error>(&end))
    return api_error{api_errc::internal, error->message};
  job_story story{job};
  log_fold fold{of, shard};
  fold.on_claim = [&](log_offset at, const claim_record& claim) {
    story.on_claim(at, claim);
  };
  fold.on_decision = [&](log_offset at, const decision_record& d) {
    story.on_decision(at, d);
  };
  auto error =
      read_records(of, shard, of.begin_offset(shard), std::get<log_offset>(end),
                   [&](const log_record& r) { fold.take(r); });
  if (error)
    return api_error{api_errc::internal, error.message};
  return story.lines();
}

} // namespace berth

#include "runtime/shard_driver.hpp"

#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "messages/simulation.hpp"
#include "storage/log_messages.hpp"

#include <algorithm>
#include <utility>

namespace berth {

namespace {

/// Rows loaded from the store at a time.
constexpr size_t load_page_rows = 10'000;
/// Specifications kept decoded for dispatches; an array's children share one.
constexpr size_t cached_specs_max = 1024;
/// Expired jobs whose rows one checkpoint deletes.
constexpr size_t expired_rows_max = 1000;
/// A follower's checkpoints are for itself alone, and what is in memory is
/// quicker to take over with: it writes one in so many intervals, unless it has
/// read so much since.
constexpr int follower_intervals = 10;
constexpr size_t follower_bytes = 32 * 1024 * 1024;
/// Decisions that came to nothing before the driver lets others run.
constexpr int idle_rounds_max = 16;

} // namespace

shard_driver::shard_driver(shard_driver_options options, shard_port& port)
    : options_(std::move(options)), port_(port) {}

void shard_driver::start() {
  restart();
}

void shard_driver::begin() {
  ++incarnation_;
  at_rest_ = false;
  owner_told_ = false;
  claim_at_.reset();
  rows_ = std::make_unique<row_reader>(options_.store_);
  machine_ = std::make_unique<shard>(options_.shard);
  machine_->on_clock(port_.boottime_ms());
  load();
  run_looks();
  auto claim = machine_->claim_offset();
  proving_ = claim.has_value();
  if (!proving_)
    return read_on();
  port_.start_reading(incarnation_, *claim);
  // A log that ends before it would never give that record.
  port_.look_at_end(incarnation_);
}

void shard_driver::read_on() {
  port_.start_reading(incarnation_, machine_->resume_offset());
  look_before_claim();
}

void shard_driver::prove_log(const log_record& first) {
  if (first.offset != machine_->claim_offset()
      || !machine_->is_claim_of_rows(first.bytes))
    return port_.fatal(
        log_is_another(options_.shard.state.self, *machine_->claim_offset())
            .message);
  proving_ = false;
  port_.stop_reading();
  ++incarnation_;
  read_on();
}

void shard_driver::load() {
  auto at = options_.store_->last_checkpoint();
  auto catalog = catalog_actor::rows();
  auto catalog_rows = std::make_shared<std::vector<row>>();
  const size_t page_rows =
      rarely("load few rows at a time") ? 2 : load_page_rows;
  for (const auto& range : shard_state::live_ranges()) {
    auto from = range.from;
    for (;;) {
      auto page = options_.store_->scan(from, range.to, page_rows);
      for (const auto& [key, bytes] : page) {
        machine_->load_row(key, bytes);
        if (key >= catalog.from && key < catalog.to)
          catalog_rows->emplace_back(key, bytes);
      }
      if (page.size() < page_rows)
        break;
      from = page.back().first + '\0';
    }
  }
  machine_->finish_load(at);
  loaded_offset_ = at ? at->folded_offset : -1;
  if (options_.shard.state.self.value == 0)
    port_.catalog_loaded(std::move(catalog_rows));
}

void shard_driver::look_before_claim() {
  looking_before_claim_ = options_.candidate;
  if (looking_before_claim_)
    port_.look_at_end(incarnation_);
}

void shard_driver::set_candidate(bool candidate) {
  options_.candidate = candidate;
  if (candidate)
    set_followed(true);
  if (!candidate) {
    looking_before_claim_ = false;
    claim_at_.reset();
  } else if (machine_ && machine_->role() == shard_role::follower && !proving_
             && !looking_before_claim_ && !claim_at_) {
    look_before_claim();
  }
}

void shard_driver::set_followed(bool followed) {
  options_.followed = followed;
  if (!followed)
    rest_unless_followed();
  else if (std::exchange(at_rest_, false))
    restart();
}

void shard_driver::set_store(std::shared_ptr<store> rows) {
  BERTH_ASSERT(at_rest_, "a store is renewed while its shard is at rest");
  options_.store_ = std::move(rows);
  rows_.reset();
}

void shard_driver::rest_unless_followed() {
  if (options_.followed || !machine_
      || machine_->role() != shard_role::follower)
    return;
  // What was folded need not be folded again.
  if (!proving_)
    write_checkpoint();
  port_.stop_reading();
  machine_.reset();
  ++incarnation_;
  rest();
}

void shard_driver::rest() {
  if (std::exchange(at_rest_, true))
    return;
  looking_before_claim_ = false;
  claim_at_.reset();
  specs_.clear();
  written_bodies_.clear();
  run_looks();
  port_.resting();
}

void shard_driver::run_looks() {
  std::erase_if(
      looks_, [this](auto& look) { return look(machine_.get()) || at_rest_; });
}

size_t shard_driver::read_specs(const std::vector<shard_effect>& effects,
                                size_t from) {
  auto to = from;
  std::vector<job_id> started;
  for (; to < effects.size() && started.size() < cached_specs_max; ++to) {
    const auto* sent = std::get_if<send_to_agent_effect>(&effects[to]);
    const auto* start =
        sent ? std::get_if<start_attempt>(&sent->what.body) : nullptr;
    // Children of one array come one behind the other.
    if (start != nullptr
        && (started.empty() || started.back() != start->attempt.job.id))
      started.push_back(start->attempt.job.id);
  }
  if (specs_.size() + started.size() > cached_specs_max
      || rarely("forget specifications"))
    specs_.clear();
  std::vector<job_id> unknown;
  std::vector<std::string> keys;
  for (const auto& id : started) {
    if (specs_.contains(id))
      continue;
    if (auto body = machine_->state().jobs().pending_body(id)) {
      specs_.emplace(id, std::move(body));
    } else if (auto written = written_bodies_.find(id);
               written != written_bodies_.end()) {
      specs_.emplace(id, written->second);
    } else {
      unknown.push_back(id);
      keys.push_back(job_table::body_key(id));
    }
  }
  auto bodies = rows_->get_each(*machine_, keys);
  for (size_t i = 0; i < unknown.size(); ++i)
    if (auto spec = bodies[i] ? decode<job_spec>(*bodies[i]) : std::nullopt)
      specs_.emplace(unknown[i],
                     std::make_shared<const job_spec>(std::move(*spec)));
  return to;
}

void shard_driver::send_to_agent(send_to_agent_effect& sent) {
  // A job that has expired since has no body; the keeper says so of its start.
  if (auto* start = std::get_if<start_attempt>(&sent.what.body))
    if (auto found = specs_.find(start->attempt.job.id); found != specs_.end())
      start->spec = found->second;
  port_.send(incarnation_, std::move(sent.this_time), std::move(sent.what));
}

void shard_driver::carry_out(shard_effect& effect,
                             std::vector<call_answer>& answers) {
  if (auto* record = std::get_if<append_effect>(&effect)) {
    port_.append(incarnation_, std::move(record->bytes));
  } else if (auto* sent = std::get_if<send_to_shard_effect>(&effect)) {
    port_.append_to(incarnation_, sent->to, std::move(sent->this_time),
                    sent->bytes);
  } else if (auto* to_agent = std::get_if<send_to_agent_effect>(&effect)) {
    send_to_agent(*to_agent);
  } else if (auto* answer = std::get_if<answer_effect>(&effect)) {
    answers.push_back({answer->token, std::move(answer->answer)});
  } else if (auto* folded = std::get_if<folded_effect>(&effect)) {
    port_.folded(folded->offset, folded->decision);
  } else if (std::holds_alternative<look_at_end_effect>(effect)) {
    port_.look_at_end(incarnation_);
  } else if (auto* broken = std::get_if<reload_effect>(&effect)) {
    reload(broken->why);
  } else if (auto* fatal = std::get_if<fatal_effect>(&effect)) {
    port_.fatal(fatal->why);
  }
}

void shard_driver::drive() {
  if (!machine_)
    return;
  if (auto damage = options_.store_->damage())
    return port_.fatal(damage.message);
  machine_->on_clock(port_.boottime_ms());
  if (!carry_out_effects())
    return;
  for (int round = 0; round < idle_rounds_max; ++round) {
    if (checkpoint_wanted_ || rarely("checkpoint at once"))
      write_checkpoint();
    if (auto needs = machine_->prepare_answers())
      machine_->answer_questions(rows_->fetch(*machine_, *needs));
    if (waits_for_landing())
      break;
    auto needs = machine_->prepare_decision();
    if (!needs)
      break;
    machine_->make_decision(rows_->fetch(*machine_, *needs));
  }
  carry_out_effects();
  wake_when_due();
}

/// A checkpoint, and who looks at the machine, wait until nothing is in flight,
/// which under load would never be.
bool shard_driver::waits_for_landing() const {
  return machine_->decision_in_flight()
         && ((checkpoint_wanted_ && !writing_) || !looks_.empty());
}

/// False when they replaced the machine.
bool shard_driver::carry_out_effects() {
  auto mine = incarnation_;
  std::vector<call_answer> answers;
  auto effects = machine_->take_effects();
  size_t specs_read_to = 0;
  for (size_t i = 0; i < effects.size(); ++i) {
    if (i == specs_read_to)
      specs_read_to = read_specs(effects, i);
    carry_out(effects[i], answers);
    // A reload has replaced the machine; its effects are void.
    if (mine != incarnation_)
      break;
  }
  if (!answers.empty())
    port_.answer(std::move(answers));
  return mine == incarnation_;
}

void shard_driver::wake_when_due() {
  if (!machine_)
    return;
  auto due = machine_->next_due_boottime_ms();
  if (!due)
    return;
  auto at = std::max(*due, port_.boottime_ms() + 1);
  if (at >= wake_at_ms_)
    return;
  wake_at_ms_ = at;
  port_.wake_at(at);
}

void shard_driver::claim_when_due() {
  if (claim_at_ && machine_->folded_offset() + 1 >= *claim_at_
      && machine_->role() == shard_role::follower) {
    claim_at_.reset();
    machine_->claim(port_.fresh_nonce());
  }
  if (machine_->role() == shard_role::owner
      && !std::exchange(owner_told_, true))
    port_.owned();
}

void shard_driver::write_checkpoint() {
  if (writing_
      || (machine_->decision_in_flight()
          && !broken(breakage::checkpoint_in_flight)))
    return;
  if (auto expired = machine_->expired_range(expired_rows_max))
    for (const auto& [key, bytes] :
         options_.store_->scan(expired->from, expired->to, expired->limit))
      machine_->forget_expired(key, bytes);
  auto cut = machine_->cut_checkpoint();
  written_bodies_.clear();
  if (!cut)
    return;
  if (machine_->role() == shard_role::owner)
    written_bodies_ = std::move(cut->bodies);
  checkpoint_wanted_ = false;
  intervals_since_checkpoint_ = 0;
  bytes_since_checkpoint_ = 0;
  writing_ = true;
  auto batch = std::make_shared<const row_batch>(std::move(cut->rows));
  rows_->set_flushing(batch);
  port_.write(batch, cut->at);
}

void shard_driver::reload(const std::string& why) {
  port_.reloading(why);
  port_.stop_reading();
  // Whom another node has fenced does not fight for the shard.
  if (machine_->is_fenced()) {
    options_.candidate = false;
    port_.disowned();
  }
  machine_.reset();
  written_bodies_.clear();
  ++incarnation_;
  // A log that refuses (a full disk) would refuse the next claim, too.
  if (!std::exchange(owner_told_, false))
    port_.restart_later();
  else
    restart();
}

/// The rows on their way to the store are part of what is loaded.
void shard_driver::restart() {
  if (!options_.followed)
    rest();
  else if (writing_)
    reload_after_write_ = true;
  else
    begin();
}

void shard_driver::on_records(uint64_t incarnation,
                              const std::vector<log_record>& records) {
  if (incarnation != incarnation_ || !machine_)
    return;
  machine_->on_clock(port_.boottime_ms());
  if (proving_)
    return prove_log(records.front());
  for (const auto& r : records) {
    machine_->on_record(r.offset, r.append_ms, r.bytes);
    bytes_since_checkpoint_ += r.bytes.size();
  }
  // What was undecided is still in the state of a broken one.
  if (machine_->role() != shard_role::broken)
    run_looks();
  if (owner_told_ && machine_->role() == shard_role::follower) {
    owner_told_ = false;
    options_.candidate = false;
    port_.disowned();
  }
  claim_when_due();
  drive();
  rest_unless_followed();
}

void shard_driver::on_append_failed(uint64_t incarnation,
                                    append_outcome outcome,
                                    const storage_error& error) {
  if (incarnation != incarnation_ || !machine_)
    return;
  if (error.code == storage_errc::fatal)
    return port_.fatal(error.message);
  machine_->on_appended(outcome == append_outcome::refused
                            ? shard::appended::no
                            : shard::appended::unknown,
                        error.message);
  drive();
}

void shard_driver::on_end(uint64_t incarnation, log_offset end,
                          const storage_error& error) {
  if (incarnation != incarnation_ || !machine_)
    return;
  if (error)
    return port_.fatal(error.message);
  // Reading resumes before what was folded, so it would not notice.
  if (end <= loaded_offset_)
    return port_.fatal(
        log_lost_tail(options_.shard.state.self, loaded_offset_, end).message);
  if (proving_)
    return;
  if (std::exchange(looking_before_claim_, false)) {
    claim_at_ = end;
    claim_when_due();
  } else {
    machine_->on_end(end);
  }
  drive();
}

void shard_driver::on_reading_failed(uint64_t incarnation,
                                     const storage_error& error) {
  if (incarnation == incarnation_)
    port_.fatal(error.message);
}

void shard_driver::on_sent(uint64_t incarnation, const sending& what,
                           bool arrived) {
  if (incarnation != incarnation_ || !machine_)
    return;
  machine_->on_clock(port_.boottime_ms());
  if (arrived)
    machine_->on_delivered(what);
  else
    machine_->on_delivery_failed(what);
  drive();
}

void shard_driver::on_taken(const std::string& destination, uint64_t up_to,
                            bool and_no_more) {
  if (!machine_)
    return;
  if (and_no_more)
    machine_->on_taken_no_more(destination, up_to);
  else
    machine_->on_taken(destination, up_to);
  drive();
}

void shard_driver::on_calls(
    const std::vector<std::pair<call_token, shard_call>>& calls) {
  if (!machine_) {
    std::vector<call_answer> turned_away;
    for (const auto& call : calls)
      turned_away.push_back(
          {call.first, api_error{api_errc::unavailable,
                                 "the shard is being reloaded; try again"}});
    return port_.answer(std::move(turned_away));
  }
  for (const auto& call : calls)
    machine_->on_call(call.first, call.second);
  drive();
}

submissions_standing
shard_driver::on_submissions(const std::string& source, log_offset after,
                             const std::vector<topic_submission>& given) {
  if (!machine_ || machine_->role() != shard_role::owner)
    return {};
  if (machine_->submissions_taken(source) == after)
    for (const auto& s : given) {
      const auto* call = std::get_if<submit_job_call>(&s.what);
      auto is_too_early =
          call != nullptr && s.home == machine_->state().self()
          && machine_->state().find_queue(call->queue) == nullptr;
      if (is_too_early || !machine_->on_submission(s))
        break;
    }
  submissions_standing now{true, machine_->submissions_taken(source)};
  if (!given.empty())
    drive();
  return now;
}

void shard_driver::on_written(const storage_error& error) {
  writing_ = false;
  if (rows_)
    rows_->set_flushing(nullptr);
  if (error && !broken(breakage::full_store_goes_on))
    return port_.fatal(error.message);
  if (std::exchange(reload_after_write_, false))
    restart();
}

void shard_driver::on_checkpoint_due() {
  ++intervals_since_checkpoint_;
  auto follows = machine_ && machine_->role() == shard_role::follower;
  checkpoint_wanted_ =
      (!follows || intervals_since_checkpoint_ >= follower_intervals
       || bytes_since_checkpoint_ >= follower_bytes)
      && !rarely("skip a checkpoint");
  drive();
}

void shard_driver::on_wake() {
  wake_at_ms_ = INT64_MAX;
  drive();
}

void shard_driver::on_restart() {
  if (!machine_)
    restart();
}

void shard_driver::inspect(std::function<bool(const shard*)> look) {
  if (at_rest_)
    look(nullptr);
  else if (!machine_ || machine_->role() == shard_role::broken
           || !look(machine_.get()))
    looks_.push_back(std::move(look));
}

} // namespace berth

#include "tests/agents/written_owner.hpp"

#include "actors/stable_hash.hpp"
#include "messages/codec.hpp"
#include "messages/keeper_protocol.hpp"

#include <future>
#include <stdexcept>
#include <utility>

namespace berth {

namespace {

constexpr shard_id environment_shard{1};
constexpr char nonce[] = "0123456789abcdef0123456789abcdef";

std::unique_ptr<log> make_topic(const kafka_cluster_address& at, topic t) {
  auto made = open_topic(at, t, true);
  if (made.error)
    throw std::runtime_error{made.error.message};
  return std::move(made.opened);
}

} // namespace

written_owner::written_owner(kafka_cluster_address at)
    : at_(std::move(at)), log_(make_topic(at_, topic::log)),
      heartbeats_(make_topic(at_, topic::heartbeats)),
      dispatches_(make_topic(at_, topic::dispatch)),
      output_(make_topic(at_, topic::output)) {
  reading_ = log_->read(
      environment_shard, 0,
      [this](const std::vector<log_record>& records) { take(records); },
      [](const storage_error&) {});
  heartbeats_reading_ = heartbeats_->read(
      shard_id{0}, 0,
      [this](const std::vector<log_record>& records) {
        take_heartbeats(records);
      },
      [](const storage_error&) {});
}

void written_owner::append(log& to, shard_id partition, std::string bytes) {
  std::promise<append_outcome> done;
  to.append(partition, std::move(bytes),
            [&](append_outcome outcome, const storage_error&) {
              done.set_value(outcome);
            });
  if (done.get_future().get() != append_outcome::appended)
    throw std::runtime_error{"the owner's record was not appended"};
}

void written_owner::decide(std::vector<event> events) {
  if (epoch_.value < 0) {
    std::promise<log_offset> end;
    log_->end_offset(catalog_shard, [&](log_offset at, const storage_error&) {
      end.set_value(at);
    });
    record claim;
    claim.body = claim_record{"owner", "", nonce};
    epoch_ = epoch{end.get_future().get()};
    append(*log_, catalog_shard, encode(claim));
  }
  record r;
  decision_record d;
  d.at_epoch = epoch_;
  d.nonce = nonce;
  d.seq = ++seq_;
  d.events = std::move(events);
  r.body = std::move(d);
  append(*log_, catalog_shard, encode(r));
}

environment_uid written_owner::create_environment(const std::string& name) {
  environment_object e;
  e.uid = environment_uid{++last_uid_};
  e.owner = {"123456789012", "us-east-1"};
  e.shard = environment_shard;
  e.settings.name = name;
  decide({environment_created{e}});
  return e.uid;
}

void written_owner::delete_environment(environment_uid uid) {
  decide({environment_deleted{uid}});
}

void written_owner::take(const std::vector<log_record>& records) {
  std::lock_guard lock{mutex_};
  for (const auto& r : records) {
    auto read = decode<record>(r.bytes);
    if (!read)
      continue;
    const auto* message = std::get_if<message_record>(&read->body);
    if (message == nullptr)
      continue;
    if (const auto* joins = std::get_if<agent_joins>(&message->body))
      joins_.push_back(*joins);
    else if (const auto* reports = std::get_if<agent_reports>(&message->body))
      reports_.push_back(*reports);
  }
  changed_.notify_all();
}

void written_owner::take_heartbeats(const std::vector<log_record>& records) {
  std::lock_guard lock{mutex_};
  for (const auto& r : records) {
    auto read = decode<heartbeat>(r.bytes);
    const auto* beat =
        read ? std::get_if<agent_heartbeat>(&read->body) : nullptr;
    if (beat != nullptr && beat->lives_for_ms == 0)
      leaves_.push_back(*beat);
  }
  changed_.notify_all();
}

template <class T>
T written_owner::wait_for(const std::string& what,
                          std::function<std::optional<T>()> find) {
  std::unique_lock lock{mutex_};
  std::optional<T> found;
  if (!changed_.wait_for(lock, owner_patience, [&] {
        found = find();
        return found.has_value();
      }))
    throw std::runtime_error{"waited in vain for " + what};
  return *found;
}

agent_joins written_owner::wait_for_join(
    const std::function<bool(const agent_joins&)>& is) {
  return wait_for<agent_joins>("a join", [&]() -> std::optional<agent_joins> {
    for (const auto& j : joins_)
      if (is(j))
        return j;
    return std::nullopt;
  });
}

attempt_started_report
written_owner::wait_for_start(const attempt_id& attempt) {
  using report = attempt_started_report;
  return wait_for<report>("a start", [&]() -> std::optional<report> {
    for (const auto& batch : reports_)
      for (const auto& r : batch.reports)
        if (const auto* begun = std::get_if<report>(&r.body);
            begun != nullptr && begun->attempt == attempt)
          return *begun;
    return std::nullopt;
  });
}

attempt_ended_report written_owner::wait_for_end(const attempt_id& attempt) {
  using report = attempt_ended_report;
  return wait_for<report>("an end", [&]() -> std::optional<report> {
    for (const auto& batch : reports_)
      for (const auto& r : batch.reports)
        if (const auto* over = std::get_if<report>(&r.body);
            over != nullptr && over->attempt == attempt)
          return *over;
    return std::nullopt;
  });
}

agent_heartbeat written_owner::wait_for_leave(const agent_joins& who) {
  using beat = agent_heartbeat;
  return wait_for<beat>("a last heartbeat", [&]() -> std::optional<beat> {
    for (const auto& b : leaves_)
      if (b.agent == who.agent && b.session == who.session)
        return b;
    return std::nullopt;
  });
}

std::vector<numbered_report> written_owner::reports() {
  std::lock_guard lock{mutex_};
  std::vector<numbered_report> all;
  for (const auto& batch : reports_)
    all.insert(all.end(), batch.reports.begin(), batch.reports.end());
  return all;
}

attempt_id written_owner::start(const agent_joins& to,
                                const std::string& script) {
  start_attempt s;
  std::array<uint8_t, 16> hash{};
  auto number = ++jobs_;
  hash[15] = static_cast<uint8_t>(number);
  hash[14] = static_cast<uint8_t>(number >> 8);
  s.attempt = {{make_job_id(hash, environment_shard)}, 1};
  s.lease = lease_id{number};
  auto spec = std::make_shared<job_spec>();
  spec->name = "job";
  spec->container.command = {"/bin/sh", "-c", script};
  spec->container.needs = {1000, 128, {}};
  s.spec = std::move(spec);
  s.owner = {"123456789012", "us-east-1"};
  s.queue_name = "queue";
  s.environment_name = "environment";
  auto attempt = s.attempt;
  dispatch_to(to, std::move(s));
  return attempt;
}

void written_owner::stop(const agent_joins& to, const attempt_id& attempt) {
  dispatch_to(to, stop_attempt{attempt});
}

void written_owner::dispatch_to(const agent_joins& to, dispatch_body body) {
  dispatch d;
  d.source = environment_shard;
  d.agent = to.agent;
  d.session = to.session;
  d.number = ++dispatched_[{to.agent, to.session}];
  d.body = std::move(body);
  append_dispatch(to.agent,
                  encode(keeper_request_frame{keeper_dispatch{std::move(d)}}));
}

void written_owner::append_dispatch(const agent_id& to, std::string bytes) {
  append(*dispatches_,
         shard_id{dispatch_partition(to, dispatches_->partitions())},
         std::move(bytes));
}

} // namespace berth

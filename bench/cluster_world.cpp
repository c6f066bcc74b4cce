#include "bench/cluster_world.hpp"

#include "actors/stable_hash.hpp"
#include "bench/measurement.hpp"
#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "messages/keeper_protocol.hpp"
#include "messages/record.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <utility>

namespace berth::bench {

namespace {

const account_region owner{"123456789012", "us-east-1"};

log_offset end_of(log& of, shard_id partition) {
  std::promise<log_offset> end;
  of.end_offset(partition, [&](log_offset offset, const storage_error&) {
    end.set_value(offset);
  });
  return end.get_future().get();
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "berth_bench: %s\n", why.c_str());
  std::exit(2);
}

std::unique_ptr<log> open(const kafka_cluster_address& at, topic t) {
  auto [opened, error] = open_topic(at, t, true);
  if (error)
    give_up(error.message);
  return std::move(opened);
}

void ignore(append_outcome outcome, const storage_error& error) {
  if (outcome != append_outcome::appended)
    give_up("an append failed: " + error.message);
}

} // namespace

idle_agent::idle_agent(const kafka_cluster_address& at, agent_id name,
                       shard_id environment_shard, int64_t vcpus)
    : name_(std::move(name)), shard_(environment_shard),
      log_(open(at, topic::log)), dispatches_(open(at, topic::dispatch)) {
  shard_id partition{dispatch_partition(name_, dispatches_->partitions())};
  reading_ = dispatches_->read(
      partition, end_of(*dispatches_, partition),
      [this](const std::vector<log_record>& records) { take(records); },
      [](const storage_error& error) { give_up(error.message); });
  record r;
  message_record m;
  m.body = agent_joins{name_, session_, {vcpus * 1000, 1LL << 40, {}}};
  r.body = std::move(m);
  log_->append(shard_, encode(r), ignore);
}

void idle_agent::take(const std::vector<log_record>& records) {
  agent_reports said{name_, session_, {}};
  for (const auto& r : records) {
    auto frame = decode<keeper_request_frame>(r.bytes);
    BERTH_ASSERT(frame, "the bench's own dispatches can be read");
    const auto& d = std::get<keeper_dispatch>(frame->body).what;
    if (d.number != last_taken_ + 1)
      continue;
    last_taken_ = d.number;
    const auto* start = std::get_if<start_attempt>(&d.body);
    if (start == nullptr)
      continue;
    if (on_start_)
      on_start_();
    said.reports.push_back(
        {++last_number_, attempt_started_report{start->attempt, 1}});
    attempt_ended_report e;
    e.attempt = start->attempt;
    e.exit_code = 0;
    e.started_ms = 1;
    e.stopped_ms = 2;
    said.reports.push_back({++last_number_, e});
  }
  if (!said.reports.empty())
    append(std::move(said));
}

void idle_agent::append(agent_reports reports) {
  record r;
  message_record m;
  m.body = std::move(reports);
  r.body = std::move(m);
  log_->append(shard_, encode(r), ignore);
}

cluster_world::cluster_world(kafka_cluster& brokers, const std::string& prefix,
                             const std::string& folder, int nodes,
                             int64_t vcpus) {
  address_.connection = brokers.connection();
  address_.prefix = prefix;
  address_.partitions = 2;
  for (int i = 0; i < nodes; ++i) {
    node_options o;
    o.name = "node" + std::to_string(i);
    o.on_fatal = give_up;
    cluster_options c;
    c.kafka = address_;
    c.endpoint = {"127.0.0.1", 0};
    o.cluster = std::move(c);
    auto data = data_folder::open(std::filesystem::path{folder}
                                      / (prefix + std::to_string(i)),
                                  folder_access::exclusive);
    if (data.error)
      give_up(data.error.message);
    auto [started, error] = node::start(std::move(data.opened), std::move(o));
    if (error)
      give_up(error.message);
    nodes_.push_back(std::move(started));
  }
  create_environment_request environment;
  environment.settings.name = "e";
  environment.settings.max_vcpus = vcpus;
  call(environment);
  create_queue_request queue;
  queue.name = "q";
  queue.environments = {{1, "e"}};
  call(queue);
  register_definition_request definition;
  definition.settings.name = "d";
  definition.settings.type = "container";
  definition.settings.container.command = {"/usr/bin/process", "--input", "x"};
  definition.settings.container.needs = {1000, 128, {}};
  definition.settings.container.packaging_json =
      R"({"image":"busybox","mountPoints":[],"secrets":[],"volumes":[]})";
  call(definition);
  auto found = std::get<environments_response>(
      std::get<response>(call(describe_environments_request{})));
  const auto& e = found.environments.front();
  home_ = e.shard;
  for (auto& one : nodes_) {
    auto& s = sights_.emplace_back();
    s.of = one.get();
    s.listener = one->transitions().listen([this, &s] { look(s); });
  }
  agent_ = std::make_unique<idle_agent>(address_, agent_id{e.uid, "agent"},
                                        e.shard, vcpus);
}

cluster_world::~cluster_world() {
  for (auto& s : sights_)
    s.of->transitions().unlisten(s.listener);
}

void cluster_world::look(sight& s) {
  auto missed = false;
  std::lock_guard lock{mutex_};
  auto& from = s.of->transitions();
  for (const auto& t : from.after(s.sequence, SIZE_MAX, missed)) {
    s.sequence = t.sequence;
    change_cursor here{t.offset, t.number};
    if (t.shard != home_ || here <= s.at)
      continue;
    s.at = here;
    if (t.status == job_status::succeeded)
      ++s.ended;
  }
  BERTH_ASSERT(!missed, "the bench keeps up");
  ended_ = std::max(ended_, s.ended);
  changed_.notify_all();
}

/// Again while nobody owns the shard yet.
result cluster_world::call(request what) {
  for (;;) {
    std::promise<result> answer;
    auto number = std::to_string(++submitted_);
    nodes_.front()->gateway().call(
        {owner, "setup" + number, number}, what,
        [&](result r) { answer.set_value(std::move(r)); });
    auto got = answer.get_future().get();
    const auto* error = std::get_if<api_error>(&got);
    if (error == nullptr)
      return got;
    if (error->code != api_errc::unavailable)
      give_up(error->message);
  }
}

void cluster_world::submit(std::function<void()> accepted) {
  auto number = ++submitted_;
  submit_job_request job;
  job.name = "job-" + std::to_string(number);
  job.queue = "q";
  job.definition = "d";
  job.overrides.environment = {{"NUMBER", std::to_string(number)}};
  auto& through = *nodes_[number % nodes_.size()];
  auto text = std::to_string(number);
  through.gateway().call({owner, text, text}, job,
                         [accepted = std::move(accepted)](const result& r) {
                           if (const auto* e = std::get_if<api_error>(&r))
                             give_up(e->message);
                           accepted();
                         });
}

void cluster_world::await_ended(uint64_t count) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return ended_ >= count; });
}

std::vector<std::string> cluster_world::records() {
  return read_all(nodes_.front()->event_log(), home_);
}

std::vector<std::string> read_all(log& of, shard_id partition) {
  std::vector<std::string> all;
  auto end = end_of(of, partition);
  if (end == 0)
    return all;
  std::promise<void> done;
  auto is_done = false;
  auto reading = of.read(
      partition, 0,
      [&](const std::vector<log_record>& records) {
        for (const auto& r : records)
          if (!is_done)
            all.push_back(r.bytes);
        if (!is_done && records.back().offset + 1 >= end) {
          is_done = true;
          done.set_value();
        }
      },
      [](const storage_error& error) { give_up(error.message); });
  done.get_future().wait();
  return all;
}

double append_and_read_back(log& to, shard_id partition,
                            const std::vector<std::string>& records) {
  auto from = end_of(to, partition);
  std::promise<void> done;
  size_t seen = 0;
  auto start = wall_seconds();
  auto reading = to.read(
      partition, from,
      [&](const std::vector<log_record>& read) {
        seen += read.size();
        if (seen == records.size())
          done.set_value();
      },
      [](const storage_error& error) { give_up(error.message); });
  // Below what the producer takes at once.
  constexpr size_t pending_max = log_pending_bytes_max / 2;
  std::mutex mutex;
  std::condition_variable room;
  size_t pending = 0;
  for (const auto& r : records) {
    {
      std::unique_lock lock{mutex};
      room.wait(lock, [&] { return pending < pending_max; });
      pending += r.size() + 1;
    }
    to.append(partition, r,
              [&, size = r.size()](append_outcome outcome,
                                   const storage_error& error) {
                ignore(outcome, error);
                std::lock_guard lock{mutex};
                pending -= size + 1;
                room.notify_one();
              });
  }
  done.get_future().wait();
  auto took = wall_seconds() - start;
  std::unique_lock lock{mutex};
  room.wait(lock, [&] { return pending == 0; });
  return took;
}

round_trip::round_trip(log& to, shard_id partition)
    : to_(to), partition_(partition),
      reading_(to.read(
          partition, end_of(to, partition),
          [this](const std::vector<log_record>& read) {
            std::lock_guard lock{mutex_};
            seen_ += read.size();
            came_.notify_one();
          },
          [](const storage_error& error) { give_up(error.message); })) {}

double round_trip::once(const std::string& bytes) {
  auto start = wall_seconds();
  to_.append(partition_, bytes, ignore);
  std::unique_lock lock{mutex_};
  ++appended_;
  came_.wait(lock, [&] { return seen_ >= appended_; });
  return wall_seconds() - start;
}

} // namespace berth::bench

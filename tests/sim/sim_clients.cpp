#include "tests/sim/sim_clients.hpp"

#include "tests/sim/cluster.hpp"
#include "tests/sim/draws.hpp"
#include "tests/sim/sim_node.hpp"
#include "tests/sim/submission_names.hpp"
#include "tests/sim/topic_texts.hpp"
#include "tests/sim/workload_draws.hpp"

#include "storage/keyed_record.hpp"

#include <algorithm>
#include <utility>

namespace berth::sim {

namespace {

/// A client waits this long for one try.
constexpr sim_time try_timeout = 6 * second;
constexpr sim_time refused_after = 1 * millisecond;
constexpr uint32_t tries_max = 20;
constexpr double backoff_mean_us = 300.0 * millisecond;

bool is_retryable(const result& answer) {
  const auto* error = std::get_if<api_error>(&answer);
  return error != nullptr && error->code != api_errc::invalid;
}

} // namespace

sim_clients::sim_clients(sim_world& world, cluster& all)
    : world_(world), all_(all), random_(world.random.fork("clients")),
      life_(world.time) {
  life_.begin();
}

void sim_clients::script(job_script s) {
  auto name = s.name;
  world_.scripts.insert_or_assign(std::move(name), std::move(s));
}

void sim_clients::call(uint32_t client, request what,
                       std::function<void(std::optional<result>)> done) {
  auto c = std::make_shared<open_call>();
  c->client = client;
  c->what = std::make_shared<const request>(std::move(what));
  c->done = std::move(done);
  auto number = ++last_call_;
  open_[number] = c;
  if (std::holds_alternative<submit_job_request>(*c->what))
    last_submission_ = {number, c};
  attempt(number, c);
}

void sim_clients::repeat_submission(
    std::function<void(std::optional<result>)> done) {
  auto [number, c] = last_submission_;
  c->is_settled = false;
  c->done = std::move(done);
  open_[number] = c;
  attempt(number, c);
}

// The public topics.

void sim_clients::submit_by_topic(uint32_t client, const std::string& queue,
                                  std::string record,
                                  std::function<void()> done) {
  auto& topic = world_.public_topics->submissions;
  shard_id to{static_cast<uint32_t>(mixed(1, std::string_view{queue})
                                    % topic.partitions())};
  log_client by{"client " + std::to_string(client), client_place(client),
                &life_};
  ++open_submissions_;
  produce(by, to,
          std::make_shared<const std::string>(join_keyed(queue, record)),
          [this, done = std::move(done)] {
            --open_submissions_;
            done();
          });
}

/// What may not have arrived is sent again, and may then be there twice.
void sim_clients::produce(const log_client& by, shard_id to,
                          std::shared_ptr<const std::string> record,
                          std::function<void()> done) {
  world_.public_topics->submissions.append(
      by, to, *record,
      [this, by, to, record, done = std::move(done)](append_outcome outcome) {
        if (outcome == append_outcome::appended)
          done();
        else
          produce(by, to, record, done);
      });
}

bool sim_clients::submissions_are_settled() const {
  const auto* topics = world_.public_topics.get();
  if (topics == nullptr)
    return true;
  uint64_t landed = 0;
  for (uint32_t i = 0; i < topics->submissions.partitions(); ++i)
    landed += topics->submissions.records(shard_id{i}).size();
  return open_submissions_ == 0 && topics->submissions.is_quiet()
         && world_.log_watch.submissions_settled() == landed;
}

/// Passes over repeats as docs/kafka.md says.
void sim_clients::follow_jobs(
    std::function<void(const job_id&, const std::string& name,
                       uint32_t array_size)>
        seen) {
  auto& topic = world_.public_topics->changes;
  for (uint32_t i = 0; i < topic.partitions(); ++i)
    topic.start_reading(
        {"reader", client_place(0), &life_}, shard_id{i}, 0,
        [this, seen](const std::vector<log_record>& records) {
          for (const auto& r : records) {
            auto change = read_change(split_keyed(r.bytes).bytes);
            auto& handled = changes_handled_[change->shard];
            auto place = std::pair{change->offset, change->number};
            if (place <= handled)
              continue;
            handled = place;
            auto is_new = change->status == "SUBMITTED"
                          || (change->status == "PENDING"
                              && change->job.find(':') == std::string::npos);
            auto key = parse_job_key(change->job);
            if (is_new && change->name.rfind(name_by_topic, 0) == 0)
              seen(key->id, change->name, change->array_size);
          }
        });
}

void sim_clients::attempt(uint64_t number, const shared_call& c) {
  auto try_number = ++c->tries;
  ++c->waiting;
  auto& node = all_.node(only_.value_or(
      static_cast<uint32_t>(random_.below(world_.cluster().nodes))));
  auto from = client_place(c->client);
  world_.history.add(
      call_sent{number, c->client, node.index(), try_number, c->what});
  caller who{{account_of_runs, region_of_runs},
             "call-" + std::to_string(number),
             "body-" + std::to_string(number)};
  auto is_over = std::make_shared<bool>(false);
  auto answer = [this, number, c, try_number, is_over, from, &node](result r) {
    world_.network.answer(
        node.at(), from, life_,
        [this, number, c, try_number, is_over, r = std::move(r)] {
          if (std::exchange(*is_over, true))
            world_.history.situation("answer_after_the_client_gave_up");
          else
            answered(number, c, try_number, r);
        });
  };
  // Who is not there refuses at once.
  if (!node.life().is_alive())
    life_.after(refused_after, [this, number, c, try_number, is_over] {
      if (!std::exchange(*is_over, true))
        given_up(number, c, try_number);
    });
  world_.network.ask(from, node.at(), node.life(),
                     [&node, who, what = c->what, answer] {
                       node.gateway().call(who, *what, answer);
                     });
  life_.after(try_timeout, [this, number, c, try_number, is_over] {
    if (!std::exchange(*is_over, true))
      given_up(number, c, try_number);
  });
  if (world_.faults_on && try_number == 1
      && random_.chance(world_.faults().client_repeats)) {
    // Impatient: a second try beside the first.
    life_.after(exponential(random_, backoff_mean_us),
                [this, number, c] { attempt(number, c); });
  }
}

void sim_clients::answered(uint64_t number, const shared_call& c,
                           uint32_t try_number, const result& answer) {
  if (is_retryable(answer))
    return given_up(number, c, try_number);
  --c->waiting;
  world_.history.add(call_answered{number, try_number,
                                   std::make_shared<const result>(answer)});
  if (c->is_settled && c->first_answer == answer.index())
    world_.history.situation("repeated_call_answered_as_before");
  if (!c->first_answer)
    c->first_answer = answer.index();
  settle(number, c, answer);
}

void sim_clients::given_up(uint64_t number, const shared_call& c,
                           uint32_t try_number) {
  --c->waiting;
  world_.history.add(call_given_up{number, try_number});
  if (c->is_settled || c->waiting > 0)
    return;
  if (c->tries >= tries_max)
    return settle(number, c, std::nullopt);
  life_.after(exponential(random_, backoff_mean_us * c->tries),
              [this, number, c] {
                if (!c->is_settled)
                  attempt(number, c);
              });
}

void sim_clients::settle(uint64_t number, const shared_call& c,
                         std::optional<result> answer) {
  if (std::exchange(c->is_settled, true))
    return;
  open_.erase(number);
  auto done = std::exchange(c->done, nullptr);
  done(std::move(answer));
}

} // namespace berth::sim

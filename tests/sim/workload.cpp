#include "tests/sim/workload.hpp"

#include "tests/sim/submission_names.hpp"
#include "tests/sim/workload_drain.hpp"
#include "tests/sim/workload_draws.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace berth::sim {

namespace {

/// Between two tries of what the workload insists on.
constexpr sim_time insist_pause = 300 * millisecond;
constexpr int insist_tries = 60;

const response* good(const std::optional<result>& answer) {
  return answer ? std::get_if<response>(&*answer) : nullptr;
}

} // namespace

class workload::impl {
public:
  impl(const parameters& p, random_source random, workload_world& world)
      : p_(p), random_(random), topic_random_(own_stream(p.seed, "by topic")),
        forks_random_(own_stream(p.seed, "forked processes")), world_(world),
        drain_(world, accepted_) {}

  void start() {
    auto environments = random_.fork("environments");
    for (uint32_t i = 0; i < std::max(p_.workload.environments, 1U); ++i)
      environments_.push_back("environment-" + std::to_string(i));
    for (uint32_t i = 0; i < std::max(p_.workload.queues, 1U); ++i)
      queues_.push_back("queue-" + std::to_string(i));
    open_ = environments_.size();
    for (const auto& name : environments_) {
      auto settings = draw_environment(p_, environments, name);
      maximum_[name] = settings.max_vcpus;
      insist(0, create_environment_request{settings, {}}, 0, [this](bool) {
        if (--open_ == 0)
          create_queues();
      });
    }
  }

  bool is_done() const {
    return is_set_up_
           && std::all_of(clients_.begin(), clients_.end(),
                          [](const client& c) { return c.is_done; });
  }

  void let_drain() {
    if (std::exchange(draining_, true))
      return;
    restore();
    wait_for_clients();
  }

  bool has_drained() const { return drain_.is_over(); }

private:
  struct client {
    uint32_t number = 0;
    random_source random;
    uint32_t submissions_left = 0;
    uint64_t names = 0;
    bool is_done = false;
  };
  /// A step of a change of the catalog.
  struct planned {
    request what;
    /// Again while it is refused: the state that it needs is on its way.
    bool insist = false;
  };
  using then = std::function<void(bool)>;

  // Setting up.

  void create_queues() {
    auto random = random_.fork("queues");
    open_ = queues_.size() + definitions_count;
    auto one_less = [this](bool) {
      if (--open_ == 0)
        begin();
    };
    for (const auto& name : queues_)
      insist(0,
             create_queue_request{name,
                                  object_state::enabled,
                                  draw_priority(random),
                                  draw_order(random, environments_),
                                  {}},
             0, one_less);
    for (uint32_t i = 0; i < definitions_count; ++i) {
      definitions_.push_back("definition-" + std::to_string(i));
      insist(0,
             register_definition_request{
                 draw_definition(random, definitions_[i]), {}},
             0, one_less);
    }
  }

  void begin() {
    is_set_up_ = true;
    auto count = std::max(p_.workload.clients, 1U);
    clients_.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      auto share = p_.workload.jobs / count;
      if (i < p_.workload.jobs % count)
        ++share;
      clients_.push_back({i, random_.fork("client"), share, 0, false});
    }
    if (p_.workload.by_topic > 0)
      world_.follow_jobs([this](const job_id& id, const std::string& name,
                                uint32_t array_size) {
        accepted_.push_back({id, name, array_size, false});
      });
    for (auto& c : clients_)
      think(c);
  }

  // Clients.

  void think(client& c) {
    auto pause = exponential_ms(c.random, p_.workload.think_mean_ms);
    world_.time().after(pause * millisecond, [this, &c] { act(c); });
  }

  void act(client& c) {
    const auto& w = p_.workload;
    if (c.submissions_left == 0) {
      c.is_done = true;
      return;
    }
    if (c.random.chance(w.describe))
      return ask(c, draw_question(c.random, accepted_, queues_));
    if (!accepted_.empty() && c.random.chance(w.cancel))
      return ask(c, cancel_job_request{draw_target(c), "cancelled"});
    if (!accepted_.empty() && c.random.chance(w.terminate))
      return ask(c, terminate_job_request{draw_target(c), "terminated"});
    if (!draining_ && c.random.chance(w.catalog_change))
      return run_plan(c, draw_change(c), 0);
    submit(c);
  }

  void ask(client& c, request what) {
    world_.call(c.number, std::move(what),
                [this, &c](const std::optional<result>&) { think(c); });
  }

  std::string draw_target(client& c) {
    const auto& job = c.random.chance(0.7)
                          ? accepted_[accepted_.size() - 1
                                      - c.random.below(std::min<size_t>(
                                          accepted_.size(), 10))]
                          : c.random.pick(accepted_);
    job_key key{job.id, no_index};
    if (job.array_size > 0 && c.random.chance(0.5))
      key.index = static_cast<int32_t>(c.random.below(job.array_size));
    return to_string(key);
  }

  void submit(client& c) {
    --c.submissions_left;
    auto name =
        "job-" + std::to_string(c.number) + "-" + std::to_string(++c.names);
    auto by_topic = topic_random_.chance(p_.workload.by_topic);
    if (by_topic)
      name = name_by_topic + name;
    auto drawn = draw_submission(p_, c.random, name, accepted_);
    drawn.what.queue =
        p_.workload.one_hot_queue ? queues_.front() : c.random.pick(queues_);
    drawn.what.definition = c.random.pick(definitions_);
    draw_child(p_, forks_random_, drawn.script);
    if (by_topic)
      return submit_by_topic(c, std::move(drawn));
    world_.script(drawn.script);
    if (drawn.needs_end)
      drain_.must_end(name);
    auto size = drawn.what.array_size;
    world_.call(c.number, std::move(drawn.what),
                [this, &c, name, size](const std::optional<result>& answer) {
                  const auto* r = good(answer);
                  if (const auto* s =
                          r ? std::get_if<submitted_response>(r) : nullptr)
                    accepted_.push_back({s->id, name, size, false});
                  think(c);
                });
  }

  void submit_by_topic(client& c, drawn_submission drawn) {
    // Those of the dialect are no shorter than a minute.
    drawn.what.timeout_ms.reset();
    // Whether a child of theirs was ever made is not known to who submits.
    for (auto& d : drawn.what.depends_on)
      if (d.job)
        d.job = d.job->substr(0, d.job->find(':'));
    drawn.needs_end = drawn.needs_end || drawn.script.hangs;
    auto queue = drawn.what.queue;
    auto record = draw_record(topic_random_, drawn.what);
    world_.script(drawn.script);
    if (drawn.needs_end)
      drain_.must_end(drawn.what.name);
    world_.submit_by_topic(c.number, queue, std::move(record),
                           [this, &c] { think(c); });
  }

  // Changes of the catalog.

  std::vector<planned> draw_change(client& c) {
    auto& random = c.random;
    const auto& queue = random.pick(queues_);
    const auto& environment = random.pick(environments_);
    switch (random.below(10)) {
    case 0:
      return {{update_queue_request{queue, {}, draw_priority(random), {}}}};
    case 1:
      return {{update_queue_request{
          queue, {}, {}, draw_order(random, environments_)}}};
    case 2:
      return {{update_queue_request{queue, object_state::disabled, {}, {}}},
              {update_queue_request{queue, object_state::enabled, {}, {}}}};
    case 3:
      return {{update_queue_request{queue, object_state::disabled, {}, {}}},
              {delete_queue_request{queue}},
              {create_queue_request{queue,
                                    object_state::enabled,
                                    draw_priority(random),
                                    draw_order(random, environments_),
                                    {}},
               true}};
    case 4:
      return {{with_state(environment, object_state::disabled)},
              {with_state(environment, object_state::enabled)}};
    case 5: {
      auto less = with_state(environment, object_state::enabled);
      less.max_vcpus = random.between(0, maximum_[environment]);
      auto more = with_state(environment, object_state::enabled);
      more.max_vcpus = maximum_[environment];
      return {{less}, {more}};
    }
    case 6:
      return draw_short_lived(c);
    case 7:
      return draw_moved(c);
    case 8:
      return {{register_definition_request{
          draw_definition(random, random.pick(definitions_)), {}}}};
    default:
      return {{register_definition_request{
                  draw_definition(random, definitions_.front()), {}}},
              {deregister_definition_request{definitions_.front() + ":1"}}};
    }
  }

  /// An environment with a queue that serve for a while, are deleted and made
  /// anew under the same names.
  std::vector<planned> draw_short_lived(client& c) {
    auto number = std::to_string(c.number) + "-" + std::to_string(++c.names);
    auto environment = "short-lived-" + number;
    auto queue = "short-lived-queue-" + number;
    auto settings = draw_environment(p_, c.random, environment);
    maximum_[environment] = settings.max_vcpus;
    short_lived_queues_.push_back(queue);
    create_environment_request create{settings, {}};
    create_queue_request create_queue{queue,
                                      object_state::enabled,
                                      draw_priority(c.random),
                                      {{1, environment}},
                                      {}};
    std::vector<planned> plan{{create}, {create_queue}};
    plan_jobs(c, plan, queue, c.random.below(4));
    plan_end_of_queue(plan, queue);
    plan.push_back({with_state(environment, object_state::disabled)});
    plan.push_back({delete_environment_request{environment}, true});
    if (c.random.chance(0.5)) {
      plan.push_back({create, true});
      plan.push_back({create_queue, true});
    }
    return plan;
  }

  /// A queue that moves to another environment, maybe of another shard than its
  /// own, and is deleted while its jobs wait there.
  std::vector<planned> draw_moved(client& c) {
    auto number = std::to_string(c.number) + "-" + std::to_string(++c.names);
    auto queue = "moved-queue-" + number;
    short_lived_queues_.push_back(queue);
    auto order = draw_order(c.random, environments_);
    update_queue_request move;
    move.queue = queue;
    move.environments = {{1, order.back().environment}};
    std::vector<planned> plan{{create_queue_request{queue,
                                                    object_state::enabled,
                                                    draw_priority(c.random),
                                                    {order.front()},
                                                    {}}},
                              {std::move(move)}};
    plan_jobs(c, plan, queue, 1 + c.random.below(3));
    plan_end_of_queue(plan, queue);
    return plan;
  }

  void plan_jobs(client& c, std::vector<planned>& plan,
                 const std::string& queue, uint64_t count) {
    for (auto i = count; i-- > 0 && c.submissions_left > 1;) {
      --c.submissions_left;
      auto name = "job-of-" + queue + "-" + std::to_string(i);
      auto drawn = draw_submission(p_, c.random, name, accepted_);
      drawn.what.queue = queue;
      drawn.what.definition = c.random.pick(definitions_);
      draw_child(p_, forks_random_, drawn.script);
      world_.script(drawn.script);
      if (drawn.needs_end)
        drain_.must_end(name);
      plan.push_back({std::move(drawn.what)});
    }
  }

  static void plan_end_of_queue(std::vector<planned>& plan,
                                const std::string& queue) {
    plan.push_back(
        {update_queue_request{queue, object_state::disabled, {}, {}}});
    plan.push_back({delete_queue_request{queue}});
  }

  static update_environment_request with_state(const std::string& name,
                                               object_state state) {
    update_environment_request r;
    r.environment = name;
    r.state = state;
    return r;
  }

  void run_plan(client& c, std::vector<planned> plan, size_t step) {
    if (step == plan.size())
      return think(c);
    auto what = plan[step].what;
    auto tries = plan[step].insist ? insist_tries : 1;
    auto kept = std::make_shared<std::vector<planned>>(std::move(plan));
    insist(c.number, std::move(what), tries, [this, &c, kept, step](bool) {
      auto pause = exponential_ms(c.random, p_.workload.think_mean_ms);
      world_.time().after(pause * millisecond, [this, &c, kept, step] {
        run_plan(c, std::move(*kept), step + 1);
      });
    });
  }

  /// Calls until it is not refused; 0 tries = for ever.
  void insist(uint32_t number, request what, int tries, then done) {
    auto again = what;
    world_.call(number, std::move(what),
                [this, number, again = std::move(again), tries,
                 done = std::move(done)](const std::optional<result>& answer) {
                  if (const auto* r = good(answer)) {
                    take(*r);
                    return done(true);
                  }
                  if (tries == 1 || (tries == 0 && is_there_already(answer)))
                    return done(false);
                  world_.time().after(
                      insist_pause, [this, number, again, tries, done] {
                        insist(number, again, tries == 0 ? 0 : tries - 1, done);
                      });
                });
  }

  /// An earlier try of ours, whose answer was lost for good.
  static bool is_there_already(const std::optional<result>& answer) {
    const auto* e = answer ? std::get_if<api_error>(&*answer) : nullptr;
    return e != nullptr
           && e->message.find("already exists") != std::string::npos;
  }

  /// Jobs that a plan submitted.
  void take(const response& r) {
    if (const auto* s = std::get_if<submitted_response>(&r))
      accepted_.push_back({s->id, s->name, 0, false});
  }

  // Draining.

  void restore() {
    for (const auto& [name, maximum] : maximum_) {
      auto r = with_state(name, object_state::enabled);
      r.max_vcpus = maximum;
      restore_one(std::move(r));
    }
    for (const auto* names : {&queues_, &short_lived_queues_})
      for (const auto& name : *names)
        restore_one(update_queue_request{name, object_state::enabled, {}, {}});
  }

  /// What is refused is gone, or on its way out.
  void restore_one(request what) {
    auto again = what;
    world_.call(
        0, std::move(what),
        [this, again = std::move(again)](const std::optional<result>& answer) {
          if (!answer)
            world_.time().after(insist_pause,
                                [this, again] { restore_one(again); });
        });
  }

  void wait_for_clients() {
    if (!is_done()) {
      world_.time().after(insist_pause, [this] { wait_for_clients(); });
      return;
    }
    // Once more: a client's last change may have come after it.
    restore();
    auto queues = queues_;
    queues.insert(queues.end(), short_lived_queues_.begin(),
                  short_lived_queues_.end());
    drain_.begin(std::move(queues));
  }

  static constexpr uint32_t definitions_count = 3;

  parameters p_;
  random_source random_;
  random_source topic_random_;
  random_source forks_random_;
  workload_world& world_;
  std::vector<std::string> environments_;
  std::map<std::string, int64_t> maximum_;
  std::vector<std::string> queues_;
  std::vector<std::string> short_lived_queues_;
  std::vector<std::string> definitions_;
  std::vector<client> clients_;
  std::vector<accepted_job> accepted_;
  workload_drain drain_;
  size_t open_ = 0;
  bool is_set_up_ = false;
  bool draining_ = false;
};

workload::workload(const parameters& p, random_source random,
                   workload_world& world)
    : impl_(std::make_unique<impl>(p, random, world)) {}
workload::~workload() = default;
void workload::start() {
  impl_->start();
}
bool workload::is_done() const {
  return impl_->is_done();
}
void workload::let_drain() {
  impl_->let_drain();
}
bool workload::has_drained() const {
  return impl_->has_drained();
}

} // namespace berth::sim

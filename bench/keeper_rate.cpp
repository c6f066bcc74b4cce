#include "bench/keeper_rate.hpp"

#include "messages/assert.hpp"
#include "runtime/keeper.hpp"
#include "runtime/keeper_client.hpp"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <future>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr size_t in_flight = 2;
const agent_id the_agent{environment_uid{1}, "bench"};
constexpr shard_id the_source{0};

/// An agent that keeps two jobs in flight until all have ended.
class bench_agent {
public:
  explicit bench_agent(size_t jobs) : jobs_(jobs) {
    auto spec = std::make_shared<job_spec>();
    spec->name = "no-op";
    spec->container.command = {"/bin/true"};
    spec->container.needs = {1000, 256, {}};
    start_.spec = std::move(spec);
    start_.queue_name = "queue";
    start_.environment_name = "environment";
  }

  double run(const std::string& folder) {
    std::string error;
    client_ = keeper_client::open_existing(
        folder, [this](const keeper_event& e) { take(e); },
        [](const std::string&) {}, error);
    BERTH_ASSERT(client_, "the keeper answers");
    auto ended = ended_.get_future();
    client_->send(keeper_open_session{the_agent});
    ended.wait();
    std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - begin_;
    client_->send(keeper_shut_down{});
    client_->send(keeper_shut_down{});
    client_.reset();
    return static_cast<double>(jobs_) / took.count();
  }

private:
  void take(const keeper_event& event) {
    if (const auto* s = std::get_if<keeper_session>(&event)) {
      session_ = s->session;
      client_->send(keeper_lease{the_agent, session_, 0});
      begin_ = std::chrono::steady_clock::now();
      for (size_t i = 0; i < in_flight; ++i)
        dispatch_next();
    } else if (const auto* r = std::get_if<keeper_reports>(&event)) {
      // First, for after the last end the client may be gone.
      client_->send(keeper_reports_acknowledged{
          r->agent, r->session, r->destination, r->reports.back().number});
      for (const auto& report : r->reports)
        if (const auto* e = std::get_if<attempt_ended_report>(&report.body))
          take_end(*e);
    }
  }

  void take_end(const attempt_ended_report& end) {
    BERTH_ASSERT(end.exit_code == 0, "/bin/true ends well");
    if (++done_ == jobs_)
      ended_.set_value();
    else
      dispatch_next();
  }

  void dispatch_next() {
    if (dispatched_ == jobs_)
      return;
    std::array<uint8_t, 16> hash{};
    ++dispatched_;
    std::memcpy(hash.data(), &dispatched_, 4);
    std::memcpy(hash.data() + 8, &dispatched_, sizeof dispatched_);
    start_.attempt = {{make_job_id(hash, the_source), no_index}, 1};
    client_->send(keeper_dispatch{
        {the_source, the_agent, session_, dispatched_, start_}});
  }

  size_t jobs_;
  start_attempt start_;
  std::unique_ptr<keeper_client> client_;
  session_id session_;
  std::chrono::steady_clock::time_point begin_;
  uint64_t dispatched_ = 0;
  size_t done_ = 0;
  std::promise<void> ended_;
};

} // namespace

double run_keeper_rate(size_t jobs, const std::string& folder) {
  keeper_options options;
  options.data_folder = folder;
  // The keeper must be a small process of its own, as it is in life.
  auto child = fork();
  if (child == 0)
    _exit(run_keeper(options));
  int status = 0;
  waitpid(child, &status, 0);
  BERTH_ASSERT(status == 0, "the keeper starts in an empty folder");
  return bench_agent{jobs}.run(folder);
}

} // namespace berth

#include "runtime/agent_process.hpp"

#include "runtime/agent_host.hpp"
#include "runtime/catalog_follower.hpp"
#include "runtime/output_shipper.hpp"
#include "runtime/topic_agent_port.hpp"

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <utility>

namespace berth {

namespace {

struct agent_actor_config : caf::actor_system_config {
  agent_actor_config() {
    set("scheduler.policy", caf::atom("sharing"));
    // The only actor has a thread of its own.
    set("scheduler.max-threads", 1);
    set("logger.file-verbosity", caf::atom("quiet"));
    set("logger.console-verbosity", caf::atom("quiet"));
  }
};

} // namespace

storage_error open_agent_logs(const kafka_cluster_address& at,
                              agent_logs& opened) {
  struct wanted {
    topic what;
    std::unique_ptr<log>& into;
  };
  for (auto& [what, into] : {wanted{topic::log, opened.log_},
                             wanted{topic::heartbeats, opened.heartbeats},
                             wanted{topic::dispatch, opened.dispatches},
                             wanted{topic::output, opened.output}}) {
    auto result = open_topic(at, what, false);
    if (result.error)
      return result.error;
    into = std::move(result.opened);
  }
  return {};
}

storage_error require_cluster(const std::string& data_folder,
                              const std::string& cluster_id) {
  auto path = std::filesystem::path(data_folder) / "cluster";
  std::string noted;
  if (std::ifstream file{path}; file && std::getline(file, noted)) {
    if (noted == cluster_id)
      return {};
    return {storage_errc::fatal,
            "data folder " + data_folder + " was used with another cluster ("
                + noted + ", this one is " + cluster_id
                + "): give --data another folder, or remove this one once its "
                  "jobs have ended"};
  }
  auto made = path;
  made += ".new";
  std::error_code error;
  if (std::ofstream file{made}; !(file << cluster_id << "\n" << std::flush))
    error = std::make_error_code(std::errc::io_error);
  if (!error)
    std::filesystem::rename(made, path, error);
  if (error)
    return {storage_errc::fatal,
            "cannot write " + path.string() + ": " + error.message()};
  return {};
}

class agent_process::impl {
public:
  impl(agent_logs logs, agent_process_options options)
      : options_(std::move(options)), system_(config_), logs_(std::move(logs)) {
    output_shipper_options shipping;
    shipping.data_folder = options_.data_folder;
    shipper_.emplace(*logs_.output, std::move(shipping));
    host_ = spawn_agent_host(system_, host_options());
    follower_.emplace(
        *logs_.log_,
        [this](const catalog_follower::environments& all) { look_at(*all); },
        [this](std::string why) { fatal(std::move(why)); });
  }

  ~impl() {
    follower_.reset();
    caf::anon_send(host_, stop_now{});
    host_ = nullptr;
    system_.await_all_actors_done();
    shipper_.reset();
  }

  size_t attempts() const { return attempts_; }

  void drain(std::function<void()> done) {
    caf::anon_send(host_, drain_agents{std::move(done)});
  }

  void end_jobs(std::function<void()> done) {
    caf::anon_send(host_, berth::end_jobs{std::move(done)});
  }

private:
  agent_host_options host_options() {
    agent_host_options o;
    o.data_folder = options_.data_folder;
    o.keeper_command = options_.keeper_command;
    o.machine.dispatch_topic = true;
    o.machine.heartbeat_interval_ms = options_.heartbeat_interval_ms;
    o.machine.stop_grace_ms = options_.stop_grace_ms;
    o.port = make_topic_agent_port(
        {logs_.log_.get(), logs_.heartbeats.get(), logs_.dispatches.get()},
        [this](std::string why) { fatal(std::move(why)); });
    o.offer = [this](const environment_object& e) {
      return agent_offer{{e.uid, options_.name},
                         e.shard,
                         options_.capacity,
                         options_.lease_ms};
    };
    o.node_environment = options_.node_environment;
    o.ship_output = [this](const attempt_id& attempt,
                           std::function<void()> done) {
      shipper_->finish(attempt, std::move(done));
    };
    o.on_keeper = options_.on_keeper;
    o.on_joined = [this] {
      options_.say("joined environment " + options_.environment + " as "
                   + options_.name);
    };
    o.on_attempts = [this](size_t count) { attempts_ = count; };
    o.on_fatal = [this](std::string why) { fatal(std::move(why)); };
    return o;
  }

  /// The environment of that name: none, or one.
  void look_at(const std::vector<environment_object>& all) {
    auto mine = std::make_shared<std::vector<environment_object>>();
    for (const auto& e : all)
      if (e.owner == options_.owner && e.settings.name == options_.environment)
        mine->push_back(e);
    auto is_there = !mine->empty();
    if (!is_there && was_there_ != is_there)
      options_.say(
          std::string(was_there_ ? "the environment was deleted; " : "")
          + "waiting for environment " + options_.environment + " of account "
          + options_.owner.account + " in " + options_.owner.region);
    was_there_ = is_there;
    caf::anon_send(host_, environments_changed{std::move(mine)});
  }

  void fatal(std::string why) {
    if (!fatal_.exchange(true))
      options_.on_fatal(std::move(why));
  }

  const agent_process_options options_;
  std::atomic<bool> fatal_ = false;
  std::atomic<size_t> attempts_ = 0;
  /// Nothing was told before the first look.
  std::optional<bool> was_there_;
  agent_actor_config config_;
  caf::actor_system system_;
  // Its last answers go to actors that have ended, so it goes before them.
  agent_logs logs_;
  std::optional<output_shipper> shipper_;
  agent_host_actor host_;
  std::optional<catalog_follower> follower_;
};

agent_process::agent_process(agent_logs logs, agent_process_options options)
    : impl_(std::make_unique<impl>(std::move(logs), std::move(options))) {}

agent_process::~agent_process() = default;

size_t agent_process::attempts() const {
  return impl_->attempts();
}

void agent_process::drain(std::function<void()> done) {
  impl_->drain(std::move(done));
}

void agent_process::end_jobs(std::function<void()> done) {
  impl_->end_jobs(std::move(done));
}

} // namespace berth

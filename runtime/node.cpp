#include "runtime/node.hpp"

#include "runtime/agent_host.hpp"
#include "runtime/cluster_link.hpp"
#include "runtime/gateway.hpp"
#include "runtime/local_agent_port.hpp"
#include "runtime/public_topics.hpp"
#include "runtime/shard_host.hpp"
#include "runtime/whole_log.hpp"
#include "storage/local_log.hpp"
#include "storage/rocksdb_store.hpp"
#include "storage/store_backups.hpp"

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <future>
#include <latch>
#include <optional>
#include <spdlog/spdlog.h>
#include <utility>

namespace berth {

namespace {

/// Messages that one actor handles before the next one's turn; CAF's default
/// is without a limit and lets a busy actor starve the others.
constexpr size_t messages_per_turn = 300;

struct actor_config : caf::actor_system_config {
  actor_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-throughput", messages_per_turn);
    set("logger.file-verbosity", caf::atom("quiet"));
    set("logger.console-verbosity", caf::atom("quiet"));
  }
};

store_result open_store(data_folder& folder, shard_id shard, log& log,
                        bool is_shared_log) {
  auto opened = open_rocksdb_store({folder.store_folder(shard)});
  auto is_of_log = [&](const store& s) {
    auto at = s.last_checkpoint();
    return !at || at->cluster_id == log.cluster_id();
  };
  if (opened.opened && is_of_log(*opened.opened))
    return opened;
  // The folder may be another cluster's, whose brokers were not meant.
  if (opened.opened && is_shared_log)
    return {nullptr,
            {storage_errc::fatal,
             "the data folder " + folder.path().string()
                 + " was made with another log than the one at these brokers: "
                   "check --brokers and --topic-prefix, or give another "
                   "--data"}};
  if (opened.error && opened.error.code != storage_errc::diverged)
    return opened;
  opened.opened.reset();
  std::filesystem::path now_at;
  if (auto error = folder.set_aside(shard, now_at))
    return {nullptr, error};
  spdlog::warn("store set aside shard={} now_at={} reason=\"{}\"", shard.value,
               now_at.string(),
               opened.error ? opened.error.message
                            : "it was made from another log");
  return open_rocksdb_store({folder.store_folder(shard)});
}

/// Records by which a store must be behind a shared copy to be replaced by it.
constexpr log_offset renewed_when_behind = 10'000;

} // namespace

class node::impl {
public:
  impl(std::unique_ptr<data_folder> folder, node_options options)
      : options_(std::move(options)), folder_(std::move(folder)) {}

  ~impl() {
    if (topics_)
      topics_->stop();
    for (auto& host : hosts_)
      caf::anon_send(host, stop_now{});
    for (auto& writer : writers_)
      caf::anon_send(writer, stop_now{});
    if (agents_)
      caf::anon_send(agents_, stop_now{});
    if (gateway_)
      caf::anon_send(gateway_, stop_now{});
    if (cluster_)
      cluster_->stop();
    hosts_.clear();
    writers_.clear();
    door_.reset();
    agents_ = nullptr;
    gateway_ = nullptr;
    if (system_)
      system_->await_all_actors_done();
  }

  storage_error open() {
    if (auto full = folder_->require_room(log_free_bytes_min))
      return full;
    if (auto error = options_.cluster ? open_cluster() : open_log())
      return error;
    for (uint32_t i = 0; i < log_->partitions(); ++i) {
      // Those of others are renewed when they are followed.
      if (shard_id{i} == catalog_shard)
        fetch_shared_checkpoint(shard_id{i});
      auto store =
          open_store(*folder_, shard_id{i}, *log_, cluster_ != nullptr);
      if (store.error)
        return store.error;
      stores_.push_back(std::move(store.opened));
    }
    return {};
  }

  /// Waits until every shard is owned, or something is fatal; a cluster's node
  /// only joins. The error says why it cannot.
  std::optional<std::string> run() {
    if (cluster_)
      cluster_->set_up(config_, log_->cluster_id());
    system_ = std::make_unique<caf::actor_system>(config_);
    if (cluster_)
      if (auto problem = cluster_->publish(*system_))
        return problem;
    start_gateway();
    if (cluster_ && options_.dialect)
      start_public_topics();
    owned_ = std::make_unique<std::latch>(log_->partitions());
    for (uint32_t i = 0; i < log_->partitions(); ++i)
      spawn_shard(shard_id{i});
    caf::anon_send(gateway_,
                   shards_known{hosts_, cluster_ ? cluster_->calling_door()
                                                 : node_door_actor{}});
    whole_log_ = std::make_unique<whole_log>(
        [this](bool is_wanted) { cluster_->want_whole_log(is_wanted); },
        hosts_);
    if (cluster_)
      cluster_->join(*system_, options_.name, hosts_, gateway_,
                     [this](std::string why) { fatal(std::move(why)); });
    else
      owned_->wait();
    return std::nullopt;
  }

  keeper_hello start_agents(local_agents_options wanted) {
    auto hello = std::make_shared<std::promise<keeper_hello>>();
    agent_host_options o;
    o.data_folder = folder_->path().string();
    o.keeper_command = std::move(wanted.keeper_command);
    o.port = make_local_agent_port(*log_, hosts_);
    o.offer = [machine = wanted.machine](const environment_object& e) {
      return agent_offer{{e.uid, "local"}, e.shard, machine};
    };
    o.node_environment = std::move(wanted.node_environment);
    o.on_keeper = [hello](const keeper_hello& h) { hello->set_value(h); };
    o.on_fatal = [this](std::string why) { fatal(std::move(why)); };
    auto agents = spawn_agent_host(*system_, std::move(o));
    {
      std::lock_guard lock{mutex_};
      agents_ = agents;
      if (environments_)
        caf::anon_send(agents_, environments_changed{environments_});
      for (auto& waiting : std::exchange(dispatches_, {}))
        caf::anon_send(agents_, dispatch_released{std::move(waiting)});
    }
    return hello->get_future().get();
  }

  std::vector<shard_status> status(bool with_hash) const {
    std::vector<std::future<shard_status>> asked;
    for (const auto& host : hosts_) {
      auto found = std::make_shared<std::promise<shard_status>>();
      asked.push_back(found->get_future());
      caf::anon_send(host, inspect_shard{[found, with_hash](const shard* m) {
                       // The state holds what an unconfirmed decision did.
                       if (m != nullptr && with_hash && m->decision_in_flight())
                         return false;
                       found->set_value(look(m, with_hash));
                       return true;
                     }});
    }
    std::vector<shard_status> all;
    for (uint32_t i = 0; i < asked.size(); ++i)
      all.emplace_back(asked[i].get()).id = shard_id{i};
    return all;
  }

  void end_jobs() {
    auto ended = std::make_shared<std::promise<void>>();
    caf::anon_send(agents_, berth::end_jobs{[ended] { ended->set_value(); }});
    ended->get_future().get();
  }

  cluster_link& cluster() { return *cluster_; }
  void hold_whole_log(whole_log_ready then) {
    whole_log_->hold(std::move(then));
  }
  std::optional<public_topics_counts> public_counts() const {
    if (!topics_)
      return std::nullopt;
    return topics_->counts();
  }
  gateway_interface& door() { return *door_; }
  job_transitions& transitions() { return transitions_; }
  log& event_log() { return *log_; }
  const data_folder& folder() const { return *folder_; }
  uint32_t shard_count() const { return log_->partitions(); }

private:
  storage_error open_log() {
    local_log_options wanted;
    wanted.folder = folder_->log_folder();
    wanted.partitions = options_.shards;
    wanted.cluster_id = folder_->cluster_id();
    wanted.create_if_missing = folder_->may_make_log();
    auto opened = open_local_log(wanted);
    log_ = std::move(opened.opened);
    return opened.error;
  }

  storage_error open_cluster() {
    cluster_ = std::make_unique<cluster_link>(*options_.cluster);
    auto may_make_log = folder_->may_make_log();
    if (auto error = cluster_->open(may_make_log, log_)) {
      if (!may_make_log)
        error.message += "; the data folder " + folder_->path().string()
                         + " was used with a log: if that is gone, restore it, "
                           "or begin anew with another --data";
      return error;
    }
    if (!options_.dialect)
      return {};
    opened_topics_ = open_public_topics(options_.cluster->kafka, true);
    return opened_topics_.error;
  }

  void start_public_topics() {
    public_topics_ports p;
    p.dialect = *options_.dialect;
    p.resolve = [gateway = gateway_](auto what, auto done) {
      caf::anon_send(gateway,
                     resolve_submissions{std::move(what), std::move(done)});
    };
    // A shard is owned only when all hosts are there.
    p.give = [this](shard_id to, const std::string& source, log_offset after,
                    auto what, auto done) {
      caf::anon_send(
          hosts_.at(to.value),
          submissions_given{source, after, std::move(what), std::move(done)});
    };
    p.describe = [door = std::shared_ptr<gateway_interface>(make_gateway_door(
                      gateway_))](std::vector<job_key> jobs, auto done) {
      describe_jobs_request asked;
      for (const auto& job : jobs)
        asked.jobs.push_back(to_string(job));
      door->call({}, std::move(asked), std::move(done));
    };
    topics_ = std::make_unique<public_topics>(std::move(opened_topics_), *log_,
                                              std::move(p));
  }

  std::optional<store_backup_place> shared_checkpoints() const {
    if (!options_.cluster || options_.cluster->shared_folder.empty())
      return std::nullopt;
    return store_backup_place{options_.cluster->shared_folder,
                              log_->cluster_id(), options_.name};
  }

  /// A node that has no store of the shard begins with a copy of another's.
  void fetch_shared_checkpoint(shard_id shard) {
    auto place = shared_checkpoints();
    auto folder = folder_->store_folder(shard);
    std::error_code failure;
    if (!place || std::filesystem::exists(folder / "CURRENT", failure))
      return;
    auto newest = newest_backup(*place, shard);
    if (!newest)
      return;
    if (auto error = restore_backup(*newest, folder))
      spdlog::warn("shared checkpoint not used shard={} reason=\"{}\"",
                   shard.value, error.message);
    else
      spdlog::info("shared checkpoint taken shard={} offset={} from={}",
                   shard.value, newest->at.folded_offset,
                   newest->folder.string());
  }

  /// Reading on from a store that has been at rest for long would take longer
  /// than a copy of its owner's.
  store_renewed renewed(shard_id shard, std::shared_ptr<store> own) {
    auto newest = newest_backup(*shared_checkpoints(), shard);
    auto at = own->last_checkpoint();
    if (!newest
        || (at
            && newest->at.folded_offset
                   < at->folded_offset + renewed_when_behind))
      return {std::move(own), {}};
    own.reset();
    std::error_code failure;
    std::filesystem::remove_all(folder_->store_folder(shard), failure);
    fetch_shared_checkpoint(shard);
    auto result = open_store(*folder_, shard, *log_, true);
    return {std::move(result.opened), std::move(result.error)};
  }

  std::optional<store_copies> copies_of(shard_id shard) const {
    auto place = shared_checkpoints();
    if (!place)
      return std::nullopt;
    return store_copies{place->folder_of(shard),
                        options_.cluster->shared_checkpoint_interval_ms};
  }

  void start_gateway() {
    gateway_host_options o;
    o.shard_count = log_->partitions();
    o.merge_details = options_.merge_details;
    o.on_environments = [this](auto environments) {
      std::lock_guard lock{mutex_};
      environments_ = environments;
      if (agents_)
        caf::anon_send(agents_, environments_changed{environments});
    };
    if (cluster_)
      o.cluster = cluster_->for_gateway();
    gateway_ = spawn_gateway(*system_, std::move(o));
    door_ = make_gateway_door(gateway_);
  }

  static shard_status look(const shard* at, bool with_hash) {
    shard_status s;
    s.is_at_rest = at == nullptr;
    if (s.is_at_rest)
      return s;
    const auto& m = *at;
    s.role = m.role();
    s.epoch = m.current_epoch().value;
    s.folded_offset = m.folded_offset();
    s.seq = m.seq();
    s.live_jobs = m.state().jobs().live_count();
    s.runnable_jobs = m.state().runnable_count();
    s.waiting_calls = m.waiting_calls();
    s.counters = m.counters();
    if (with_hash)
      s.state_hash = m.state().hash();
    return s;
  }

  void spawn_shard(shard_id id) {
    shard_host_options o;
    o.shard.state.self = id;
    o.shard.state.catalog.shard_count = log_->partitions();
    if (cluster_) {
      // The catalog is alone in its shard where there are more.
      o.shard.state.catalog.first_environment_shard = 1;
      o.shard.endpoint = cluster_->endpoint();
      o.candidate = false;
      o.followed = id == catalog_shard;
      o.cluster = cluster_->for_shard(id, gateway_);
      o.cluster->on_epoch = [this, id](epoch at) {
        transitions_.start_at(id, at.value);
      };
    }
    o.shard.state.jobs = options_.jobs;
    o.shard.state.environments = options_.environments;
    o.shard.cluster_id = log_->cluster_id();
    o.shard.node = options_.name;
    o.log_ = log_.get();
    auto rows = std::move(stores_.at(id.value));
    o.store_ = rows;
    o.renews_store = shared_checkpoints().has_value();
    o.checkpoint_interval_ms = options_.checkpoint_interval_ms;
    o.gateway = gateway_;
    o.store_writer = writers_.emplace_back(
        spawn_store_writer(*system_, std::move(rows), copies_of(id),
                           [this, id](std::shared_ptr<store> own) {
                             return renewed(id, std::move(own));
                           }));
    o.on_dispatch = [this](std::shared_ptr<const dispatch> d) {
      std::lock_guard lock{mutex_};
      if (agents_)
        caf::anon_send(agents_, dispatch_released{std::move(d)});
      else
        dispatches_.push_back(std::move(d));
    };
    o.on_folded = [this, id](log_offset offset, const auto& decision) {
      transitions_.add(transitions_of(id, offset, *decision));
    };
    o.on_owner = [this, id, told = std::make_shared<std::atomic<bool>>(false)] {
      if (!told->exchange(true))
        owned_->count_down();
      if (topics_)
        topics_->on_owned(id);
    };
    o.on_disowned = [this, id] {
      if (topics_)
        topics_->on_disowned(id);
    };
    o.on_fatal = [this](std::string why) { fatal(std::move(why)); };
    hosts_.push_back(spawn_shard_host(*system_, std::move(o)));
  }

  void fatal(std::string why) {
    if (!fatal_.exchange(true))
      options_.on_fatal(std::move(why));
  }

  node_options options_;
  std::unique_ptr<data_folder> folder_;
  std::unique_ptr<log> log_;
  std::vector<std::shared_ptr<store>> stores_;
  job_transitions transitions_;
  actor_config config_;
  std::unique_ptr<cluster_link> cluster_;
  opened_public_topics opened_topics_;
  std::unique_ptr<public_topics> topics_;
  std::unique_ptr<caf::actor_system> system_;
  gateway_actor gateway_;
  std::unique_ptr<gateway_interface> door_;
  std::vector<store_writer_actor> writers_;
  std::vector<shard_host_actor> hosts_;
  std::unique_ptr<whole_log> whole_log_;
  std::unique_ptr<std::latch> owned_;
  std::atomic<bool> fatal_ = false;

  /// Protects what the shards' threads and the starting thread share.
  std::mutex mutex_;
  agent_host_actor agents_;
  std::shared_ptr<std::vector<environment_object>> environments_;
  /// Released before the agents were there.
  std::vector<std::shared_ptr<const dispatch>> dispatches_;
};

node::node(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

node::~node() = default;

node_result node::start(std::unique_ptr<data_folder> folder,
                        node_options options) {
  auto made = std::make_unique<impl>(std::move(folder), std::move(options));
  if (auto error = made->open())
    return {nullptr, error};
  if (auto problem = made->run())
    return {nullptr, {storage_errc::fatal, *problem}};
  return {std::unique_ptr<node>(new node(std::move(made))), {}};
}

keeper_hello node::start_agents(local_agents_options options) {
  return impl_->start_agents(std::move(options));
}

gateway_interface& node::gateway() {
  return impl_->door();
}

job_transitions& node::transitions() {
  return impl_->transitions();
}

log& node::event_log() {
  return impl_->event_log();
}

const data_folder& node::folder() const {
  return impl_->folder();
}

uint32_t node::shard_count() const {
  return impl_->shard_count();
}

std::vector<shard_status> node::status(bool with_hash) const {
  return impl_->status(with_hash);
}

std::string node::endpoint() const {
  return impl_->cluster().endpoint();
}

const kafka_cluster_address& node::kafka() const {
  return impl_->cluster().kafka();
}

cluster_view node::view() const {
  return impl_->cluster().view();
}

std::optional<public_topics_counts> node::public_counts() const {
  return impl_->public_counts();
}

void node::hold_whole_log(whole_log_ready then) {
  impl_->hold_whole_log(std::move(then));
}

void node::leave(int64_t patience_ms) {
  impl_->cluster().leave(patience_ms);
}

void node::end_jobs() {
  impl_->end_jobs();
}

} // namespace berth

#include "runtime/node_door.hpp"

#include "messages/codec.hpp"
#include "messages/node_frames.hpp"
#include "runtime/shard_host.hpp"
#include "runtime/task_thread.hpp"
#include "runtime/tcp_probe.hpp"

#include <caf/io/middleman.hpp>
#include <caf/io/middleman_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <openssl/evp.h>
#include <set>
#include <spdlog/spdlog.h>
#include <unordered_map>
#include <utility>

namespace berth {

namespace {

/// How long a node may take to accept, and then to say who it is.
constexpr int probe_patience_ms = 1000;
constexpr std::chrono::seconds handshake_patience{3};
/// Between signs of life on a link, and silence after which it is cut.
constexpr std::chrono::milliseconds link_heartbeat{500};
constexpr std::chrono::milliseconds link_timeout{4000};
/// Calls of other nodes that wait for an answer here.
constexpr size_t peer_calls_max = 65'536;

struct peer {
  frame_actor door;
  bool is_dialing = false;
  std::vector<forwarded_call> waiting;
};
struct asked_by {
  caf::strong_actor_ptr who;
  uint64_t token = 0;
};

forwarded_answer forwarded(uint64_t token, result answer) {
  forwarded_answer f;
  f.token = token;
  if (auto* error = std::get_if<api_error>(&answer))
    f.error = std::move(*error);
  else
    f.answer = std::get<response>(std::move(answer));
  return f;
}

result answer_of(forwarded_answer& f) {
  if (f.answer)
    return std::move(*f.answer);
  return f.error.value_or(
      api_error{api_errc::internal, "the owner's answer is empty"});
}

struct node_door_state {
  static inline const char* name = "node_door";

  node_door_actor::pointer self = nullptr;
  node_door_options options;
  task_thread dialer;
  std::map<std::string, peer> peers;
  std::map<caf::actor_addr, std::string> endpoints;
  call_token last_token = peer_tokens;
  std::unordered_map<call_token, asked_by> asked;

  node_door_actor me() const { return caf::actor_cast<node_door_actor>(self); }
  void bring(peer_calls calls);
  void dial(const std::string& endpoint);
  void shake_hands(const peer_dialed& probed);
  void on_dialed(const peer_dialed& m);
  void on_down(const caf::actor_addr& who);
  void send(peer& to, std::vector<forwarded_call> calls);
  void take(const std::string& bytes);
  void take_calls(calls_frame frame);
  void take_answers(answers_frame frame);
  void answer(std::vector<call_answer> answers);
  void turn_away(const forwarded_call& call, const char* why);
};

void node_door_state::send(peer& to, std::vector<forwarded_call> calls) {
  self->send(to.door, encode(node_frame{node_frame_format,
                                        calls_frame{std::move(calls)}}));
}

void node_door_state::bring(peer_calls calls) {
  auto& to = peers[calls.endpoint];
  if (to.door)
    return send(to, std::move(calls.calls));
  std::move(calls.calls.begin(), calls.calls.end(),
            std::back_inserter(to.waiting));
  if (!std::exchange(to.is_dialing, true))
    dial(calls.endpoint);
}

/// CAF connects one after the other and waits for each as long as TCP does, so
/// it gets only those that accept.
void node_door_state::dial(const std::string& endpoint) {
  dialer.queue()->post([door = me(), endpoint] {
    auto at = parse_node_endpoint(endpoint);
    auto problem = at ? probe_tcp(at->host, at->port, probe_patience_ms)
                      : std::optional<std::string>{"it is not HOST:PORT"};
    caf::anon_send(door, peer_dialed{endpoint, {}, problem.value_or("")});
  });
}

void node_door_state::shake_hands(const peer_dialed& probed) {
  auto at = parse_node_endpoint(probed.endpoint);
  self->request(self->system().middleman().actor_handle(), handshake_patience,
                caf::connect_atom_v, at->host, at->port)
      .then(
          [this, endpoint = probed.endpoint](const caf::node_id&,
                                             const caf::strong_actor_ptr& there,
                                             const std::set<std::string>&) {
            on_dialed({endpoint, caf::actor_cast<frame_actor>(there),
                       there ? "" : "no node of Berth is there"});
          },
          [this, endpoint = probed.endpoint](const caf::error& e) {
            on_dialed({endpoint,
                       {},
                       self->system().render(e)
                           + " (is it of this cluster, with the same "
                             "secret?)"});
          });
}

void node_door_state::on_dialed(const peer_dialed& m) {
  auto& to = peers[m.endpoint];
  if (m.problem.empty() && !m.door)
    return shake_hands(m);
  to.is_dialing = false;
  if (!m.door) {
    spdlog::warn("node unreachable endpoint={} reason=\"{}\"", m.endpoint,
                 m.problem);
    to.waiting.clear();
    caf::anon_send(options.gateway, peer_unreachable{m.endpoint});
    return;
  }
  to.door = m.door;
  endpoints[m.door.address()] = m.endpoint;
  self->monitor(m.door);
  if (!to.waiting.empty())
    send(to, std::exchange(to.waiting, {}));
}

void node_door_state::on_down(const caf::actor_addr& who) {
  auto found = endpoints.find(who);
  if (found == endpoints.end())
    return;
  auto endpoint = found->second;
  endpoints.erase(found);
  peers.erase(endpoint);
  spdlog::info("link lost endpoint={}", endpoint);
  caf::anon_send(options.gateway, peer_unreachable{endpoint});
}

void node_door_state::take(const std::string& bytes) {
  auto frame = decode<node_frame>(bytes);
  if (!frame || frame->format > node_frame_format) {
    spdlog::warn("frame passed over bytes={} reason=\"{}\"", bytes.size(),
                 frame ? "a newer version of Berth wrote it"
                       : "it cannot be read");
    return;
  }
  if (auto* calls = std::get_if<calls_frame>(&frame->body))
    take_calls(std::move(*calls));
  else
    take_answers(std::move(std::get<answers_frame>(frame->body)));
}

void node_door_state::turn_away(const forwarded_call& call, const char* why) {
  answers_frame frame;
  frame.answers.push_back(
      forwarded(call.token, api_error{api_errc::unavailable, why}));
  self->send(caf::actor_cast<frame_actor>(self->current_sender()),
             encode(node_frame{node_frame_format, std::move(frame)}));
}

void node_door_state::take_calls(calls_frame frame) {
  if (!self->current_sender())
    return;
  std::map<shard_id, shard_calls> by_shard;
  for (auto& call : frame.calls) {
    if (call.to.value >= options.shards.size()) {
      turn_away(call, "this node knows no such shard");
      continue;
    }
    if (asked.size() >= peer_calls_max) {
      turn_away(call, "too many calls of other nodes wait here");
      continue;
    }
    asked[++last_token] = {self->current_sender(), call.token};
    if (call.to == catalog_shard
        && std::holds_alternative<barrier_call>(call.what)) {
      ask_replica(
          options.shards.at(catalog_shard.value),
          [door = me(), token = last_token](result answer) {
            caf::anon_send(door, shard_answers{{{token, std::move(answer)}}});
          });
      continue;
    }
    by_shard[call.to].calls.emplace_back(last_token, std::move(call.what));
  }
  for (auto& [to, calls] : by_shard)
    caf::anon_send(options.shards.at(to.value), std::move(calls));
}

void node_door_state::take_answers(answers_frame frame) {
  auto sender = self->current_sender();
  auto from = sender ? endpoints.find(caf::actor_cast<caf::actor_addr>(sender))
                     : endpoints.end();
  if (from == endpoints.end())
    return;
  peer_answers told{from->second, {}};
  for (auto& a : frame.answers)
    told.answers.push_back({a.token, answer_of(a)});
  caf::anon_send(options.gateway, std::move(told));
}

void node_door_state::answer(std::vector<call_answer> answers) {
  std::map<caf::strong_actor_ptr, answers_frame> by_node;
  for (auto& a : answers) {
    auto found = asked.find(a.token);
    if (found == asked.end())
      continue;
    by_node[found->second.who].answers.push_back(
        forwarded(found->second.token, std::move(a.answer)));
    asked.erase(found);
  }
  for (auto& [who, frame] : by_node)
    self->send(caf::actor_cast<frame_actor>(who),
               encode(node_frame{node_frame_format, std::move(frame)}));
}

node_door_actor::behavior_type
node_door_behavior(node_door_actor::stateful_pointer<node_door_state> self) {
  self->state.self = self;
  self->set_down_handler([self](caf::scheduled_actor*, caf::down_msg& m) {
    self->state.on_down(m.source);
  });
  return {
      [self](const std::string& bytes) { self->state.take(bytes); },
      [self](const peer_calls& m) { self->state.bring(m); },
      [self](const peer_dialed& m) { self->state.on_dialed(m); },
      [self](const shard_answers& m) { self->state.answer(m.answers); },
      [self](const door_opened& m) { self->state.options = *m.options; },
      [self](const stop_now&) { self->quit(); },
  };
}

std::string sha256_hex(const std::string& text) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(),
             nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

} // namespace

void set_up_network(caf::actor_system_config& config,
                    const std::string& cluster_id, const std::string& secret) {
  config.load<caf::io::middleman>();
  config.set("middleman.app-identifiers",
             std::vector<std::string>{
                 "berth-" + sha256_hex(cluster_id + "\n" + secret)});
  config.set("middleman.heartbeat-interval", caf::timespan{link_heartbeat});
  config.set("middleman.connection-timeout", caf::timespan{link_timeout});
}

std::string secret_mark(const std::string& cluster_id,
                        const std::string& secret) {
  return sha256_hex("mark\n" + cluster_id + "\n" + secret)
      .substr(0, secret_mark_size);
}

node_door_actor spawn_node_door(caf::actor_system& system) {
  return system.spawn(node_door_behavior);
}

caller_system::caller_system(const std::string& cluster_id,
                             const std::string& secret) {
  set_up_network(config_, cluster_id, secret);
  config_.set("scheduler.policy", caf::atom("sharing"));
  config_.set("scheduler.max-threads", 1);
  config_.set("logger.file-verbosity", caf::atom("quiet"));
  config_.set("logger.console-verbosity", caf::atom("quiet"));
  system_ = std::make_unique<caf::actor_system>(config_);
  door_ = spawn_node_door(*system_);
}

caller_system::~caller_system() {
  caf::anon_send(door_, stop_now{});
  door_ = nullptr;
  system_->await_all_actors_done();
}

void open_node_door(const node_door_actor& door, node_door_options options) {
  caf::anon_send(door, door_opened{std::make_shared<const node_door_options>(
                           std::move(options))});
}

std::optional<std::string> publish_node_door(caf::actor_system& system,
                                             const node_door_actor& door,
                                             node_endpoint& at) {
  auto is_local = at.host.starts_with("127.") || at.host == "localhost";
  auto port =
      system.middleman().publish(caf::actor_cast<caf::actor>(door), at.port,
                                 is_local ? "127.0.0.1" : nullptr, true);
  if (!port)
    return "--endpoint " + to_string(at)
           + ": cannot be listened on: " + system.render(port.error());
  at.port = *port;
  return std::nullopt;
}

} // namespace berth

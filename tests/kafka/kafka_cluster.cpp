#include "tests/kafka/kafka_cluster.hpp"

#include "messages/assert.hpp"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace berth {

namespace {

constexpr int patience_ms = 120'000;
/// Of the cluster, as `kafka-storage.sh random-uuid` prints them.
constexpr char cluster_uuid[] = "MkU3OEVBNTcwNTJENDM2Qg";

/// A port that was free a moment ago.
int free_port() {
  auto fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  BERTH_ASSERT(bind(fd, raw, size) == 0, "loopback has a free port");
  BERTH_ASSERT(getsockname(fd, raw, &size) == 0, "a bound socket has a name");
  close(fd);
  return ntohs(address.sin_port);
}

std::string jars() {
  return std::string{BERTH_SOURCE_FOLDER} + "/tests/kafka/broker/jars/*";
}

/// Starts Java in a process group of its own, its output in `output`.
pid_t spawn_java(const std::vector<std::string>& arguments,
                 const std::string& output) {
  // One compiler and a small heap, for a quick start beside other tests.
  std::vector<std::string> words{
      "java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
      "-cp",  jars()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = -1;
  auto failed =
      posix_spawnp(&pid, "java", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw std::runtime_error{"java cannot be started; install a Java 17"};
  return pid;
}

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

} // namespace

kafka_cluster::kafka_cluster(int brokers) {
  for (int i = 0; i < brokers; ++i) {
    broker_process b;
    b.port = free_port();
    b.controller_port = free_port();
    b.folder = (folder_.path() / ("broker" + std::to_string(i))).string();
    std::filesystem::create_directories(b.folder);
    voters_ += (i == 0 ? "" : ",") + std::to_string(i + 1)
               + "@127.0.0.1:" + std::to_string(b.controller_port);
    addresses_ +=
        (i == 0 ? "127.0.0.1:" : ",127.0.0.1:") + std::to_string(b.port);
    brokers_.push_back(b);
  }
  for (size_t i = 0; i < brokers_.size(); ++i) {
    write_properties(brokers_[i], static_cast<int>(i) + 1);
    format(brokers_[i]);
    spawn(brokers_[i]);
  }
  for (const auto& b : brokers_)
    wait_for(b);
}

kafka_cluster::~kafka_cluster() {
  for (size_t i = 0; i < brokers_.size(); ++i)
    if (brokers_[i].pid > 0)
      kill(i);
}

void kafka_cluster::write_properties(const broker_process& b, int id) const {
  auto replicas = std::to_string(std::min<size_t>(brokers_.size(), 3));
  std::ofstream{b.folder + "/server.properties"}
      << "process.roles=broker,controller\n"
      << "node.id=" << id << "\n"
      << "controller.quorum.voters=" << voters_ << "\n"
      << "listeners=PLAINTEXT://127.0.0.1:" << b.port
      << ",CONTROLLER://127.0.0.1:" << b.controller_port << "\n"
      << "controller.listener.names=CONTROLLER\n"
      << "log.dirs=" << b.folder << "/data\n"
      << "auto.create.topics.enable=false\n"
      << "offsets.topic.replication.factor=" << replicas
      << "\n"
      // A dead broker is noticed in seconds.
      << "broker.session.timeout.ms=6000\n"
      << "broker.heartbeat.interval.ms=1000\n"
      << "replica.lag.time.max.ms=6000\n";
}

void kafka_cluster::format(const broker_process& b) const {
  auto output = b.folder + "/format.log";
  auto pid = spawn_java({"kafka.tools.StorageTool", "format", "-t",
                         cluster_uuid, "-c", b.folder + "/server.properties"},
                        output);
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0)
    throw std::runtime_error{
        "Kafka cannot be set up; is tests/kafka/broker/jars there (run "
        "tests/kafka/broker/install.sh)? It said:\n"
        + text_of(output)};
}

void kafka_cluster::spawn(broker_process& b) {
  b.pid = spawn_java({"kafka.Kafka", b.folder + "/server.properties"},
                     b.folder + "/broker.log");
}

void kafka_cluster::wait_for(const broker_process& b) const {
  kafka_connection to{"127.0.0.1:" + std::to_string(b.port), {}};
  kafka_owned<rd_kafka_conf_t> conf;
  kafka_owned<rd_kafka_t> client;
  // What it says of a broker that is not up yet is expected.
  if (make_kafka_conf(to, {{"log_level", "0"}}, conf)
      || open_kafka_handle(RD_KAFKA_PRODUCER, std::move(conf), client))
    throw std::runtime_error{"the Kafka client cannot be made"};
  auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  for (;;) {
    const rd_kafka_metadata_t* raw = nullptr;
    auto code = rd_kafka_metadata(client.get(), 0, nullptr, &raw, 1000);
    kafka_owned<const rd_kafka_metadata_t> metadata{raw};
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->broker_cnt > 0)
      return;
    if (std::chrono::steady_clock::now() > deadline
        || waitpid(b.pid, nullptr, WNOHANG) != 0)
      throw std::runtime_error{"a Kafka broker does not start; it said:\n"
                               + text_of(b.folder + "/broker.log")};
  }
}

void kafka_cluster::kill(size_t broker) {
  auto& b = brokers_.at(broker);
  ::kill(b.pid, SIGKILL);
  waitpid(b.pid, nullptr, 0);
  b.pid = -1;
}

void kafka_cluster::restart(size_t broker) {
  spawn(brokers_.at(broker));
  wait_for(brokers_.at(broker));
}

void kafka_cluster::pause(size_t broker) {
  ::kill(brokers_.at(broker).pid, SIGSTOP);
}

void kafka_cluster::go_on(size_t broker) {
  ::kill(brokers_.at(broker).pid, SIGCONT);
}

kafka_cluster& one_broker() {
  static kafka_cluster cluster{1};
  return cluster;
}

} // namespace berth

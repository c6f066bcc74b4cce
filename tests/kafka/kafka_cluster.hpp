// Real Apache Kafka brokers (KRaft), as processes of the test: on free ports of
// this machine, with their data in a temporary folder.
#pragma once

#include "storage/kafka_connection.hpp"
#include "tests/support/temporary_folder.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace berth {

class kafka_cluster {
public:
  /// Starts them and waits until they answer. Each is broker and controller.
  explicit kafka_cluster(int brokers);
  ~kafka_cluster();
  kafka_cluster(const kafka_cluster&) = delete;
  kafka_cluster& operator=(const kafka_cluster&) = delete;

  kafka_connection connection() const { return {addresses_, {}}; }
  size_t size() const { return brokers_.size(); }

  /// SIGKILL, and waits for the end.
  void kill(size_t broker);
  /// Starts a killed one again and waits until it answers.
  void restart(size_t broker);
  /// SIGSTOP and SIGCONT.
  void pause(size_t broker);
  void go_on(size_t broker);

private:
  struct broker_process {
    int port = 0;
    int controller_port = 0;
    std::string folder;
    pid_t pid = -1;
  };

  void write_properties(const broker_process& b, int id) const;
  void format(const broker_process& b) const;
  void spawn(broker_process& b);
  void wait_for(const broker_process& b) const;

  temporary_folder folder_;
  std::vector<broker_process> brokers_;
  std::string voters_;
  std::string addresses_;
};

/// One broker for all tests of the process that need no more.
kafka_cluster& one_broker();

} // namespace berth

#include "tests/sim/node_public_topics.hpp"

#include "api/aws_batch/topic_submissions.hpp"
#include "api/berth/state_change_event.hpp"
#include "tests/sim/sim_node.hpp"

#include <utility>

namespace berth::sim {

node_public_topics::node_public_topics(sim_node& node)
    : node_(node), truth_(node.world().log, node.log_client(), credits_),
      submissions_(node.world().public_topics->submissions, node.log_client(),
                   credits_),
      cursors_(node.world().public_topics->cursors, node.log_client(),
               credits_),
      changes_(node.world().public_topics->changes, node.log_client(),
               node.topics_random()),
      rejections_(node.world().public_topics->rejections, node.log_client(),
                  node.topics_random()),
      cursors_writer_(node.world().public_topics->cursors, node.log_client(),
                      node.topics_random()) {
  for (uint32_t i = 0; i < node.world().cluster().shards; ++i) {
    readers_.push_back(reader_of(shard_id{i}));
    publishers_.push_back(publisher_of(shard_id{i}));
  }
}

node_public_topics::~node_public_topics() {
  // They use the topics to their last.
  readers_.clear();
  publishers_.clear();
}

void node_public_topics::on_owned(shard_id shard) {
  readers_.at(shard.value)->on_owned();
  publishers_.at(shard.value)->on_owned();
}

void node_public_topics::on_disowned(shard_id shard) {
  readers_.at(shard.value)->stop();
  publishers_.at(shard.value)->on_disowned();
}

template <class Ports>
void node_public_topics::use_node(Ports& p) {
  auto& node = node_;
  p.post = [&node](std::function<void()> task) {
    node.life().after(0, std::move(task));
  };
  p.post_later = [&node](int64_t after_ms, std::function<void()> task) {
    node.life().after(after_ms * millisecond, std::move(task));
  };
  p.warn = [&node](const std::string& text) {
    node.world().history.fault("public_topics_warn", text);
  };
  p.credit = [this](size_t batches_max) { return credits_.make(batches_max); };
}

std::shared_ptr<submission_reader>
node_public_topics::reader_of(shard_id shard) {
  auto& node = node_;
  submission_ports p;
  use_node(p);
  p.parse = [](std::string_view bytes) {
    return aws_batch::parse_topic_submission(bytes, {});
  };
  p.resolve = [&node](auto what, auto done) {
    node.after_hop([&node, what = std::move(what), done = std::move(done)] {
      node.gateway().resolve(*what, done);
    });
  };
  p.give = [&node, shard](const std::string& source, log_offset after,
                          auto what, auto done) {
    node.after_hop([&node, shard, source, after, what = std::move(what),
                    done = std::move(done)] {
      done(node.shard(shard).take_submissions(source, after, *what));
    });
  };
  return std::make_shared<submission_reader>(
      submission_reader_options{shard, node.world().cluster().shards,
                                &submissions_, submissions_topic_name},
      std::move(p));
}

std::shared_ptr<publisher> node_public_topics::publisher_of(shard_id shard) {
  auto& node = node_;
  publisher_ports p;
  use_node(p);
  p.describe = [&node](std::vector<job_key> jobs, auto done) {
    describe_jobs_request asked;
    for (const auto& job : jobs)
      asked.jobs.push_back(to_string(job));
    node.after_hop([&node, asked = std::move(asked), done = std::move(done)] {
      node.gateway().call({}, asked, done);
    });
  };
  p.print_change = print_published_change;
  p.print_rejection = print_rejection;
  publisher_topics t;
  t.truth = &truth_;
  t.submissions = &submissions_;
  t.submissions_name = submissions_topic_name;
  t.changes = &changes_;
  t.rejections = &rejections_;
  t.cursors = &cursors_;
  t.cursors_writer = &cursors_writer_;
  return std::make_shared<publisher>(shard, t, std::move(p));
}

} // namespace berth::sim

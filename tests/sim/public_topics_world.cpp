#include "tests/sim/public_topics_world.hpp"

#include "runtime/change_position.hpp"
#include "storage/keyed_record.hpp"
#include "tests/sim/topic_texts.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace berth::sim {

void public_topics_history::on_submission(const landed_append& a,
                                          int64_t append_ms) {
  auto text = std::make_shared<const std::string>(split_keyed(a.bytes).bytes);
  history_.add(submission_landed{a.partition, a.offset, append_ms,
                                 name_of_submission(*text),
                                 std::string(split_keyed(a.bytes).key), text});
}

void public_topics_history::on_change(const landed_append& a) {
  auto record = split_keyed(a.bytes);
  auto read = read_change(record.bytes);
  if (!read)
    return history_.violated("changes_published",
                             "a state change is no JSON: "
                                 + std::string(record.bytes));
  history_.add(change_landed{a.partition, a.offset, a.by.name,
                             std::string(record.key), *read});
}

void public_topics_history::on_rejection(const landed_append& a) {
  auto record = split_keyed(a.bytes);
  auto read = read_rejection(record.bytes);
  if (!read)
    return history_.violated("rejections_published",
                             "a rejection is no JSON: "
                                 + std::string(record.bytes));
  history_.add(rejection_landed{a.offset, std::string(record.key), *read});
}

void public_topics_history::on_cursor(const landed_append& a) {
  auto text = split_keyed(a.bytes).bytes;
  auto space = text.find(' ');
  uint32_t shard = 0;
  std::from_chars(text.data(), text.data() + space, shard);
  if (auto at = parse_change_position(text.substr(space + 1))) {
    auto& known = published_.try_emplace(shard_id{shard}, -1).first->second;
    known = std::max(known, at->cursors.front().offset);
  }
}

log_offset public_topics_history::published_up_to(shard_id shard) const {
  auto found = published_.find(shard);
  return found == published_.end() ? -1 : found->second;
}

public_topics_world::public_topics_world(const parameters& with, timeline& time,
                                         simulated_network& network,
                                         recorder& history)
    : watch_submissions_([this](const landed_append& a) {
        told.on_submission(a,
                           submissions.records(a.partition).back().append_ms);
      }),
      watch_rejections_(
          [this](const landed_append& a) { told.on_rejection(a); }),
      watch_changes_([this](const landed_append& a) { told.on_change(a); }),
      watch_cursors_([this](const landed_append& a) { told.on_cursor(a); }),
      told(history),
      submissions(with, time, own_stream(with.seed, "topic of submissions"),
                  network, with.cluster.shards, &watch_submissions_),
      rejections(with, time, own_stream(with.seed, "topic of rejections"),
                 network, 1, &watch_rejections_),
      changes(with, time, own_stream(with.seed, "topic of changes"), network,
              with.cluster.shards, &watch_changes_),
      cursors(with, time, own_stream(with.seed, "topic of cursors"), network, 1,
              &watch_cursors_) {}

void public_topics_world::end_faults() {
  for (auto* one : {&submissions, &rejections, &changes, &cursors})
    one->end_faults();
}

bool public_topics_world::is_quiet() const {
  return submissions.is_quiet() && rejections.is_quiet() && changes.is_quiet()
         && cursors.is_quiet();
}

} // namespace berth::sim

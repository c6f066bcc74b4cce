#include "runtime/publisher.hpp"

#include "messages/simulation.hpp"
#include "runtime/job_events.hpp"
#include "storage/keyed_record.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <set>
#include <utility>

namespace berth {

namespace {

/// Batches of records that may wait; the reading waits beyond.
constexpr size_t batches_held_max = 8;
/// Items that are described, printed and written at once.
constexpr size_t items_at_once_max = 1000;
/// Between two writes of the cursor: what a takeover publishes again.
constexpr int64_t cursor_interval_ms = 1000;
/// Until what has failed is tried again.
constexpr int64_t retry_pause_ms = 200;
/// Originals that are not found within this time are left out.
constexpr int64_t originals_patience_ms = 10'000;

/// `<shard> <position>`
std::string print_cursor(shard_id shard, const std::string& cluster_id,
                         const change_cursor& at) {
  return std::to_string(shard.value) + " "
         + to_string(change_position{log_mark_of(cluster_id), {at}});
}

std::optional<change_cursor> parse_cursor(std::string_view text, shard_id shard,
                                          const std::string& cluster_id) {
  auto prefix = std::to_string(shard.value) + " ";
  if (!text.starts_with(prefix))
    return std::nullopt;
  auto position = parse_change_position(text.substr(prefix.size()));
  if (!position || position->log_mark != log_mark_of(cluster_id)
      || position->cursors.size() != 1)
    return std::nullopt;
  return position->cursors.front();
}

/// `<topic>/<partition>` of that topic.
std::optional<uint32_t> partition_of(std::string_view source,
                                     const std::string& topic) {
  if (!source.starts_with(topic + "/"))
    return std::nullopt;
  source.remove_prefix(topic.size() + 1);
  uint32_t partition = 0;
  const auto* end = source.data() + source.size();
  auto [rest, error] = std::from_chars(source.data(), end, partition);
  if (error != std::errc{} || rest != end)
    return std::nullopt;
  return partition;
}

} // namespace

publisher::publisher(shard_id shard, publisher_topics topics,
                     publisher_ports ports)
    : shard_(shard), topics_(std::move(topics)), ports_(std::move(ports)) {}

publisher::~publisher() {
  end();
}

void publisher::on_owned() {
  ports_.post([weak = weak_from_this()] {
    auto self = weak.lock();
    if (self && !self->active_)
      self->begin();
  });
}

void publisher::on_disowned() {
  ports_.post([weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->end();
  });
}

std::function<void(std::function<void()>)> publisher::later() {
  return [weak = weak_from_this(), post = ports_.post,
          generation = generation_](std::function<void()> then) {
    post([weak, generation, then = std::move(then)] {
      auto self = weak.lock();
      if (self && self->generation_ == generation)
        then();
    });
  };
}

void publisher::pause(int64_t ms, task then) {
  ports_.post_later(ms, [this, later = later(), then] {
    later([this, then] { (this->*then)(); });
  });
}

void publisher::begin() {
  end();
  active_ = true;
  find_cursor();
}

void publisher::end() {
  if (active_)
    write_cursor();
  active_ = false;
  ++generation_;
  // The reading's thread may wait for credit.
  if (credit_)
    credit_->close();
  reading_.reset();
  side_reading_.reset();
  decisions_.reset();
  items_.clear();
  batch_ends_.clear();
  batch_.reset();
  read_up_to_ = {};
  cursor_due_ = false;
}

void publisher::give_up(const std::string& why) {
  ports_.warn("state changes of shard " + std::to_string(shard_.value)
              + " are not published any more: " + why);
  end();
}

// Where it stood.

/// What this node published itself counts, too.
void publisher::find_cursor() {
  topics_.cursors->end_offset(shard_id{0}, [this, later = later()](
                                               log_offset end,
                                               const storage_error& error) {
    later([this, end, error] {
      if (error)
        return pause(retry_pause_ms, &publisher::find_cursor);
      auto first = topics_.cursors->begin_offset(shard_id{0});
      if (first >= end)
        return follow();
      side_reading_ = topics_.cursors->read(
          shard_id{0}, first,
          [this, end, later = this->later()](std::vector<log_record> records) {
            later([this, end, came = std::move(records)] {
              take_cursors(came, end);
            });
          },
          [this, later = this->later()](const storage_error&) {
            // It was trimmed meanwhile.
            later([this] { find_cursor(); });
          });
    });
  });
}

void publisher::take_cursors(const std::vector<log_record>& records,
                             log_offset end) {
  if (!side_reading_)
    return;
  for (const auto& r : records)
    if (auto found = parse_cursor(r.bytes, shard_, topics_.truth->cluster_id()))
      cursor_ = std::max(cursor_, found);
  if (records.back().offset + 1 < end)
    return;
  side_reading_.reset();
  follow();
}

// What the log says.

void publisher::follow() {
  auto from = cursor_ ? cursor_->offset : topics_.truth->begin_offset(shard_);
  decisions_.emplace(shard_, cursor_ ? cursor_->offset : -1);
  credit_ = ports_.credit(batches_held_max);
  reading_ = topics_.truth->read(
      shard_, from,
      [this, later = later(),
       credit = credit_](std::vector<log_record> records) {
        credit->take();
        later([this, came = std::make_shared<std::vector<log_record>>(
                         std::move(records))] { on_records(*came); });
      },
      [this, later = later()](const storage_error& error) {
        later([this, error] { give_up(error.message); });
      });
}

void publisher::on_records(const std::vector<log_record>& records) {
  for (const auto& r : records) {
    auto taken = decisions_->take(r);
    if (const auto* stopped = std::get_if<log_problem>(&taken))
      return give_up(stopped->message);
    if (const auto& d = std::get<std::optional<decision_record>>(taken))
      take(r.offset, *d);
  }
  batch_ends_.push_back(records.back().offset);
  pump();
}

void publisher::take(log_offset offset, const decision_record& decision) {
  read_up_to_ = {offset, 0};
  auto add = [&](auto what) {
    ++read_up_to_.given;
    if (!cursor_ || read_up_to_ > *cursor_)
      items_.push_back({read_up_to_, std::move(what)});
  };
  for (auto& t : transitions_of(shard_, offset, decision))
    add(std::move(t));
  for (const auto& e : decision.events)
    if (const auto* refused = std::get_if<message_refused>(&e))
      if (partition_of(refused->source, topics_.submissions_name))
        add(*refused);
}

// From items to records.

void publisher::pump() {
  if (batch_)
    return;
  give_credit();
  if (items_.empty())
    return note_cursor(read_up_to_);
  batch_.emplace().items = std::min(items_.size(), items_at_once_max);
  describe();
}

void publisher::describe() {
  std::set<job_key> jobs;
  for (size_t i = 0; i < batch_->items; ++i)
    if (const auto* t = std::get_if<job_transition>(&items_[i].what))
      jobs.insert(t->job);
  if (jobs.empty())
    return find_originals();
  ports_.describe(
      {jobs.begin(), jobs.end()}, [this, later = later()](result answer) {
        later([this, answer = std::move(answer)] { on_described(answer); });
      });
}

void publisher::on_described(result answer) {
  // Nothing is silently left out.
  if (std::holds_alternative<api_error>(answer))
    return pause(retry_pause_ms, &publisher::describe);
  auto& found = std::get<jobs_response>(std::get<response>(answer)).jobs;
  for (auto& view : found)
    batch_->views[view.key] = std::move(view);
  find_originals();
}

void publisher::find_originals() {
  for (size_t i = 0; i < batch_->items; ++i) {
    const auto* refused = std::get_if<message_refused>(&items_[i].what);
    if (refused == nullptr)
      continue;
    auto at = *partition_of(refused->source, topics_.submissions_name);
    if (at >= topics_.submissions->partitions())
      continue;
    auto [range, is_new] =
        batch_->wanted.try_emplace(at, refused->offset, refused->offset);
    range->second.first = std::min(range->second.first, refused->offset);
    range->second.second = std::max(range->second.second, refused->offset);
    batch_->originals.try_emplace({at, refused->offset});
  }
  print();
}

void publisher::read_originals(uint32_t partition, log_offset from,
                               log_offset to) {
  auto done = [this, partition](bool found) {
    if (!side_reading_)
      return;
    side_reading_.reset();
    if (!found)
      for (auto i = batch_->originals.begin(); i != batch_->originals.end();)
        i = i->first.first == partition && i->second.bytes.empty()
                ? batch_->originals.erase(i)
                : std::next(i);
    batch_->wanted.erase(partition);
    print();
  };
  side_reading_ = topics_.submissions->read(
      shard_id{partition}, from,
      [this, partition, to, done,
       later = later()](std::vector<log_record> records) {
        later([this, partition, to, done, came = std::move(records)] {
          if (!side_reading_)
            return;
          for (const auto& r : came)
            if (auto i = batch_->originals.find({partition, r.offset});
                i != batch_->originals.end())
              i->second = r;
          if (came.back().offset >= to)
            done(true);
        });
      },
      [done, later = later()](const storage_error&) {
        later([done] { done(false); });
      });
  ports_.post_later(
      originals_patience_ms,
      [done, later = later(), reading = side_reading_.get(), this] {
        later([this, done, reading] {
          if (side_reading_.get() == reading)
            done(false);
        });
      });
}

void publisher::print() {
  if (!batch_->wanted.empty()) {
    const auto& [partition, range] = *batch_->wanted.begin();
    return read_originals(partition, range.first, range.second);
  }
  for (size_t i = 0; i < batch_->items; ++i)
    std::visit([this](const auto& what) { print_one(what); }, items_[i].what);
  auto left_out = batch_->items - batch_->records.size();
  if (left_out > 0)
    ports_.warn(std::to_string(left_out) + " state changes of shard "
                + std::to_string(shard_.value)
                + " were not published: their jobs are not kept any more");
  write();
}

void publisher::print_one(const job_transition& t) {
  auto view = batch_->views.find(t.job);
  if (view == batch_->views.end())
    return;
  change_sequence sequence{t.shard, t.offset, t.number};
  batch_->records.push_back(
      {topics_.changes, shard_id{shard_.value % topics_.changes->partitions()},
       to_string(t.job.id),
       ports_.print_change(event_of(t, view->second, ""), sequence)});
}

void publisher::print_one(const message_refused& r) {
  rejected_submission rejected;
  rejected.topic = topics_.submissions_name;
  rejected.partition = *partition_of(r.source, rejected.topic);
  rejected.offset = r.offset;
  rejected.reason = r.why;
  auto original = batch_->originals.find({rejected.partition, r.offset});
  // Who submitted knows it again by its key.
  std::string key;
  if (original != batch_->originals.end()) {
    auto was = split_keyed(original->second.bytes);
    key = was.key;
    rejected.original = was.bytes;
    rejected.timestamp_ms = original->second.append_ms;
  }
  batch_->records.push_back({topics_.rejections, shard_id{0}, std::move(key),
                             ports_.print_rejection(rejected)});
}

/// Appends them in order; the last answer says whether all are there.
void publisher::write() {
  if (broken(breakage::published_before_written))
    note_cursor(items_[batch_->items - 1].at);
  struct answers {
    std::atomic<size_t> missing;
    std::atomic<bool> whole = true;
  };
  auto waits = std::make_shared<answers>();
  waits->missing = batch_->records.size() + 1;
  auto done = [this, waits, later = later()](append_outcome outcome,
                                             const storage_error&) {
    if (outcome != append_outcome::appended)
      waits->whole = false;
    if (--waits->missing == 0)
      later([this, waits] { on_written(waits->whole); });
  };
  for (const auto& r : batch_->records)
    r.to->append(r.partition, r.key, r.text, done);
  done(append_outcome::appended, {});
}

void publisher::on_written(bool whole) {
  // Those that are there come again; their sequence says so.
  if (!whole)
    return pause(retry_pause_ms, &publisher::write);
  note_cursor(items_[batch_->items - 1].at);
  items_.erase(items_.begin(),
               items_.begin() + static_cast<ptrdiff_t>(batch_->items));
  batch_.reset();
  pump();
}

void publisher::give_credit() {
  while (
      !batch_ends_.empty()
      && (items_.empty() || batch_ends_.front() < items_.front().at.offset)) {
    batch_ends_.pop_front();
    credit_->give_back();
  }
}

// How far it has come.

void publisher::note_cursor(const change_cursor& at) {
  if (at.offset < 0 || (cursor_ && at <= *cursor_))
    return;
  cursor_ = at;
  write_cursor_later();
}

void publisher::write_cursor_later() {
  cursor_moved_ = true;
  if (!std::exchange(cursor_due_, true))
    pause(cursor_interval_ms, &publisher::write_cursor);
}

/// One that is lost costs repeats alone, but as long as the shard is idle no
/// other follows by itself.
void publisher::write_cursor() {
  cursor_due_ = false;
  if (!cursor_ || !std::exchange(cursor_moved_, false))
    return;
  topics_.cursors_writer->append(
      shard_id{0}, std::to_string(shard_.value),
      print_cursor(shard_, topics_.truth->cluster_id(), *cursor_),
      [this, later = later()](append_outcome outcome, const storage_error&) {
        if (outcome != append_outcome::appended)
          later([this] { write_cursor_later(); });
      });
}

} // namespace berth

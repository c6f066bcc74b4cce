#include "runtime/submission_reader.hpp"

#include "actors/stable_hash.hpp"
#include "messages/simulation.hpp"
#include "storage/keyed_record.hpp"

#include <algorithm>
#include <utility>

namespace berth {

namespace {

/// Batches of records of one partition that may wait; the reading waits beyond.
constexpr size_t batches_held_max = 8;
/// Submissions that are resolved and given at once.
constexpr size_t given_at_once_max = 1000;
/// Until a full owner, or a shard that does not answer, is asked again.
constexpr int64_t full_pause_ms = 20;
constexpr int64_t unavailable_pause_ms = 200;
/// Until a topic that does not hold the cursor's place is looked at again.
constexpr int64_t lost_place_pause_ms = 5000;

bool is_final(const api_error& e) {
  return e.code == api_errc::invalid
         || broken(breakage::delayed_submission_refused);
}

} // namespace

submission_reader::submission_reader(submission_reader_options options,
                                     submission_ports ports)
    : options_(std::move(options)), ports_(std::move(ports)) {
  for (uint32_t i = options_.shard.value; i < options_.from->partitions();
       i += options_.shards) {
    auto& f = feeds_.emplace_back();
    f.partition = shard_id{i};
    f.name = options_.topic + "/" + std::to_string(i);
  }
}

submission_reader::~submission_reader() {
  for (auto& f : feeds_)
    end(f);
}

void submission_reader::on_owned() {
  ports_.post([weak = weak_from_this()] {
    if (auto self = weak.lock())
      for (auto& f : self->feeds_)
        self->begin(f);
  });
}

void submission_reader::stop() {
  ports_.post([weak = weak_from_this()] {
    if (auto self = weak.lock())
      for (auto& f : self->feeds_)
        self->end(f);
  });
}

std::function<void(std::function<void(submission_reader::feed&)>)>
submission_reader::later_for(const feed& f) {
  return [weak = weak_from_this(), post = ports_.post,
          index = static_cast<size_t>(&f - feeds_.data()),
          generation = f.generation](std::function<void(feed&)> then) {
    post([weak, index, generation, then = std::move(then)] {
      auto self = weak.lock();
      if (self && self->feeds_[index].generation == generation)
        then(self->feeds_[index]);
    });
  };
}

void submission_reader::pause(feed& f, int64_t ms, task then) {
  ports_.post_later(ms, [this, later = later_for(f), then] {
    later([this, then](feed& g) { (this->*then)(g); });
  });
}

void submission_reader::end(feed& f) {
  ++f.generation;
  f.reads = false;
  f.busy = false;
  f.waiting.clear();
  f.batch_ends.clear();
  // The reading's thread may wait for credit.
  if (f.credit)
    f.credit->close();
  f.reading.reset();
}

/// Asks the shard where it is; the answer starts the reading.
void submission_reader::begin(feed& f) {
  end(f);
  f.busy = true;
  ports_.give(f.name, -1,
              std::make_shared<const std::vector<topic_submission>>(),
              [this, later = later_for(f)](submissions_standing now) {
                later([this, now](feed& g) { on_standing(g, -1, now); });
              });
}

void submission_reader::start_reading(feed& f, log_offset from) {
  f.reads = true;
  f.credit = ports_.credit(batches_held_max);
  auto later = later_for(f);
  f.reading = options_.from->read(
      f.partition, from,
      [this, later, credit = f.credit](std::vector<log_record> records) {
        credit->take();
        later([this, batch = std::make_shared<std::vector<log_record>>(
                         std::move(records))](feed& g) {
          on_records(g, *batch);
        });
      },
      [this, later](const storage_error& error) {
        later([this, error](feed& g) { on_failed(g, error); });
      });
}

void submission_reader::on_records(feed& f,
                                   const std::vector<log_record>& records) {
  for (const auto& r : records)
    f.waiting.push_back(
        {r.offset, r.append_ms, ports_.parse(split_keyed(r.bytes).bytes)});
  f.batch_ends.push_back(records.back().offset);
  pump(f);
}

/// The topic does not hold the place: it was trimmed, which is its owner's
/// right, or it was made anew, which needs somebody to look at it.
void submission_reader::on_failed(feed& f, const storage_error& error) {
  auto first = options_.from->begin_offset(f.partition);
  if (first > f.taken + 1) {
    ports_.warn("submissions " + std::to_string(f.taken + 1) + " to "
                + std::to_string(first - 1) + " of " + f.name
                + " were deleted before they were read");
    end(f);
    return start_reading(f, first);
  }
  ports_.warn(f.name + " is not read on: " + error.message
              + "; was the topic made anew? Its cursor is at "
              + std::to_string(f.taken));
  end(f);
  pause(f, lost_place_pause_ms, &submission_reader::begin);
}

void submission_reader::pump(feed& f) {
  if (f.busy || f.waiting.empty())
    return;
  f.busy = true;
  auto count = std::min(f.waiting.size(), given_at_once_max);
  auto asked = std::make_shared<std::vector<public_submission>>();
  for (size_t i = 0; i < count; ++i)
    if (const auto* s = std::get_if<public_submission>(&f.waiting[i].parsed))
      asked->push_back(*s);
  ports_.resolve(std::move(asked),
                 [this, count, later = later_for(f)](
                     std::vector<resolved_submission> answers) {
                   later([this, count, answers = std::move(answers)](feed& g) {
                     on_resolved(g, count, answers);
                   });
                 });
}

topic_submission
submission_reader::submission_of(const feed& f, const waiting_submission& w,
                                 const admitted_submission& what) const {
  const auto& owner = std::get<public_submission>(w.parsed).owner;
  auto id =
      submission_job_id(f.name, w.offset, w.timestamp_ms, what.queue_shard);
  return {f.name, w.offset, what.queue_shard,
          submit_job_call{id, owner, what.queue, what.spec}};
}

/// Gives the shard those before the first that cannot be resolved now: they are
/// taken in order.
void submission_reader::on_resolved(feed& f, size_t count,
                                    std::vector<resolved_submission> answers) {
  auto given = std::make_shared<std::vector<topic_submission>>();
  size_t next_answer = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto& w = f.waiting[i];
    const auto* error = std::get_if<api_error>(&w.parsed);
    const admitted_submission* admitted = nullptr;
    if (error == nullptr) {
      const auto& answer = answers[next_answer++];
      error = std::get_if<api_error>(&answer);
      admitted = std::get_if<admitted_submission>(&answer);
    }
    if (admitted != nullptr)
      given->push_back(submission_of(f, w, *admitted));
    else if (is_final(*error))
      given->push_back({f.name, w.offset, options_.shard, *error});
    else
      break;
  }
  if (given->empty()) {
    f.busy = false;
    return pause(f, unavailable_pause_ms, &submission_reader::pump);
  }
  auto last = given->back().offset;
  ports_.give(f.name, f.taken, std::move(given),
              [this, last, later = later_for(f)](submissions_standing now) {
                later(
                    [this, last, now](feed& g) { on_standing(g, last, now); });
              });
}

void submission_reader::on_standing(feed& f, log_offset given_up_to,
                                    submissions_standing now) {
  f.busy = false;
  if (!now.owns)
    return end(f);
  if (!f.reads) {
    f.taken = now.taken;
    return start_reading(f, now.taken + 1);
  }
  // Another machine, which has not what was given to the one before it.
  if (now.taken < f.taken)
    return begin(f);
  f.taken = now.taken;
  while (!f.waiting.empty() && f.waiting.front().offset <= f.taken)
    f.waiting.pop_front();
  while (!f.batch_ends.empty() && f.batch_ends.front() <= f.taken) {
    f.batch_ends.pop_front();
    f.credit->give_back();
  }
  if (f.taken < given_up_to)
    return pause(f, full_pause_ms, &submission_reader::pump);
  pump(f);
}

} // namespace berth

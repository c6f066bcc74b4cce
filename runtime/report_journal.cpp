#include "runtime/report_journal.hpp"

#include "messages/codec.hpp"
#include "runtime/keeper_frames.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <map>
#include <tuple>

namespace berth {

namespace {

/// By how much the file is made longer.
constexpr size_t journal_step_bytes = 256 * 1024;
constexpr char end_mark = 1;

using box_key = std::tuple<agent_id, session_id, shard_id>;

void fold(std::map<box_key, keeper_reports>& boxes,
          const keeper_journal_record& record) {
  if (const auto* made = std::get_if<keeper_reports>(&record.body)) {
    auto& box = boxes[{made->agent, made->session, made->destination}];
    box.agent = made->agent;
    box.session = made->session;
    box.destination = made->destination;
    box.reports.insert(box.reports.end(), made->reports.begin(),
                       made->reports.end());
    return;
  }
  const auto& done = std::get<keeper_reports_acknowledged>(record.body);
  auto found = boxes.find({done.agent, done.session, done.destination});
  if (found == boxes.end())
    return;
  std::erase_if(found->second.reports,
                [&](const auto& r) { return r.number <= done.up_to; });
}

} // namespace

std::vector<keeper_reports> report_journal::read(std::string& warning) {
  std::ifstream in{path_, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  frame_reader frames;
  frames.append(bytes);
  std::map<box_key, keeper_reports> boxes;
  while (auto frame = frames.next()) {
    if (frame->empty() || frame->back() != end_mark)
      break;
    frame->remove_suffix(1);
    auto record = decode<keeper_journal_record>(*frame);
    if (!record) {
      warning = path_
                + " holds a record that this version cannot read; what "
                  "follows it is given up";
      break;
    }
    fold(boxes, *record);
  }
  std::vector<keeper_reports> left;
  for (auto& [key, box] : boxes)
    if (!box.reports.empty())
      left.push_back(std::move(box));
  return left;
}

bool report_journal::fail(const std::string& what) {
  error_ = "cannot " + what + ' ' + path_ + ": " + strerror(errno);
  return false;
}

bool report_journal::rewrite(
    const std::vector<keeper_journal_record>& records) {
  auto temporary = path_ + ".new";
  file_ = file_descriptor{
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!file_)
    return fail("create");
  bytes_ = 0;
  length_ = 0;
  pending_.clear();
  for (const auto& record : records)
    append(record);
  if (!write())
    return false;
  if (rename(temporary.c_str(), path_.c_str()) != 0)
    return fail("replace");
  bytes_rewritten_ = bytes_;
  return true;
}

void report_journal::append(const keeper_journal_record& record) {
  append_frame(pending_, encode(record) + end_mark);
}

bool report_journal::write_at(size_t position, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = pwrite(file_.get(), bytes.data(), bytes.size(),
                    static_cast<off_t>(position));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return fail("write");
    position += static_cast<size_t>(n);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

/// What cannot be written stays pending and is tried again with the next; the
/// zeros after it keep the file readable until then.
bool report_journal::write() {
  if (pending_.empty())
    return true;
  while (bytes_ + pending_.size() + journal_step_bytes / 2 > length_) {
    if (!write_at(length_, std::string(journal_step_bytes, '\0')))
      return false;
    length_ += journal_step_bytes;
  }
  if (!write_at(bytes_, pending_))
    return false;
  bytes_ += pending_.size();
  pending_.clear();
  return true;
}

} // namespace berth

#include "client/progress.hpp"

#include "client/display_text.hpp"

#include <algorithm>

namespace berth {

namespace {

constexpr std::size_t name_width_max = 24;
constexpr std::size_t bar_width_max = 30;
constexpr std::size_t bar_width_min = 5;
constexpr std::size_t status_width = 9;
constexpr std::size_t gap = 2;

constexpr const char* green = "\x1b[32m";
constexpr const char* red = "\x1b[31m";
constexpr const char* yellow = "\x1b[33m";
constexpr const char* plain = "\x1b[0m";

uint32_t count_of(const job_progress& job, job_status status) {
  return job.children[static_cast<std::size_t>(status)];
}

/// Steps done and steps in all.
struct steps {
  uint64_t done = 0;
  uint64_t all = 1;
};

steps steps_of(const job_progress& job) {
  if (job.array_size > 0 && !is_terminal(job.status))
    return {uint64_t{count_of(job, job_status::succeeded)}
                + count_of(job, job_status::failed),
            job.array_size};
  constexpr auto last = static_cast<uint64_t>(job_status::succeeded);
  return {is_terminal(job.status) ? last : static_cast<uint64_t>(job.status),
          last};
}

std::string print_bar(const job_progress& job, std::size_t width) {
  auto [done, all] = steps_of(job);
  auto filled = static_cast<std::size_t>(
      std::min<uint64_t>(width, done * width / std::max<uint64_t>(all, 1)));
  auto full = job.status == job_status::failed ? '!' : '#';
  return "[" + std::string(filled, full) + std::string(width - filled, '.')
         + "]";
}

std::string print_children(const job_progress& job) {
  std::string text = std::to_string(count_of(job, job_status::succeeded)) + "/"
                     + std::to_string(job.array_size) + " succeeded";
  for (auto status :
       {job_status::failed, job_status::running, job_status::starting,
        job_status::runnable, job_status::pending, job_status::submitted})
    if (auto count = count_of(job, status)) {
      std::string word = to_string(status);
      for (auto& c : word)
        c = static_cast<char>(c - 'A' + 'a');
      text += ", " + std::to_string(count) + " " + word;
    }
  return text;
}

std::string print_note(const job_progress& job) {
  if (job.array_size > 0)
    return print_children(job);
  std::string text;
  if (job.attempts > 1 || (job.attempts == 1 && !is_terminal(job.status)))
    text = is_terminal(job.status)
               ? std::to_string(job.attempts) + " attempts"
               : "attempt " + std::to_string(job.attempts + 1);
  if (job.status == job_status::failed && !job.reason.empty())
    text += (text.empty() ? "" : ", ") + printable(job.reason);
  return text;
}

const char* colour_of(job_status status) {
  if (status == job_status::succeeded)
    return green;
  if (status == job_status::failed)
    return red;
  return status == job_status::running || status == job_status::starting
             ? yellow
             : "";
}

struct widths {
  std::size_t name = 0;
  std::size_t bar = 0;
};

widths share(const std::vector<const job_progress*>& jobs, std::size_t width) {
  widths w;
  for (const auto* job : jobs)
    w.name = std::max(w.name, display_width(job->name));
  w.name = std::min({w.name, name_width_max, width / 3});
  auto left = width - std::min(width, w.name + status_width + 2 + 3 * gap);
  w.bar = std::clamp(left / 3, bar_width_min, bar_width_max);
  return w;
}

std::string print_line(const job_progress& job, const widths& w,
                       const progress_frame& frame) {
  auto name = padded(cut_to_width(printable(job.name), w.name), w.name) + "  ";
  auto bar = print_bar(job, w.bar);
  auto status = padded(to_string(job.status), status_width);
  auto note = print_note(job);
  auto line = name + bar + "  " + status + (note.empty() ? "" : "  " + note);
  line = cut_to_width(line, frame.width);
  line.erase(line.find_last_not_of(' ') + 1);
  const auto* colour = colour_of(job.status);
  if (!frame.colours || *colour == '\0' || line.size() <= name.size())
    return line;
  return line.substr(0, name.size()) + colour + line.substr(name.size())
         + plain;
}

std::string count_hidden(const std::vector<const job_progress*>& hidden) {
  std::size_t ended = 0;
  for (const auto* job : hidden)
    ended += is_terminal(job->status) ? 1 : 0;
  return "and " + std::to_string(hidden.size()) + " more, "
         + std::to_string(ended) + " of them ended";
}

} // namespace

std::vector<std::string> print_progress(const std::vector<job_progress>& jobs,
                                        const progress_frame& frame) {
  std::vector<const job_progress*> order;
  for (const auto& job : jobs)
    order.push_back(&job);
  // The cursor stands below the last line, which takes a row, too.
  auto rows = std::max<std::size_t>(frame.height, 3) - 1;
  std::vector<const job_progress*> hidden;
  if (order.size() > rows) {
    std::stable_partition(order.begin(), order.end(), [](const auto* job) {
      return !is_terminal(job->status);
    });
    hidden.assign(order.begin() + static_cast<std::ptrdiff_t>(rows - 1),
                  order.end());
    order.resize(rows - 1);
  }
  auto w = share(order, frame.width);
  std::vector<std::string> lines;
  for (const auto* job : order)
    lines.push_back(print_line(*job, w, frame));
  if (!hidden.empty())
    lines.push_back(cut_to_width(count_hidden(hidden), frame.width));
  return lines;
}

std::string print_count(const std::string& what, uint64_t done, uint64_t all,
                        const progress_frame& frame) {
  auto some = std::min(done, all);
  auto share =
      all == 0 ? 1.0 : static_cast<double>(some) / static_cast<double>(all);
  auto tail = "] " + std::to_string(static_cast<int>(share * 100)) + "% ("
              + std::to_string(done) + " of " + std::to_string(all) + ")";
  auto room = frame.width > what.size() + tail.size() + 2
                  ? frame.width - what.size() - tail.size() - 2
                  : 0;
  auto width = std::clamp(room, bar_width_min, bar_width_max);
  auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
  return what + " [" + std::string(filled, '#')
         + std::string(width - filled, '.') + tail;
}

std::string redraw(std::size_t drawn, const std::vector<std::string>& lines) {
  std::string out;
  if (drawn > 0)
    out += "\x1b[" + std::to_string(drawn) + "A\r";
  for (const auto& line : lines)
    out += "\x1b[2K" + line + "\n";
  // Lines of the picture before that this one does not reach.
  if (lines.size() < drawn)
    out += "\x1b[J";
  return out;
}

std::string print_change(const job_progress& job) {
  auto line = printable(job.name) + " " + job.id + ": " + to_string(job.status);
  auto note = print_note(job);
  return note.empty() ? line : line + " (" + note + ")";
}

} // namespace berth

#include "client/progress.hpp"

#include "client/display_text.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace berth;
using Catch::Contains;

namespace {

job_progress single(const std::string& name, job_status status) {
  job_progress job;
  job.id = "id-" + name;
  job.name = name;
  job.status = status;
  return job;
}

job_progress array_of_six() {
  auto job = single("sweep", job_status::pending);
  job.array_size = 6;
  job.children[static_cast<std::size_t>(job_status::succeeded)] = 3;
  job.children[static_cast<std::size_t>(job_status::failed)] = 1;
  job.children[static_cast<std::size_t>(job_status::running)] = 2;
  return job;
}

} // namespace

TEST_CASE("an array's bar is filled by the children that have ended") {
  auto lines = print_progress({array_of_six()}, {80, 24, false});
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Contains("3/6 succeeded, 1 failed, 2 running"));
  auto filled = std::count(lines[0].begin(), lines[0].end(), '#');
  auto open = std::count(lines[0].begin(), lines[0].end(), '.');
  CHECK(filled == (filled + open) * 4 / 6);
}

TEST_CASE("a single job's bar is filled by its status") {
  auto filled = [](job_status status) {
    auto line = print_progress({single("a", status)}, {80, 24, false})[0];
    return std::count(line.begin(), line.end(), '#');
  };
  CHECK(filled(job_status::submitted) == 0);
  CHECK(filled(job_status::runnable) < filled(job_status::running));
  CHECK(filled(job_status::running) < filled(job_status::succeeded));
}

TEST_CASE("a failed job shows its reason and a bar of its own") {
  auto job = single("a", job_status::failed);
  job.reason = "Essential container in task exited";
  auto line = print_progress({job}, {120, 24, false})[0];
  CHECK_THAT(line, Contains("!!!!!"));
  CHECK_THAT(line, Contains("FAILED     Essential container in task exited"));
}

TEST_CASE("a retried job says which attempt is next") {
  auto job = single("a", job_status::running);
  job.attempts = 1;
  CHECK_THAT(print_progress({job}, {80, 24, false})[0], Contains("attempt 2"));
  job.status = job_status::succeeded;
  job.attempts = 3;
  CHECK_THAT(print_progress({job}, {80, 24, false})[0], Contains("3 attempts"));
}

TEST_CASE("no line of progress is wider than the terminal") {
  auto job = array_of_six();
  job.name = "a-very-long-name-that-alone-would-fill-more-than-a-third";
  for (std::size_t width = 1; width <= 120; ++width) {
    CAPTURE(width);
    CHECK(display_width(print_progress({job}, {width, 24, false})[0]) <= width);
  }
}

TEST_CASE("jobs beyond the terminal's height are counted, ended ones first") {
  std::vector<job_progress> jobs;
  for (int i = 0; i < 20; ++i)
    jobs.push_back(single("done" + std::to_string(i), job_status::succeeded));
  jobs.push_back(single("alive", job_status::running));
  auto lines = print_progress(jobs, {80, 10, false});
  REQUIRE(lines.size() == 9);
  CHECK_THAT(lines[0], Contains("alive"));
  CHECK(lines[8] == "and 13 more, 13 of them ended");
}

TEST_CASE("colours frame the bar only where they are wanted") {
  auto job = single("a", job_status::failed);
  CHECK_THAT(print_progress({job}, {80, 24, true})[0],
             Contains("\x1b[31m") && Contains("\x1b[0m"));
  CHECK_THAT(print_progress({job}, {80, 24, false})[0], !Contains("\x1b"));
}

TEST_CASE("a redraw goes up over what was drawn and clears it") {
  CHECK(redraw(0, {"a", "b"}) == "\x1b[2Ka\n\x1b[2Kb\n");
  CHECK(redraw(2, {"c", "d"}) == "\x1b[2A\r\x1b[2Kc\n\x1b[2Kd\n");
  CHECK(redraw(2, {"c"}) == "\x1b[2A\r\x1b[2Kc\n\x1b[J");
}

TEST_CASE("a change is told in one line with the job's id") {
  auto job = single("a", job_status::failed);
  job.reason = "bad\nluck";
  CHECK(print_change(job) == "a id-a: FAILED (bad?luck)");
}

TEST_CASE("counted work is a bar with its numbers") {
  progress_frame frame;
  CHECK(print_count("Folding", 0, 10, frame)
        == "Folding [..............................] 0% (0 of 10)");
  CHECK(print_count("Folding", 5, 10, frame)
        == "Folding [###############...............] 50% (5 of 10)");
  CHECK(print_count("Folding", 0, 0, frame)
        == "Folding [##############################] 100% (0 of 0)");
  frame.width = 30;
  CHECK(print_count("Folding", 10, 10, frame)
        == "Folding [#####] 100% (10 of 10)");
}

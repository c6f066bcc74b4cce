#include "tests/sim/tests/made_history.hpp"

#include <catch2/catch.hpp>

namespace berth::sim {

TEST_CASE("attempt_starts_once: an attempt has one process") {
  made_history h{attempt_starts_once};
  h.start(attempt(1), 5).exit(attempt(1), 5);
  SECTION("a second one is told") {
    h.start(attempt(1), 6);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("the next attempt is another") {
    h.start(attempt(1, 2), 6);
    CHECK(h.end().empty());
  }
}

TEST_CASE("one_live_attempt: attempts of a job do not overlap") {
  made_history h{one_live_attempt};
  h.start(attempt(1), 5);
  SECTION("two at once are told") {
    h.start(attempt(1, 2), 6);
    CHECK_FALSE(h.found().empty());
  }
  auto lost = finished(attempt(1), after_attempt::retry);
  lost.end = attempt_end::lost;
  SECTION("one that lives is not lost") {
    h.decide({lost});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that is gone may be") {
    h.exit(attempt(1), 5).decide({lost}).start(attempt(1, 2), 6);
    CHECK(h.end().empty());
  }
  SECTION("one that sleeps with its machine cannot be ended in time") {
    h.happen(fault_happened{"machine 1 is suspended"});
    h.decide({lost}).start(attempt(1, 2), 6).wait(60 * second);
    CHECK(h.found().empty());
    SECTION("and ends when that wakes") {
      h.happen(fault_happened{"machine 1 goes on"}).exit(attempt(1), 5);
      h.wait(60 * second);
      CHECK(h.end().empty());
    }
    SECTION("or crashes asleep") {
      h.happen(fault_happened{"crash of machine 1"}).exit(attempt(1), 5);
      h.wait(60 * second);
      CHECK(h.end().empty());
    }
    SECTION("or it is told") {
      h.happen(fault_happened{"machine 1 goes on"}).wait(2 * second);
      CHECK_FALSE(h.end().empty());
    }
  }
  SECTION("a machine that woke long ago is no excuse") {
    h.happen(fault_happened{"machine 1 is suspended"});
    h.happen(fault_happened{"machine 1 goes on"}).wait(2 * second);
    h.decide({lost});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one after the other is well") {
    h.exit(attempt(1), 5).start(attempt(1, 2), 6);
    CHECK(h.end().empty());
  }
}

TEST_CASE("starts_as_decided: processes are where attempts were placed") {
  made_history h{starts_as_decided};
  SECTION("never placed") {
    h.decide({submission(1), runnable(1)}).start(attempt(1), 5);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("placed by a decision that nobody can read yet") {
    h.decide_unseen({submission(1), runnable(1), placed(attempt(1))});
    h.start(attempt(1), 5);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("in another session") {
    auto p = placed(attempt(1));
    p.session = {1, 2};
    h.decide({submission(1), runnable(1), p}).start(attempt(1), 5);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("on another agent") {
    auto p = placed(attempt(1));
    p.agent = "b";
    h.decide({submission(1), runnable(1), p}).start(attempt(1), 5);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("after it was settled") {
    h.decide({submission(1), runnable(1), placed(attempt(1))});
    h.decide({finished(attempt(1), after_attempt::retry, 1)});
    h.start(attempt(1), 5);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("as it was decided") {
    h.decide({submission(1), runnable(1), placed(attempt(1))});
    h.start(attempt(1), 5);
    CHECK(h.end().empty());
  }
}

TEST_CASE("reports_are_true: the log says what processes did") {
  made_history h{reports_are_true};
  h.decide({submission(1), runnable(1), placed(attempt(1))});
  SECTION("RUNNING without a process") {
    h.decide({attempt_started{attempt(1), 0}});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("ended without a process") {
    h.decide({finished(attempt(1), after_attempt::succeed)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("ended while the process lives") {
    h.start(attempt(1), 5);
    h.decide({finished(attempt(1), after_attempt::succeed)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("another exit code") {
    h.start(attempt(1), 5).exit(attempt(1), 5, 3);
    h.decide({finished(attempt(1), after_attempt::succeed, 0)});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("said not to have started, but it had") {
    h.start(attempt(1), 5).exit(attempt(1), 5, 3);
    auto end = finished(attempt(1), after_attempt::retry);
    end.exit_code.reset();
    end.end = attempt_end::not_started;
    h.decide({end});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("as it was") {
    h.start(attempt(1), 5).decide({attempt_started{attempt(1), 0}});
    h.exit(attempt(1), 5, 3);
    h.decide({finished(attempt(1), after_attempt::fail, 3)});
    CHECK(h.end().empty());
  }
  SECTION("of a lost one nobody knows") {
    h.start(attempt(1), 5);
    auto end = finished(attempt(1), after_attempt::retry);
    end.end = attempt_end::lost;
    h.decide({end});
    CHECK(h.end().empty());
  }
}

TEST_CASE("timeouts_fire: no process outlives its timeout for long") {
  parameters p;
  p.cluster.stop_grace_ms = 1000;
  made_history h{timeouts_fire, p};
  auto spec = made_spec("job");
  spec.timeout_ms = 5000;
  h.decide({submission(1, spec), runnable(1), placed(attempt(1))});
  h.start(attempt(1), 5);
  auto end = finished(attempt(1), after_attempt::fail, 143);
  end.end = attempt_end::timed_out;
  SECTION("one that goes on is told at its end") {
    h.wait(9 * second).exit(attempt(1), 5, 143);
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that never ends is told, too") {
    h.wait(9 * second);
    CHECK_FALSE(h.end().empty());
  }
  SECTION("one that is ended before its time is told") {
    h.wait(2 * second).exit(attempt(1), 5, 143).decide({end});
    CHECK_FALSE(h.found().empty());
  }
  SECTION("one that is ended in time is well") {
    h.wait(5 * second).exit(attempt(1), 5, 143).decide({end});
    CHECK(h.end().empty());
  }
}

} // namespace berth::sim

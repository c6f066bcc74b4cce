"""A load of jobs whose ends are known beforehand, however often the server is
killed while they run; and the check that each ended so.

Every attempt appends `JOB:ATTEMPT:start` and `JOB:ATTEMPT:end` to one file. A
call that got no answer is repeated with the same invocation id, as an SDK
does, so that what was accepted is known exactly.
"""

import http.client
import random
import re
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field

from wire import call
from workbench import shell

LOST = re.compile(r"Host EC2 \(instance .+\) terminated\.")
TIMED_OUT = "Job attempt duration exceeded timeout"
DEPENDENT = "Dependent Job failed"
NO_ANSWER = (OSError, http.client.HTTPException)
PAUSE_S = 0.02
CHATTER = 12


@dataclass
class Expected:
    """How one job, or one child of an array, has to end."""

    job: str
    kind: str
    #: Exit code that attempt n ends with; "timeout", or "no start".
    outcome: callable = lambda number: 0
    attempts: int = 1
    #: Jobs that have to succeed first.
    after: list = field(default_factory=list)
    #: The reason it was ended with, if it was.
    terminated: str = None
    cancelled: str = None


@dataclass
class ExpectedArray:
    job: str
    size: int


class Abandoned(Exception):
    pass


class Storm:
    def __init__(self, server, bench, ledger, seed, lossy):
        #: Whether attempts may be lost (the keeper is a victim).
        self.lossy = lossy
        self.server = server
        self.ledger = ledger
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.expected = []
        self.arrays = []
        self.errors = []
        self.tokens = threading.Semaphore(0)
        self.abandoned = threading.Event()
        self.finishing = threading.Event()
        self.queues = self.make_queues(bench)
        self.definition = bench.definition(["true"], vcpus=0.25, memory=32)
        self.threads = [
            threading.Thread(target=self.work, args=[random.Random(own)])
            for own in (f"{seed}-{number}" for number in range(3))
        ]
        for thread in self.threads:
            thread.start()

    def make_queues(self, bench):
        return [bench.slots(1) for _ in range(3)]

    # Calls

    def answered(self, operation, body):
        """Repeats the call until it is answered."""
        invocation, attempt = str(uuid.uuid4()), 0
        while True:
            if self.abandoned.is_set():
                raise Abandoned
            attempt += 1
            try:
                answer = call(
                    self.server, operation, body, invocation, attempt, 20
                )
            except NO_ANSWER:
                self.abandoned.wait(PAUSE_S)
                continue
            if answer.status == 200:
                return answer.json
            assert answer.status in (429, 503), (operation, body, answer)
            self.abandoned.wait(PAUSE_S)

    def submit(self, rng, script, attempts=1, after=(), array=0, **extra):
        note = "$AWS_BATCH_JOB_ID:$AWS_BATCH_JOB_ATTEMPT"
        if isinstance(script, str):
            script = shell(
                f"{self.ledger.write(note + ':start')}\n"
                f"end() {{ {self.ledger.write(note + ':end')}; }}\n{script}"
            )
        body = {
            "jobName": "storm",
            "jobQueue": rng.choice(self.queues),
            "jobDefinition": self.definition,
            "containerOverrides": {"command": script},
            "retryStrategy": {"attempts": attempts},
            "dependsOn": [
                dict(zip(("jobId", "type"), entry)) for entry in after
            ],
            **extra,
        }
        if array:
            body["arrayProperties"] = {"size": array}
        job = self.answered("SubmitJob", body)["jobId"]
        if array:
            self.note_array(job, array)
        return job

    def note_array(self, job, size):
        with self.lock:
            self.arrays.append(ExpectedArray(job, size))

    def expect(self, *expected):
        with self.lock:
            self.expected += expected

    # What is submitted. `many` is how many attempts a job gets that should
    # succeed: where attempts are lost, enough to lose some.

    @property
    def many(self):
        return 10 if self.lossy else 2

    def good(self, rng):
        job = self.submit(
            rng, f"sleep {rng.uniform(0, 0.2):.2f}; end", self.many
        )
        self.expect(Expected(job, "good", attempts=self.many))

    def flaky(self, rng):
        job = self.submit(
            rng, "end; [ $AWS_BATCH_JOB_ATTEMPT -ge 3 ] || exit 5", 10
        )
        self.expect(
            Expected(job, "flaky", lambda n: 0 if n >= 3 else 5, attempts=10)
        )

    def bad(self, rng):
        job = self.submit(rng, "end; exit 3", 2)
        self.expect(Expected(job, "bad", lambda n: 3, attempts=2))

    def no_start(self, rng):
        job = self.submit(rng, ["no-such-program"], 2)
        self.expect(Expected(job, "no start", lambda n: "no start", 2))

    def late(self, rng):
        job = self.submit(
            rng,
            "exec sleep 60",
            self.many,
            timeout={"attemptDurationSeconds": 1},
        )
        self.expect(
            Expected(job, "late", lambda n: "timeout", attempts=self.many)
        )

    def chatty(self, rng):
        job = self.submit(
            rng,
            f"for i in $(seq {CHATTER}); do echo $i; sleep 0.03; done; end",
            self.many,
        )
        self.expect(Expected(job, "chatty", attempts=self.many))

    def array(self, rng):
        job = self.submit(
            rng,
            "sleep 0.05; end; [ $AWS_BATCH_JOB_ARRAY_INDEX != 2 ] || exit 4",
            self.many,
            array=4,
        )
        for index in range(4):
            code = 4 if index == 2 else 0
            self.expect(
                Expected(
                    f"{job}:{index}",
                    "child",
                    lambda n, code=code: code,
                    attempts=self.many,
                )
            )

    def chain(self, rng):
        first = self.submit(rng, "sleep 0.1; end", self.many)
        second = self.submit(rng, "end", self.many, after=[(first,)])
        third = self.submit(rng, "end", self.many, after=[(first,), (second,)])
        self.expect(
            Expected(first, "first", attempts=self.many),
            Expected(second, "second", attempts=self.many, after=[first]),
            Expected(
                third, "third", attempts=self.many, after=[first, second]
            ),
        )

    def broken_chain(self, rng):
        first = self.submit(rng, "sleep 0.1; end; exit 1")
        second = self.submit(rng, "end", after=[(first,)])
        third = self.submit(rng, "end", after=[(second,)])
        self.expect(
            Expected(first, "first", lambda n: 1),
            Expected(second, "second", after=[first]),
            Expected(third, "third", after=[second]),
        )

    def pairs(self, rng):
        first = self.submit(rng, "end", self.many, array=3)
        second = self.submit(
            rng, "end", self.many, after=[(first, "N_TO_N")], array=3
        )
        for index in range(3):
            self.expect(
                Expected(f"{first}:{index}", "child", attempts=self.many),
                Expected(
                    f"{second}:{index}",
                    "paired child",
                    attempts=self.many,
                    after=[f"{first}:{index}"],
                ),
            )

    def sequence(self, rng):
        job = self.submit(
            rng, "end", self.many, after=[(None, "SEQUENTIAL")], array=3
        )
        for index in range(3):
            self.expect(
                Expected(
                    f"{job}:{index}",
                    "link",
                    attempts=self.many,
                    after=[f"{job}:{index - 1}"] if index else [],
                )
            )

    def terminated(self, rng):
        job = self.submit(rng, "sleep 60; end", 10)
        reason = f"enough of {job}"
        self.abandoned.wait(rng.uniform(0, 0.3))
        self.answered("TerminateJob", {"jobId": job, "reason": reason})
        self.expect(
            Expected(job, "terminated", attempts=10, terminated=reason)
        )

    def cancelled(self, rng):
        first = self.submit(rng, "sleep 0.2; end", self.many)
        second = self.submit(rng, "end", self.many, after=[(first,)])
        reason = f"no need of {second}"
        self.abandoned.wait(rng.uniform(0, 0.3))
        self.answered("CancelJob", {"jobId": second, "reason": reason})
        self.expect(
            Expected(first, "first", attempts=self.many),
            Expected(
                second,
                "cancelled",
                attempts=self.many,
                after=[first],
                cancelled=reason,
            ),
        )

    KINDS = [
        *[good] * 4,
        flaky,
        bad,
        no_start,
        late,
        chatty,
        array,
        chain,
        broken_chain,
        pairs,
        sequence,
        *[terminated] * 2,
        cancelled,
    ]

    def one(self, rng):
        """One piece of load."""
        rng.choice(self.KINDS)(self, rng)

    def work(self, rng):
        try:
            while True:
                self.tokens.acquire()
                if self.finishing.is_set() or self.abandoned.is_set():
                    return
                self.one(rng)
        except Abandoned:
            pass
        except Exception as error:  # told by `finish`
            self.errors.append(error)

    def feed(self, count):
        assert not self.errors, self.errors
        self.tokens.release(count)

    def finish(self):
        """No more submissions; those begun are completed."""
        self.finishing.set()
        self.tokens.release(len(self.threads))
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "a call is not answered"
        assert not self.errors, self.errors

    def abandon(self):
        self.abandoned.set()
        self.tokens.release(len(self.threads))

    # The check

    def ids(self):
        return [e.job for e in self.expected] + [a.job for a in self.arrays]

    def check(self, jobs, stream_lines):
        """`jobs`: every job by id, as described in the end."""
        starts, ends = self.read_ledger()
        for job in starts:
            assert job in jobs, f"{job} ran, and nobody had submitted it"
        for expected in self.expected:
            job = jobs[expected.job]
            told = f"{expected}: {job}"
            self.check_attempts(expected, job, starts, ends, told)
            self.check_end(expected, job, jobs, told)
            if expected.kind == "chatty" and job["status"] == "SUCCEEDED":
                stream = job["attempts"][-1]["container"]["logStreamName"]
                lines = [str(n) for n in range(1, CHATTER + 1)]
                assert stream_lines(stream) == lines, told
        for array in self.arrays:
            self.check_array(array, jobs)

    def read_ledger(self):
        """Attempts started and ended, by job."""
        starts, ends = {}, {}
        for line, count in Counter(self.ledger.lines()).items():
            assert count == 1, f"happened {count} times: {line}"
            job, attempt, what = line.rsplit(":", 2)
            which = starts if what == "start" else ends
            which.setdefault(job, set()).add(int(attempt))
        return starts, ends

    def check_attempts(self, expected, job, starts, ends, told):
        """Each attempt ended by its nature, or was lost; none ran twice."""
        started = starts.get(expected.job, set())
        attempts = job["attempts"]
        assert started <= set(range(1, len(attempts) + 1)), told
        for number, attempt in enumerate(attempts, 1):
            reason = attempt.get("statusReason", "")
            if LOST.fullmatch(reason):
                assert self.lossy, f"lost without need: {told}"
                continue
            if expected.terminated and reason == expected.terminated:
                assert number == len(attempts), told
                continue
            outcome = expected.outcome(number)
            code = attempt["container"].get("exitCode")
            if outcome == "no start":
                assert number not in started and code is None, told
                continue
            assert number in started, f"attempt {number} never ran: {told}"
            if outcome == "timeout":
                assert reason == TIMED_OUT, told
                assert number == len(attempts), f"retried: {told}"
                continue
            assert code == outcome, told
            assert number in ends.get(expected.job, set()), told
            if code == 0:
                assert number == len(attempts), f"ran on: {told}"

    def check_end(self, expected, job, jobs, told):
        attempts, reason = job["attempts"], job.get("statusReason")
        if expected.terminated:
            assert job["status"] == "FAILED", told
            assert reason == expected.terminated or (
                self.lossy and LOST.fullmatch(reason)
            ), told
            return
        if expected.cancelled and reason == expected.cancelled:
            assert job["status"] == "FAILED", told
            assert self.lossy or attempts == [], told
            return
        if any(jobs[other]["status"] == "FAILED" for other in expected.after):
            assert job["status"] == "FAILED" and attempts == [], told
            assert reason == DEPENDENT, told
            return
        assert attempts, f"never ran: {told}"
        last = attempts[-1]
        lost = LOST.fullmatch(last.get("statusReason", ""))
        outcome = expected.outcome(len(attempts))
        if outcome == 0 and not lost:
            assert job["status"] == "SUCCEEDED", told
            return
        assert job["status"] == "FAILED", told
        if outcome != "timeout" or lost:
            # It was given up only when there were no attempts left.
            assert len(attempts) == expected.attempts, told

    def check_array(self, array, jobs):
        parent = jobs[array.job]
        children = [jobs.get(f"{array.job}:{i}") for i in range(array.size)]
        statuses = Counter(child["status"] for child in children)
        summary = parent["arrayProperties"]["statusSummary"]
        assert summary["SUCCEEDED"] == statuses["SUCCEEDED"], parent
        assert summary["FAILED"] == statuses["FAILED"], parent
        assert sum(summary.values()) == array.size, parent
        failed = statuses["FAILED"] > 0
        assert parent["status"] == ("FAILED" if failed else "SUCCEEDED")

"""Attempts, evaluateOnExit and AWS_BATCH_JOB_ATTEMPT."""

import pytest

from workbench import MESSAGE_OF_EXIT


def test_each_attempt_knows_its_number_and_is_kept(bench, queue, ledger):
    script = f"""
        {ledger.write("$AWS_BATCH_JOB_ATTEMPT")}
        exit $((3 - AWS_BATCH_JOB_ATTEMPT))
    """
    job = bench.run(queue, script, retryStrategy={"attempts": 5})
    assert ledger.lines() == ["1", "2", "3"]
    attempts = job["attempts"]
    assert [a["container"]["exitCode"] for a in attempts] == [2, 1, 0]
    for earlier, later in zip(attempts, attempts[1:]):
        assert earlier["startedAt"] <= earlier["stoppedAt"]
        assert earlier["stoppedAt"] <= later["startedAt"]
    streams = [a["container"]["logStreamName"] for a in attempts]
    assert len(set(streams)) == 3
    # The job mirrors its latest attempt.
    assert job["startedAt"] == attempts[-1]["startedAt"]
    assert job["stoppedAt"] == attempts[-1]["stoppedAt"]
    assert job["container"]["logStreamName"] == streams[-1]
    assert job["container"]["exitCode"] == 0


def test_without_a_strategy_a_job_has_one_attempt(bench, queue):
    job = bench.wait_failed(bench.submit(queue, "exit 1"))
    assert len(job["attempts"]) == 1
    assert job["retryStrategy"]["attempts"] == 1


def test_a_job_fails_when_its_attempts_are_used_up(bench, queue):
    job = bench.wait_failed(
        bench.submit(queue, "exit 4", retryStrategy={"attempts": 3})
    )
    assert [a["container"]["exitCode"] for a in job["attempts"]] == [4, 4, 4]
    assert job["statusReason"] == MESSAGE_OF_EXIT


def test_every_attempt_has_output_of_its_own(bench, queue):
    job = bench.wait_failed(
        bench.submit(
            queue,
            "echo attempt $AWS_BATCH_JOB_ATTEMPT; exit 1",
            retryStrategy={"attempts": 2},
        )
    )
    for number, attempt in enumerate(job["attempts"], 1):
        stream = attempt["container"]["logStreamName"]
        assert bench.stream_lines(stream) == [f"attempt {number}"]


RETRY, EXIT = "RETRY", "EXIT"


@pytest.mark.parametrize(
    "script, rules, attempts",
    [
        # No entry matches: retry.
        ("exit 3", [{"onExitCode": "4", "action": EXIT}], 3),
        # The exact code.
        ("exit 3", [{"onExitCode": "3", "action": EXIT}], 1),
        # A prefix.
        ("exit 137", [{"onExitCode": "13*", "action": EXIT}], 1),
        ("exit 3", [{"onExitCode": "13*", "action": EXIT}], 3),
        # The first entry that matches decides.
        (
            "exit 3",
            [
                {"onExitCode": "3", "action": RETRY},
                {"onExitCode": "*", "action": EXIT},
            ],
            3,
        ),
        (
            "exit 4",
            [
                {"onExitCode": "3", "action": RETRY},
                {"onReason": "*", "action": EXIT},
            ],
            1,
        ),
        # All conditions of an entry have to match.
        (
            "exit 3",
            [
                {
                    "onExitCode": "3",
                    "onStatusReason": "Task failed*",
                    "action": EXIT,
                }
            ],
            3,
        ),
        (
            "exit 3",
            [
                {
                    "onExitCode": "3",
                    "onStatusReason": "Essential container*",
                    "action": EXIT,
                }
            ],
            1,
        ),
        # A lone star matches a reason that is not there.
        ("exit 3", [{"onReason": "*", "action": EXIT}], 1),
        # Patterns are compared exactly, a star counts only at the end.
        (
            "exit 3",
            [{"onStatusReason": "essential container*", "action": EXIT}],
            3,
        ),
        ("exit 3", [{"onStatusReason": "Essential", "action": EXIT}], 3),
        # Actions in any case.
        ("exit 3", [{"onExitCode": "3", "action": "exit"}], 1),
        # A start that failed has a reason and no exit code.
        (
            ["no-such-program"],
            [
                {"onStatusReason": "Task failed to start", "action": RETRY},
                {"onReason": "*", "action": EXIT},
            ],
            3,
        ),
        (
            ["no-such-program"],
            [{"onReason": "CannotStartContainerError:*", "action": EXIT}],
            1,
        ),
        (
            ["no-such-program"],
            [{"onExitCode": "1*", "action": EXIT}],
            3,
        ),
    ],
)
def test_evaluate_on_exit_decides_after_a_failed_attempt(
    bench, queue, script, rules, attempts
):
    job = bench.wait_failed(
        bench.submit(
            queue,
            script,
            retryStrategy={"attempts": 3, "evaluateOnExit": rules},
        )
    )
    assert len(job["attempts"]) == attempts


def test_children_of_an_array_have_attempts_of_their_own(bench, queue, ledger):
    script = f"""
        {ledger.write("$AWS_BATCH_JOB_ARRAY_INDEX:$AWS_BATCH_JOB_ATTEMPT")}
        [ $AWS_BATCH_JOB_ATTEMPT -gt $AWS_BATCH_JOB_ARRAY_INDEX ]
    """
    array = bench.submit(
        queue,
        script,
        arrayProperties={"size": 3},
        retryStrategy={"attempts": 3},
    )
    bench.wait_succeeded(array)
    assert sorted(ledger.lines()) == [
        "0:1",
        "1:1",
        "1:2",
        "2:1",
        "2:2",
        "2:3",
    ]
    counts = [
        len(bench.describe(f"{array}:{index}")["attempts"])
        for index in range(3)
    ]
    assert counts == [1, 2, 3]


def test_a_retried_job_keeps_its_place_in_the_queue(bench, gate, ledger):
    queue = bench.slots(1)
    holder = bench.submit(queue, gate.hold)
    bench.wait_status(holder, "RUNNING")
    first = bench.submit(
        queue,
        f"""
            {ledger.write("first:$AWS_BATCH_JOB_ATTEMPT")}
            [ $AWS_BATCH_JOB_ATTEMPT = 2 ]
        """,
        retryStrategy={"attempts": 2},
    )
    second = bench.submit(queue, ledger.write("second"))
    bench.wait_all([first, second], "RUNNABLE")
    gate.open()
    bench.wait_all([first, second], "SUCCEEDED")
    assert ledger.lines() == ["first:1", "first:2", "second"]

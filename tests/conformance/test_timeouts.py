"""Timeouts of attempts (the tests' servers allow one second)."""

REASON = "Job attempt duration exceeded timeout"


def test_an_attempt_that_takes_too_long_is_stopped_and_not_retried(
    bench, queue, ledger
):
    job = bench.wait_failed(
        bench.submit(
            queue,
            f"{ledger.write('start')}; exec sleep 600",
            timeout={"attemptDurationSeconds": 1},
            retryStrategy={"attempts": 3},
        )
    )
    assert job["statusReason"] == REASON
    (attempt,) = job["attempts"]
    assert attempt["statusReason"] == REASON
    # SIGTERM was enough.
    assert job["container"]["exitCode"] == 143
    assert attempt["stoppedAt"] - attempt["startedAt"] > 900
    assert ledger.lines() == ["start"]
    assert job["isTerminated"] is False


def test_what_ignores_sigterm_is_killed_after_the_grace_period(bench, queue):
    job = bench.wait_failed(
        bench.submit(
            queue,
            "trap '' TERM; while :; do sleep 0.1; done",
            timeout={"attemptDurationSeconds": 1},
        )
    )
    assert job["statusReason"] == REASON
    assert job["container"]["exitCode"] == 137
    (attempt,) = job["attempts"]
    # The timeout and the grace period of one second each.
    assert attempt["stoppedAt"] - attempt["startedAt"] > 1900


def test_a_rule_for_retries_does_not_bring_back_what_timed_out(bench, queue):
    job = bench.wait_failed(
        bench.submit(
            queue,
            "exec sleep 600",
            timeout={"attemptDurationSeconds": 1},
            retryStrategy={
                "attempts": 3,
                "evaluateOnExit": [{"onReason": "*", "action": "RETRY"}],
            },
        )
    )
    assert len(job["attempts"]) == 1


def test_a_job_that_cleans_up_on_sigterm_may_do_so(bench, queue, ledger):
    job = bench.wait_failed(
        bench.submit(
            queue,
            f"""
                trap '{ledger.write("cleaned")}; exit 9' TERM
                while :; do sleep 0.1; done
            """,
            timeout={"attemptDurationSeconds": 1},
        )
    )
    assert ledger.lines() == ["cleaned"]
    assert job["container"]["exitCode"] == 9
    assert job["statusReason"] == REASON


def test_waiting_does_not_count_and_each_attempt_counts_anew(
    bench, gate, ledger
):
    queue = bench.slots(1)
    holder = bench.submit(queue, gate.hold)
    started = bench.wait_status(holder, "RUNNING")["startedAt"]
    job = bench.submit(
        queue,
        f"{ledger.write('$AWS_BATCH_JOB_ATTEMPT')}; sleep 0.7; exit 1",
        timeout={"attemptDurationSeconds": 3},
        retryStrategy={"attempts": 5},
    )
    bench.wait_status(job, "RUNNABLE")
    gate.open()
    found = bench.wait_failed(job)
    # Five attempts took longer than three seconds, none of them did.
    assert ledger.lines() == ["1", "2", "3", "4", "5"]
    assert found["stoppedAt"] - started > 3000
    assert found["container"]["exitCode"] == 1


def test_the_timeout_of_an_array_counts_for_each_child(bench, queue):
    array = bench.submit(
        queue,
        "[ $AWS_BATCH_JOB_ARRAY_INDEX = 0 ] || exec sleep 600",
        arrayProperties={"size": 2},
        timeout={"attemptDurationSeconds": 1},
    )
    bench.wait_failed(array)
    assert bench.status(f"{array}:0") == "SUCCEEDED"
    late = bench.describe(f"{array}:1")
    assert late["statusReason"] == REASON
    assert late["timeout"] == {"attemptDurationSeconds": 1}


def test_the_timeout_of_the_definition_counts_too(bench, queue):
    definition = bench.definition(
        ["sleep", "600"], timeout={"attemptDurationSeconds": 1}
    )
    job = bench.wait_failed(bench.submit(queue, definition=definition))
    assert job["statusReason"] == REASON

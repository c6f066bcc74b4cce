"""CancelJob and TerminateJob in every state of a job.

STARTING lasts too short a time to be met on purpose; what holds for RUNNING
holds for it.
"""

import pytest

from waiting import wait_for

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ENDINGS = ["cancel_job", "terminate_job"]


@pytest.fixture
def end(bench):
    def end(operation, job, reason="changed my mind"):
        answer = getattr(bench.batch, operation)(jobId=job, reason=reason)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200

    return end


@pytest.fixture
def full_queue(bench, gate):
    """A queue whose only slot is taken until the gate opens."""
    queue = bench.slots(1)
    holder = bench.submit(queue, gate.hold)
    bench.wait_status(holder, "RUNNING")
    return queue, holder


@pytest.mark.parametrize("operation", ENDINGS)
def test_a_runnable_job_fails_with_the_reason(
    bench, end, full_queue, gate, ledger, operation
):
    queue, holder = full_queue
    job = bench.submit(
        queue, ledger.write("ran"), retryStrategy={"attempts": 3}
    )
    bench.wait_status(job, "RUNNABLE")
    end(operation, job, "not needed")
    found = bench.wait_failed(job)
    assert found["statusReason"] == "not needed"
    assert found["attempts"] == []
    assert found["startedAt"] == 0
    assert found["stoppedAt"] >= found["createdAt"]
    assert "exitCode" not in found["container"]
    assert found["isCancelled"] is (operation == "cancel_job")
    assert found["isTerminated"] is (operation == "terminate_job")
    gate.open()
    bench.wait_succeeded(holder)
    # The slot goes on to others.
    bench.run(queue, "exit 0")
    assert ledger.lines() == []


@pytest.mark.parametrize("operation", ENDINGS)
def test_a_pending_job_fails_with_the_reason(
    bench, end, full_queue, gate, ledger, operation
):
    queue, holder = full_queue
    job = bench.submit(
        queue, ledger.write("ran"), dependsOn=[{"jobId": holder}]
    )
    bench.wait_status(job, "PENDING")
    end(operation, job, "not needed")
    # AWS settles it once its dependencies are done, at the latest.
    gate.open()
    found = bench.wait_failed(job)
    assert found["statusReason"] == "not needed"
    assert found["attempts"] == []
    bench.wait_succeeded(holder)
    assert ledger.lines() == []


def test_cancel_does_nothing_to_a_running_job(bench, end, queue, gate):
    job = bench.submit(queue, f"{gate.hold}; exit 5")
    bench.wait_status(job, "RUNNING")
    end("cancel_job", job)
    assert bench.status(job) == "RUNNING"
    gate.open()
    found = bench.wait_failed(job)
    assert found["container"]["exitCode"] == 5
    assert found["statusReason"] == "Essential container in task exited"


def test_terminate_ends_a_running_job_for_good(bench, end, queue, ledger):
    job = bench.submit(
        queue,
        f"{ledger.write('start')}; exec sleep 600",
        retryStrategy={
            "attempts": 5,
            "evaluateOnExit": [{"onReason": "*", "action": "RETRY"}],
        },
    )
    bench.wait_status(job, "RUNNING")
    end("terminate_job", job, "enough of it")
    found = bench.wait_failed(job)
    assert found["statusReason"] == "enough of it"
    (attempt,) = found["attempts"]
    assert attempt["statusReason"] == "enough of it"
    # SIGTERM was enough.
    assert found["container"]["exitCode"] == 143
    assert attempt["container"]["exitCode"] == 143
    assert found["isTerminated"] is True
    assert ledger.lines() == ["start"]


def test_terminate_kills_what_ignores_sigterm(bench, end, queue, ledger):
    job = bench.submit(
        queue,
        f"trap '' TERM; {ledger.write('deaf')}; while :; do sleep 0.1; done",
    )
    bench.wait_status(job, "RUNNING")
    wait_for(ledger.lines)
    end("terminate_job", job)
    assert bench.wait_failed(job)["container"]["exitCode"] == 137


def test_the_slot_of_a_terminated_job_is_free_only_when_it_has_ended(
    bench, end, ledger
):
    queue = bench.slots(1)
    stubborn = bench.submit(
        queue,
        f"""
            trap '{ledger.write("asked")}; sleep 0.2;
                  {ledger.write("gone")}; exit 0' TERM
            {ledger.write("up")}
            while :; do sleep 0.05; done
        """,
    )
    wait_for(ledger.lines)
    after = bench.submit(queue, ledger.write("after"))
    end("terminate_job", stubborn)
    bench.wait_succeeded(after)
    assert ledger.lines() == ["up", "asked", "gone", "after"]
    found = bench.wait_failed(stubborn)
    assert found["statusReason"] == "changed my mind"
    assert found["container"]["exitCode"] == 0


@pytest.mark.parametrize("operation", ENDINGS)
@pytest.mark.parametrize("code, status", [(0, "SUCCEEDED"), (1, "FAILED")])
def test_an_ended_job_stays_as_it_is(
    bench, end, queue, operation, code, status
):
    job = bench.submit(queue, f"exit {code}")
    before = bench.wait_status(job, status)
    end(operation, job)
    assert bench.describe(job) == before


@pytest.mark.parametrize("operation", ENDINGS)
@pytest.mark.parametrize("job", [UNKNOWN, "not an id", UNKNOWN + ":3"])
def test_an_unknown_job_is_no_error(end, operation, job):
    end(operation, job)


@pytest.mark.parametrize("operation", ENDINGS)
def test_an_empty_id_or_reason_is_refused_by_name(bench, operation):
    bench.refused(operation, "jobId", jobId="", reason="x")
    bench.refused(operation, "reason", jobId=UNKNOWN, reason="")
    bench.refused(operation, "reason", jobId=UNKNOWN, reason="x" * 1025)


def test_a_reason_of_1024_characters_is_kept(bench, end, full_queue, gate):
    queue, _ = full_queue
    job = bench.submit(queue, "exit 0")
    end("cancel_job", job, "r" * 1024)
    gate.open()
    assert bench.wait_failed(job)["statusReason"] == "r" * 1024


def test_the_first_reason_stays(bench, end, full_queue, gate):
    queue, _ = full_queue
    job = bench.submit(queue, "exit 0")
    end("terminate_job", job, "first")
    end("terminate_job", job, "second")
    gate.open()
    assert bench.wait_failed(job)["statusReason"] == "first"


def test_terminating_an_array_ends_all_its_children(bench, end, ledger):
    queue = bench.slots(2)
    array = bench.submit(
        queue,
        f"{ledger.write('$AWS_BATCH_JOB_ARRAY_INDEX')}; exec sleep 600",
        arrayProperties={"size": 6},
    )
    children = [f"{array}:{index}" for index in range(6)]
    bench.wait_all(children[:2], "RUNNING")
    end("terminate_job", array, "enough")
    parent = bench.wait_failed(array)
    assert parent["arrayProperties"]["statusSummary"]["FAILED"] == 6
    for child in bench.describe_all(children):
        assert child["status"] == "FAILED"
        assert child["statusReason"] == "enough"
    assert sorted(ledger.lines()) == ["0", "1"]


def test_cancelling_an_array_ends_what_has_not_started(
    bench, end, gate, ledger
):
    queue = bench.slots(1)
    array = bench.submit(
        queue,
        f"{ledger.write('$AWS_BATCH_JOB_ARRAY_INDEX')}; {gate.hold}",
        arrayProperties={"size": 4},
    )
    bench.wait_status(f"{array}:0", "RUNNING")
    end("cancel_job", array, "no more")
    later = [f"{array}:{index}" for index in (1, 2, 3)]
    for child in bench.wait_all(later, "FAILED"):
        assert child["statusReason"] == "no more"
        assert child["attempts"] == []
    assert bench.status(f"{array}:0") == "RUNNING"
    gate.open()
    parent = bench.wait_failed(array)
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 1
    assert ledger.lines() == ["0"]


@pytest.mark.parametrize("operation", ENDINGS)
def test_ending_one_child_fails_it_and_then_its_array(
    bench, end, gate, ledger, operation
):
    queue = bench.slots(1)
    array = bench.submit(
        queue,
        f"{ledger.write('$AWS_BATCH_JOB_ARRAY_INDEX')}; {gate.hold}",
        arrayProperties={"size": 4},
    )
    bench.wait_status(f"{array}:0", "RUNNING")
    end(operation, f"{array}:2", "only this one")
    assert bench.wait_failed(f"{array}:2")["statusReason"] == "only this one"
    gate.open()
    parent = bench.wait_failed(array)
    assert parent["statusReason"] == "Array Child Job failed"
    summary = parent["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"]) == (3, 1)
    assert ledger.lines() == ["0", "1", "3"]

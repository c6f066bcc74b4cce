"""kill -9 of the server or of the keeper, at chosen moments."""

import re

import pytest

from waiting import wait_for
from workbench import Ledger, Lock, Workbench

LOST = r"Host EC2 \(instance .+\) terminated\."


@pytest.fixture(params=[1, 3], ids=["one shard", "three shards"])
def mortal(request, make_server):
    """A server that may be killed, and its workbench."""
    server = make_server(shards=request.param)
    return server, Workbench(server)


def restart(server):
    """A new workbench: the port has changed."""
    server.start()
    return Workbench(server)


def beating(ledger, gate):
    """Notes a number of its own at its start, then beats until the gate
    opens."""
    return f"""
        name=$(cat /proc/sys/kernel/random/uuid)
        {ledger.write("start $AWS_BATCH_JOB_ATTEMPT $name")}
        until [ -e {gate.path} ]; do
            {ledger.write("beat $name")}
            sleep 0.05
        done
        {ledger.write("end $name")}
        echo done
    """


def beats(ledger):
    return sum(line.startswith("beat") for line in ledger.lines())


def names(ledger):
    return {line.split()[-1] for line in ledger.lines()}


def test_a_running_job_is_found_again_and_goes_on(mortal, gate, ledger):
    server, bench = mortal
    queue = bench.slots(1)
    job = bench.submit(
        queue, beating(ledger, gate), retryStrategy={"attempts": 3}
    )
    before = bench.wait_status(job, "RUNNING")
    wait_for(lambda: beats(ledger) > 1)
    server.kill()
    seen = beats(ledger)
    wait_for(lambda: beats(ledger) > seen + 1)
    bench = restart(server)
    found = bench.describe(job)
    assert found["status"] == "RUNNING"
    assert found["startedAt"] == before["startedAt"]
    seen = beats(ledger)
    wait_for(lambda: beats(ledger) > seen + 1)
    gate.open()
    found = bench.wait_succeeded(job)
    assert len(found["attempts"]) == 1
    # The same process all along.
    assert len(names(ledger)) == 1
    assert bench.output(job) == ["done"]


def test_a_job_that_ends_while_the_server_is_down_is_settled(
    mortal, gate, ledger
):
    server, bench = mortal
    queue = bench.slots(2)
    good = bench.submit(queue, beating(ledger, gate))
    bad = bench.submit(queue, f"{gate.hold}; echo last words; exit 7")
    after = bench.submit(queue, "exit 0", dependsOn=[{"jobId": good}])
    bench.wait_all([good, bad], "RUNNING")
    server.kill()
    gate.open()
    wait_for(lambda: ledger.lines()[-1].startswith("end"))
    bench = restart(server)
    bench.wait_all([good, after], "SUCCEEDED")
    assert bench.wait_failed(bad)["container"]["exitCode"] == 7
    assert bench.output(bad) == ["last words"]
    assert bench.output(good) == ["done"]


def test_a_retry_that_falls_due_while_the_server_is_down_is_made(
    mortal, gate, ledger
):
    server, bench = mortal
    job = bench.submit(
        bench.slots(1),
        f"""
            {ledger.write("$AWS_BATCH_JOB_ATTEMPT")}
            [ $AWS_BATCH_JOB_ATTEMPT = 2 ] && exit 0
            {gate.hold}; {ledger.write("failed")}; exit 1
        """,
        retryStrategy={"attempts": 2},
    )
    bench.wait_status(job, "RUNNING")
    server.kill()
    gate.open()
    wait_for(lambda: ledger.lines() == ["1", "failed"])
    bench = restart(server)
    found = bench.wait_succeeded(job)
    assert [a["container"]["exitCode"] for a in found["attempts"]] == [1, 0]
    assert ledger.lines() == ["1", "failed", "2"]


def test_a_timeout_counts_while_the_server_is_down(mortal, lock, ledger):
    server, bench = mortal
    job = bench.submit(
        bench.slots(1),
        f"{lock.take}; {ledger.write('start')}; exec sleep 600",
        timeout={"attemptDurationSeconds": 2},
    )
    wait_for(ledger.lines)
    server.kill()
    # The keeper stops it without any server.
    wait_for(lock.is_free)
    bench = restart(server)
    found = bench.wait_failed(job)
    assert found["statusReason"] == "Job attempt duration exceeded timeout"
    assert len(found["attempts"]) == 1


def test_what_waits_keeps_its_order_over_a_restart(mortal, gate, ledger):
    server, bench = mortal
    environment = bench.environment(1)
    low = bench.queue(environment, priority=1)
    high = bench.queue(environment, priority=2)
    holder = bench.submit(high, gate.hold)
    bench.wait_status(holder, "RUNNING")
    jobs = [
        bench.submit(queue, ledger.write(name))
        for queue, name in [
            (low, "low-1"),
            (high, "high-1"),
            (low, "low-2"),
            (high, "high-2"),
        ]
    ]
    array = bench.submit(
        low, ledger.write("array"), arrayProperties={"size": 2}
    )
    last = bench.submit(
        high, ledger.write("last"), dependsOn=[{"jobId": array}]
    )
    server.kill()
    bench = restart(server)
    bench.wait_all(jobs, "RUNNABLE")
    assert bench.status(last) == "PENDING"
    gate.open()
    bench.wait_all([*jobs, array, last], "SUCCEEDED")
    assert ledger.lines() == [
        "high-1",
        "high-2",
        "low-1",
        "low-2",
        "array",
        "array",
        "last",
    ]


def test_a_termination_that_was_answered_holds(mortal, ledger, lock):
    server, bench = mortal
    job = bench.submit(
        bench.slots(1),
        f"{lock.take}; {ledger.write('start')}; exec sleep 600",
        retryStrategy={"attempts": 5},
    )
    wait_for(ledger.lines)
    bench.batch.terminate_job(jobId=job, reason="enough")
    server.kill()
    bench = restart(server)
    found = bench.wait_failed(job)
    assert found["statusReason"] == "enough"
    assert lock.is_free()
    assert ledger.lines() == ["start"]


def test_everything_that_was_told_is_told_again(mortal):
    server, bench = mortal
    queue = bench.slots(2)
    definition = bench.definition(["true"], tags={"a": "1"})
    array = bench.submit(
        queue,
        "exit $AWS_BATCH_JOB_ARRAY_INDEX",
        arrayProperties={"size": 3},
        tags={"b": "2"},
    )
    single = bench.submit(queue, definition=definition)
    bench.wait_failed(array)
    bench.wait_succeeded(single)
    jobs = [array, single, *(f"{array}:{index}" for index in range(3))]

    def all_told():
        batch = bench.batch
        answers = [
            batch.describe_jobs(jobs=jobs)["jobs"],
            batch.describe_job_queues()["jobQueues"],
            batch.describe_compute_environments()["computeEnvironments"],
            batch.describe_job_definitions()["jobDefinitions"],
            batch.list_jobs(jobQueue=queue, jobStatus="SUCCEEDED")[
                "jobSummaryList"
            ],
        ]
        return answers

    before = all_told()
    server.kill()
    bench = restart(server)
    assert all_told() == before


def test_jobs_that_ended_before_a_restart_are_dependencies_as_before(mortal):
    server, bench = mortal
    queue = bench.slots(2)
    good = bench.run(queue, "exit 0")["jobId"]
    bad = bench.submit(queue, "exit 1")
    array = bench.submit(
        queue,
        "exit $AWS_BATCH_JOB_ARRAY_INDEX",
        arrayProperties={"size": 2},
    )
    bench.wait_all([bad, array], "FAILED")
    server.kill()
    bench = restart(server)

    def submit_after(job):
        return bench.submit(queue, "exit 0", dependsOn=[{"jobId": job}])

    bench.wait_all(
        [submit_after(good), submit_after(f"{array}:0")], "SUCCEEDED"
    )
    after = [submit_after(bad), submit_after(array), submit_after(f"{array}:1")]
    for job in bench.wait_all(after, "FAILED"):
        assert job["statusReason"] == "Dependent Job failed"


# The keeper


def kill_keeper(server):
    old = server.keeper_pid()
    server.kill_keeper()
    return old


def new_keeper(server, old):
    wait_for(
        lambda: server.keeper_pid() not in (None, old), what=server.log_tail
    )


def test_jobs_die_with_their_keeper_and_are_settled_as_lost(mortal, tmp_path):
    server, bench = mortal
    queue = bench.slots(2)
    locks = [Lock(tmp_path / f"lock-{number}") for number in range(2)]
    ledger = Ledger(tmp_path / "ledger")
    jobs = [
        bench.submit(
            queue,
            f"""
                {lock.take}; {ledger.write("start")}
                ( trap "" TERM; setsid sleep 600 ) &
                exec sleep 600
            """,
        )
        for lock in locks
    ]
    wait_for(lambda: len(ledger.lines()) == 2)
    old = kill_keeper(server)
    for job in bench.wait_all(jobs, "FAILED"):
        assert re.fullmatch(LOST, job["statusReason"]), job
        (attempt,) = job["attempts"]
        assert re.fullmatch(LOST, attempt["statusReason"])
        assert "exitCode" not in attempt["container"]
    for lock in locks:
        wait_for(lock.is_free)
    new_keeper(server, old)
    bench.run(queue, "exit 0")
    assert server.process.poll() is None


def test_a_lost_attempt_is_retried_as_the_strategy_says(mortal, tmp_path):
    server, bench = mortal
    queue = bench.slots(3)
    plain, retry, leave = (Ledger(tmp_path / f"l-{n}") for n in range(3))
    rules = {
        "retry": [
            {"onStatusReason": "Host EC2*", "action": "RETRY"},
            {"onReason": "*", "action": "EXIT"},
        ],
        "leave": [{"onStatusReason": "Host EC2*", "action": "EXIT"}],
    }

    def submit(ledger, **strategy):
        return bench.submit(
            queue,
            f"""
                {ledger.write("$AWS_BATCH_JOB_ATTEMPT")}
                [ $AWS_BATCH_JOB_ATTEMPT = 2 ] || exec sleep 600
            """,
            retryStrategy={"attempts": 3, **strategy},
        )

    jobs = [
        submit(plain),
        submit(retry, evaluateOnExit=rules["retry"]),
        submit(leave, evaluateOnExit=rules["leave"]),
    ]
    for ledger in (plain, retry, leave):
        wait_for(ledger.lines)
    kill_keeper(server)
    for job in bench.wait_all(jobs[:2], "SUCCEEDED"):
        lost, good = job["attempts"]
        assert re.fullmatch(LOST, lost["statusReason"])
        assert good["container"]["exitCode"] == 0
    assert len(bench.wait_failed(jobs[2])["attempts"]) == 1
    assert plain.lines() == retry.lines() == ["1", "2"]
    assert leave.lines() == ["1"]


def test_a_keeper_lost_while_the_server_is_down_is_noticed(
    mortal, lock, ledger
):
    server, bench = mortal
    job = bench.submit(
        bench.slots(1),
        f"""
            {ledger.write("$AWS_BATCH_JOB_ATTEMPT")}
            [ $AWS_BATCH_JOB_ATTEMPT = 2 ] && exit 0
            {lock.take}; exec sleep 600
        """,
        retryStrategy={"attempts": 2},
    )
    wait_for(lambda: not lock.is_free())
    server.kill()
    server.kill_keeper()
    wait_for(lock.is_free)
    bench = restart(server)
    found = bench.wait_succeeded(job)
    assert re.fullmatch(LOST, found["attempts"][0]["statusReason"])
    assert ledger.lines() == ["1", "2"]

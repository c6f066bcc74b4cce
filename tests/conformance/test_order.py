"""Which job goes next, and where: priority, order of submission, bounded
passing, overflow to the next environment."""

import pytest

from workbench import Workbench


@pytest.fixture
def one_slot(bench, gate):
    """An environment of one vCPU that is busy until the gate opens."""
    environment = bench.environment(1)
    queue = bench.queue(environment, priority=100)
    holder = bench.submit(queue, gate.hold)
    bench.wait_status(holder, "RUNNING")
    return environment


def named(bench, ledger, queue, *names, **extra):
    """Submits jobs that note their names, in this order."""
    return [
        bench.submit(queue, ledger.write(name), jobName=name, **extra)
        for name in names
    ]


def test_within_a_queue_the_oldest_goes_first(bench, one_slot, gate, ledger):
    queue = bench.queue(one_slot)
    names = [f"job-{number}" for number in range(10)]
    jobs = named(bench, ledger, queue, *names)
    bench.wait_all(jobs, "RUNNABLE")
    gate.open()
    bench.wait_all(jobs, "SUCCEEDED")
    assert ledger.lines() == names


def test_of_two_queues_the_higher_priority_is_served_first(
    bench, one_slot, gate, ledger
):
    low = bench.queue(one_slot, priority=1)
    high = bench.queue(one_slot, priority=10)
    jobs = named(bench, ledger, low, "low-1", "low-2")
    jobs += named(bench, ledger, high, "high-1", "high-2")
    jobs += named(bench, ledger, low, "low-3")
    jobs += named(bench, ledger, high, "high-3")
    bench.wait_all(jobs, "RUNNABLE")
    gate.open()
    bench.wait_all(jobs, "SUCCEEDED")
    assert ledger.lines() == [
        "high-1",
        "high-2",
        "high-3",
        "low-1",
        "low-2",
        "low-3",
    ]


def test_of_queues_of_equal_priority_the_oldest_job_goes_first(
    bench, one_slot, gate, ledger
):
    left = bench.queue(one_slot, priority=5)
    right = bench.queue(one_slot, priority=5)
    jobs = []
    for number in range(3):
        jobs += named(bench, ledger, right, f"right-{number}")
        jobs += named(bench, ledger, left, f"left-{number}")
    bench.wait_all(jobs, "RUNNABLE")
    gate.open()
    bench.wait_all(jobs, "SUCCEEDED")
    assert ledger.lines() == [
        "right-0",
        "left-0",
        "right-1",
        "left-1",
        "right-2",
        "left-2",
    ]


def test_a_changed_priority_counts_for_jobs_that_wait(
    bench, one_slot, gate, ledger
):
    first = bench.queue(one_slot, priority=5)
    second = bench.queue(one_slot, priority=1)
    jobs = named(bench, ledger, first, "a-1", "a-2")
    jobs += named(bench, ledger, second, "b-1", "b-2")
    bench.wait_all(jobs, "RUNNABLE")
    bench.batch.update_job_queue(jobQueue=second, priority=9)
    gate.open()
    bench.wait_all(jobs, "SUCCEEDED")
    assert ledger.lines() == ["b-1", "b-2", "a-1", "a-2"]


def test_a_job_keeps_the_place_of_its_submission_when_a_dependency_is_met_late(
    bench, one_slot, gate, ledger
):
    queue = bench.queue(one_slot)
    elsewhere = bench.slots(1)
    dependency = bench.submit(elsewhere, gate.hold)
    jobs = [
        bench.submit(
            queue,
            ledger.write("early"),
            dependsOn=[{"jobId": dependency}],
        )
    ]
    jobs += named(bench, ledger, queue, "late-1", "late-2")
    bench.wait_all(jobs[1:], "RUNNABLE")
    # Another job keeps the slot while the dependency ends.
    high = bench.queue(one_slot, priority=50)
    between = bench.submit(
        high,
        f"""
            until [ -e {ledger.path}.go ]; do sleep 0.05; done
            {ledger.write("between")}
        """,
    )
    bench.wait_status(between, "RUNNABLE")
    gate.open()
    bench.wait_all(jobs[:1], "RUNNABLE")
    ledger.path.with_name(ledger.path.name + ".go").touch()
    bench.wait_all(jobs, "SUCCEEDED")
    assert ledger.lines() == ["between", "early", "late-1", "late-2"]


def test_many_slots_are_filled_in_the_order_of_submission(bench, gate):
    queue = bench.slots(3)
    jobs = [bench.submit(queue, gate.hold) for _ in range(6)]
    bench.wait_all(jobs[:3], "RUNNING")
    assert [bench.status(job) for job in jobs[3:]] == ["RUNNABLE"] * 3
    gate.open()
    bench.wait_all(jobs, "SUCCEEDED")


def test_a_job_goes_to_the_next_environment_when_the_first_is_full(
    bench, gate
):
    first, second = bench.environment(1), bench.environment(1)
    queue = bench.queue(first, second)
    script = f"echo $AWS_BATCH_CE_NAME; {gate.hold}"
    jobs = [bench.submit(queue, script) for _ in range(2)]
    bench.wait_all(jobs, "RUNNING")
    gate.open()
    bench.wait_all(jobs, "SUCCEEDED")
    assert [bench.output(job) for job in jobs] == [[first], [second]]


def test_a_job_too_large_for_the_first_environment_goes_to_the_next(bench):
    small, large = bench.environment(1), bench.environment(4)
    queue = bench.queue(small, large)
    job = bench.run(queue, "echo $AWS_BATCH_CE_NAME", vcpus=3)
    assert bench.output(job["jobId"]) == [large]


def test_a_disabled_environment_is_skipped(bench):
    first, second = bench.environment(1), bench.environment(1)
    queue = bench.queue(first, second)
    bench.batch.update_compute_environment(
        computeEnvironment=first, state="DISABLED"
    )
    job = bench.run(queue, "echo $AWS_BATCH_CE_NAME")
    assert bench.output(job["jobId"]) == [second]
    bench.batch.update_compute_environment(
        computeEnvironment=first, state="ENABLED"
    )
    job = bench.run(queue, "echo $AWS_BATCH_CE_NAME")
    assert bench.output(job["jobId"]) == [first]


def test_two_queues_may_order_the_same_environments_differently(bench):
    first, second = bench.environment(1), bench.environment(1)
    forth = bench.queue(first, second)
    back = bench.queue(second, first)
    script = "echo $AWS_BATCH_CE_NAME"
    one = bench.run(forth, script)["jobId"]
    other = bench.run(back, script)["jobId"]
    assert [bench.output(one), bench.output(other)] == [[first], [second]]


# How long a head that does not fit may be passed


def test_a_head_that_does_not_fit_is_passed_only_for_a_bounded_time(
    make_server, ledger
):
    bench = Workbench(make_server(settings={"head_wait_ms": 3000}))
    queue = bench.slots(2)
    # Keeps one of the two slots until a small job has passed the head.
    holder = bench.submit(
        queue,
        f"until grep -q small {ledger.path}; do sleep 0.05; done",
    )
    bench.wait_status(holder, "RUNNING")
    head = bench.submit(queue, ledger.write("head"), vcpus=2)
    bench.wait_status(head, "RUNNABLE")
    # Enough of them to keep both slots busy for far longer than three
    # seconds, were the head to wait until they are done.
    definition = bench.definition(
        ["/bin/sh", "-c", f"{ledger.write('small')}; sleep 0.2"]
    )
    small = bench.submit(
        queue, definition=definition, arrayProperties={"size": 200}
    )
    bench.wait_succeeded(head)
    bench.wait_succeeded(small)
    place = ledger.lines().index("head")
    assert 0 < place < 150, f"{place} small jobs passed the head"


def test_with_no_head_wait_nothing_passes_the_head(make_server, gate, ledger):
    bench = Workbench(make_server(settings={"head_wait_ms": 0}))
    queue = bench.slots(2)
    holder = bench.submit(queue, gate.hold)
    bench.wait_status(holder, "RUNNING")
    head = bench.submit(queue, ledger.write("head"), vcpus=2)
    small = named(bench, ledger, queue, "small-1", "small-2")
    bench.wait_all([head, *small], "RUNNABLE")
    gate.open()
    bench.wait_all([head, *small], "SUCCEEDED")
    assert ledger.lines()[0] == "head"


def test_while_the_head_waits_smaller_jobs_use_the_room(
    make_server, gate, ledger
):
    bench = Workbench(make_server(settings={"head_wait_ms": 600_000}))
    queue = bench.slots(2)
    holder = bench.submit(queue, gate.hold)
    bench.wait_status(holder, "RUNNING")
    head = bench.submit(queue, ledger.write("head"), vcpus=2)
    small = named(bench, ledger, queue, "small-1", "small-2", "small-3")
    bench.wait_all(small, "SUCCEEDED")
    assert bench.status(head) == "RUNNABLE"
    gate.open()
    bench.wait_succeeded(head)
    assert ledger.lines() == ["small-1", "small-2", "small-3", "head"]

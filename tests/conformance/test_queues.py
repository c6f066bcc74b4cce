"""Job queues: create, describe, update, delete, snapshot."""

import time

import pytest

from berth_server import arn
from waiting import wait_for
from workbench import unique


def describe(batch, *names):
    return batch.describe_job_queues(jobQueues=list(names))["jobQueues"]


def order_of(*environments):
    return [
        {"order": number, "computeEnvironment": name}
        for number, name in enumerate(environments, 1)
    ]


@pytest.fixture(scope="module")
def environment(bench):
    return bench.environment(8)


def test_create_answers_name_and_arn(bench, environment):
    name = unique("queue")
    answer = bench.batch.create_job_queue(
        jobQueueName=name,
        priority=3,
        computeEnvironmentOrder=order_of(environment),
    )
    assert answer["jobQueueName"] == name
    assert answer["jobQueueArn"] == arn("job-queue", name)


def test_a_new_queue_is_valid_at_once_and_read_back_as_given(
    bench, environment
):
    second = bench.environment(1)
    name = unique("queue")
    bench.batch.create_job_queue(
        jobQueueName=name,
        state="ENABLED",
        priority=7,
        computeEnvironmentOrder=[
            {"order": 20, "computeEnvironment": second},
            {
                "order": 10,
                "computeEnvironment": arn("compute-environment", environment),
            },
        ],
        tags={"team": "x"},
    )
    (found,) = describe(bench.batch, name)
    assert found["jobQueueName"] == name
    assert found["jobQueueArn"] == arn("job-queue", name)
    assert found["state"] == "ENABLED"
    assert found["status"] == "VALID"
    assert found["statusReason"] == "JobQueue Healthy"
    assert found["priority"] == 7
    assert found["tags"] == {"team": "x"}
    assert "schedulingPolicyArn" not in found
    # ARNs, in ascending order, whatever was given.
    assert found["computeEnvironmentOrder"] == [
        {
            "order": 10,
            "computeEnvironment": arn("compute-environment", environment),
        },
        {"order": 20, "computeEnvironment": arn("compute-environment", second)},
    ]


def test_queues_are_found_by_name_and_by_arn_and_unknown_left_out(
    bench, environment
):
    name = bench.queue(environment)
    found = describe(bench.batch, arn("job-queue", name), "unknown")
    assert [q["jobQueueName"] for q in found] == [name]


def test_a_name_is_taken_only_once(bench, environment):
    name = bench.queue(environment)
    bench.refused(
        "create_job_queue",
        "already exists",
        jobQueueName=name,
        priority=1,
        computeEnvironmentOrder=order_of(environment),
    )


@pytest.mark.parametrize("name", ["x" * 129, "", "with space", "-starts"])
def test_a_name_out_of_bounds_is_refused(bench, environment, name):
    bench.refused(
        "create_job_queue",
        ["name"],
        jobQueueName=name,
        priority=1,
        computeEnvironmentOrder=order_of(environment),
    )


def test_an_unknown_environment_is_refused_by_name(bench):
    bench.refused(
        "create_job_queue",
        ["nowhere"],
        jobQueueName=unique("queue"),
        priority=1,
        computeEnvironmentOrder=order_of("nowhere"),
    )


def test_a_queue_has_one_to_three_environments(bench, environment):
    others = [bench.environment(1) for _ in range(3)]
    bench.refused(
        "create_job_queue",
        ["computeEnvironmentOrder"],
        jobQueueName=unique("queue"),
        priority=1,
        computeEnvironmentOrder=order_of(environment, *others),
    )
    bench.refused(
        "create_job_queue",
        ["computeEnvironmentOrder"],
        jobQueueName=unique("queue"),
        priority=1,
        computeEnvironmentOrder=[],
    )


def test_priority_zero_is_accepted_and_a_negative_one_refused(
    bench, environment
):
    name = bench.queue(environment, priority=0)
    (found,) = describe(bench.batch, name)
    assert found["priority"] == 0
    bench.refused(
        "create_job_queue",
        ["priority"],
        jobQueueName=unique("queue"),
        priority=-1,
        computeEnvironmentOrder=order_of(environment),
    )


def test_an_unknown_state_is_refused(bench, environment):
    bench.refused(
        "create_job_queue",
        ["state", "MAYBE"],
        jobQueueName=unique("queue"),
        priority=1,
        state="MAYBE",
        computeEnvironmentOrder=order_of(environment),
    )


def test_update_replaces_what_is_given_and_keeps_the_rest(bench, environment):
    second = bench.environment(1)
    name = bench.queue(environment, priority=1, tags={"k": "v"})
    answer = bench.batch.update_job_queue(
        jobQueue=name,
        priority=9,
        computeEnvironmentOrder=order_of(second, environment),
    )
    assert answer["jobQueueName"] == name
    assert answer["jobQueueArn"] == arn("job-queue", name)
    (found,) = describe(bench.batch, name)
    assert found["state"] == "ENABLED"
    assert found["priority"] == 9
    assert found["tags"] == {"k": "v"}
    assert [
        e["computeEnvironment"] for e in found["computeEnvironmentOrder"]
    ] == [
        arn("compute-environment", second),
        arn("compute-environment", environment),
    ]


def test_update_of_an_unknown_queue_is_refused(bench):
    bench.refused(
        "update_job_queue", "does not exist", jobQueue="nowhere", priority=1
    )


def test_a_disabled_queue_takes_no_jobs_and_runs_those_it_has(bench, gate):
    name = bench.slots(1)
    running = bench.submit(name, gate.hold)
    bench.wait_status(running, "RUNNING")
    waiting = bench.submit(name, "exit 0")
    bench.batch.update_job_queue(jobQueue=name, state="DISABLED")
    bench.refused(
        "submit_job",
        ["DISABLED"],
        jobName="late",
        jobQueue=name,
        jobDefinition=bench.definition(),
    )
    gate.open()
    bench.wait_all([running, waiting], "SUCCEEDED")
    bench.batch.update_job_queue(jobQueue=name, state="ENABLED")
    bench.run(name, "exit 0")


def test_a_disabled_environment_starts_nothing_new(bench, gate):
    environment = bench.environment(2)
    name = bench.queue(environment)
    running = bench.submit(name, gate.hold)
    bench.wait_status(running, "RUNNING")
    bench.batch.update_compute_environment(
        computeEnvironment=environment, state="DISABLED"
    )
    waiting = bench.submit(name, "exit 0")
    bench.wait_status(waiting, "RUNNABLE")
    gate.open()
    bench.wait_succeeded(running)
    # Its slot is free and the job still waits.
    assert bench.status(waiting) == "RUNNABLE"
    bench.batch.update_compute_environment(
        computeEnvironment=environment, state="ENABLED"
    )
    bench.wait_succeeded(waiting)


def test_an_enabled_queue_cannot_be_deleted(bench, environment):
    name = bench.queue(environment)
    bench.refused("delete_job_queue", ["DISABLED"], jobQueue=name)


def test_a_deleted_queue_ends_its_jobs_and_disappears(bench, gate):
    environment = bench.environment(1)
    name = bench.queue(environment)
    running = bench.submit(name, gate.hold)
    bench.wait_status(running, "RUNNING")
    waiting = bench.submit(name, "exit 0")
    bench.batch.update_job_queue(jobQueue=name, state="DISABLED")
    bench.batch.delete_job_queue(jobQueue=arn("job-queue", name))
    jobs = bench.wait_all([running, waiting], "FAILED")
    assert jobs[1]["attempts"] == []

    def gone():
        found = describe(bench.batch, name)
        return not found or found[0]["status"] == "DELETED"

    wait_for(gone)
    # Nothing refers to the environment any more, and the name is free.
    bench.queue(environment, name=name)
    bench.run(name, "exit 0")


def test_a_snapshot_shows_the_front_of_the_queue_in_order(bench, gate):
    name = bench.slots(1)
    before = int(time.time() * 1000)
    running = bench.submit(name, gate.hold)
    bench.wait_status(running, "RUNNING")
    waiting = [bench.submit(name, "exit 0") for _ in range(3)]
    bench.wait_all(waiting, "RUNNABLE")
    answer = bench.batch.get_job_queue_snapshot(jobQueue=name)
    front = answer["frontOfQueue"]
    assert [j["jobArn"] for j in front["jobs"]] == [
        arn("job", job) for job in waiting
    ]
    for job in front["jobs"]:
        assert before - 60_000 < job["earliestTimeAtPosition"]
        assert job["earliestTimeAtPosition"] <= front["lastUpdatedAt"]
    used = answer["queueUtilization"]["totalCapacityUsage"]
    assert used == [{"capacityUnit": "VCPU", "quantity": 1.0}]
    gate.open()
    bench.wait_all([running, *waiting], "SUCCEEDED")


def test_a_snapshot_of_an_empty_queue_is_an_empty_list(bench, environment):
    name = bench.queue(environment)
    answer = bench.batch.get_job_queue_snapshot(jobQueue=arn("job-queue", name))
    assert answer["frontOfQueue"]["jobs"] == []
    assert answer["frontOfQueue"]["lastUpdatedAt"] > 0


def test_a_snapshot_shows_at_most_a_hundred_jobs(bench, gate):
    name = bench.slots(1)
    running = bench.submit(name, gate.hold)
    bench.wait_status(running, "RUNNING")
    array = bench.submit(name, "exit 0", arrayProperties={"size": 150})

    def front():
        answer = bench.batch.get_job_queue_snapshot(jobQueue=name)
        return answer["frontOfQueue"]["jobs"]

    wait_for(lambda: len(front()) == 100)
    assert [j["jobArn"] for j in front()] == [
        arn("job", f"{array}:{index}") for index in range(100)
    ]
    bench.batch.terminate_job(jobId=array, reason="seen enough")
    gate.open()
    bench.wait_failed(array)


def test_a_snapshot_of_an_unknown_queue_is_refused(bench):
    bench.refused("get_job_queue_snapshot", ["nowhere"], jobQueue="nowhere")


@pytest.mark.parametrize(
    "field, value",
    [
        (
            "schedulingPolicyArn",
            "arn:aws:batch:us-east-1:123456789012:scheduling-policy/fair",
        ),
        (
            "jobStateTimeLimitActions",
            [
                {
                    "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
                    "state": "RUNNABLE",
                    "maxTimeSeconds": 600,
                    "action": "CANCEL",
                }
            ],
        ),
        (
            "serviceEnvironmentOrder",
            [{"order": 1, "serviceEnvironment": "training"}],
        ),
    ],
)
def test_what_berth_cannot_do_yet_is_refused_by_name(
    bench, environment, field, value
):
    bench.refused(
        "create_job_queue",
        [field],
        jobQueueName=unique("queue"),
        priority=1,
        computeEnvironmentOrder=order_of(environment),
        **{field: value},
    )
    name = bench.queue(environment)
    bench.refused(
        "update_job_queue", [field], jobQueue=name, **{field: value}
    )

"""What DescribeJobs says of a job: times, reasons, exit codes, containers."""

import time

import pytest

from berth_server import arn
from workbench import MESSAGE_OF_EXIT, needs_of, pairs, shell, unique, unpaired


def test_a_succeeded_job_has_every_field(bench, queue):
    before = int(time.time() * 1000)
    name = unique("calc")
    bench.definition(name=name)
    definition = bench.definition(
        shell("echo Ref::n"),
        name=name,
        memory=512,
        platformCapabilities=["EC2"],
    )
    assert definition == f"{name}:2"
    answer = bench.batch.submit_job(
        jobName="sum",
        jobQueue=queue,
        jobDefinition=name,
        parameters={"n": "5"},
        containerOverrides={
            "environment": pairs({"MODE": "fast"}),
            "resourceRequirements": [{"type": "VCPU", "value": "2"}],
        },
        retryStrategy={"attempts": 2},
        timeout={"attemptDurationSeconds": 600},
        tags={"team": "x"},
    )
    job = bench.wait_succeeded(answer["jobId"])
    after = int(time.time() * 1000)

    assert job["jobArn"] == answer["jobArn"]
    assert job["jobName"] == "sum"
    assert job["jobQueue"] == arn("job-queue", queue)
    assert job["jobDefinition"] == arn("job-definition", definition)
    assert job["statusReason"] == MESSAGE_OF_EXIT
    assert job["createdAt"] <= job["startedAt"] <= job["stoppedAt"]
    # Clocks of the server may differ from ours by rounding alone.
    assert before - 1000 < job["createdAt"]
    assert job["stoppedAt"] < after + 1000
    assert job["dependsOn"] == []
    assert job["parameters"] == {"n": "5"}
    assert job["tags"] == {"team": "x"}
    assert job["retryStrategy"] == {"attempts": 2, "evaluateOnExit": []}
    assert job["timeout"] == {"attemptDurationSeconds": 600}
    assert job["propagateTags"] is False
    assert job["platformCapabilities"] == ["EC2"]
    assert job["isCancelled"] is False
    assert job["isTerminated"] is False
    assert "arrayProperties" not in job
    assert "nodeProperties" not in job

    container = job["container"]
    assert container["image"] == "busybox"
    assert container["command"] == ["/bin/sh", "-c", "echo 5"]
    assert unpaired(container["environment"]) == {"MODE": "fast"}
    assert needs_of(container) == {"VCPU": "2", "MEMORY": "512"}
    for member in [
        "volumes",
        "mountPoints",
        "ulimits",
        "secrets",
        "networkInterfaces",
    ]:
        assert container[member] == [], member
    assert container["exitCode"] == 0
    assert "reason" not in container
    assert container["taskArn"].startswith("arn:aws:ecs:us-east-1:")
    assert ":task/" in container["taskArn"]
    assert ":container-instance/" in container["containerInstanceArn"]
    assert container["logStreamName"] == f"{name}/default/{job['jobId']}"

    (attempt,) = job["attempts"]
    assert attempt["startedAt"] == job["startedAt"]
    assert attempt["stoppedAt"] == job["stoppedAt"]
    assert attempt["statusReason"] == MESSAGE_OF_EXIT
    of_attempt = attempt["container"]
    assert of_attempt["exitCode"] == 0
    assert of_attempt["networkInterfaces"] == []
    for member in ["taskArn", "containerInstanceArn", "logStreamName"]:
        assert of_attempt[member] == container[member], member


def test_a_running_job_has_started_and_not_stopped(bench, queue, gate):
    job = bench.submit(queue, gate.hold)
    found = bench.wait_status(job, "RUNNING")
    assert found["startedAt"] >= found["createdAt"] > 0
    assert not found.get("stoppedAt")
    assert found["attempts"] == []
    assert "exitCode" not in found["container"]
    assert found["container"]["logStreamName"].endswith(f"/default/{job}")
    gate.open()
    bench.wait_succeeded(job)


def test_a_waiting_job_has_not_started(bench, gate):
    queue = bench.slots(1)
    bench.wait_status(bench.submit(queue, gate.hold), "RUNNING")
    waiting = bench.submit(queue, "exit 0")
    found = bench.wait_status(waiting, "RUNNABLE")
    assert found["startedAt"] == 0
    assert not found.get("stoppedAt")
    assert found["attempts"] == []
    gate.open()
    bench.wait_succeeded(waiting)


@pytest.mark.parametrize("code", [1, 2, 77, 255])
def test_an_exit_code_other_than_0_fails_the_job(bench, queue, code):
    job = bench.wait_failed(bench.submit(queue, f"exit {code}"))
    assert job["container"]["exitCode"] == code
    assert job["attempts"][0]["container"]["exitCode"] == code
    assert job["statusReason"] == MESSAGE_OF_EXIT
    assert job["attempts"][0]["statusReason"] == MESSAGE_OF_EXIT
    assert job["isTerminated"] is False


@pytest.mark.parametrize(
    "signal, code", [("TERM", 143), ("KILL", 137), ("SEGV", 139), ("INT", 130)]
)
def test_a_signal_is_told_as_128_and_its_number(bench, queue, signal, code):
    job = bench.wait_failed(bench.submit(queue, f"kill -{signal} $$"))
    assert job["container"]["exitCode"] == code
    assert job["statusReason"] == MESSAGE_OF_EXIT


def test_a_command_that_is_not_found_fails_to_start(bench, queue):
    command = ["no-such-program", "--flag"]
    job = bench.wait_failed(bench.submit(queue, command))
    assert job["statusReason"] == "Task failed to start"
    reason = job["container"]["reason"]
    assert reason.startswith("CannotStartContainerError:")
    assert "no-such-program" in reason
    assert "executable file not found in $PATH" in reason
    assert "exitCode" not in job["container"]
    (attempt,) = job["attempts"]
    assert attempt["statusReason"] == "Task failed to start"
    assert attempt["container"]["reason"] == reason
    assert "exitCode" not in attempt["container"]
    assert not attempt.get("startedAt")
    assert not job["startedAt"]


def test_a_command_that_may_not_be_run_fails_to_start(bench, queue, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o644)
    job = bench.wait_failed(bench.submit(queue, [str(program)]))
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith("CannotStartContainerError:")
    assert "permission denied" in job["container"]["reason"].lower()
    assert "exitCode" not in job["container"]


def test_a_definition_without_a_command_fails_to_start(bench, queue):
    definition = bench.definition(container={"command": None})
    job = bench.wait_failed(bench.submit(queue, definition=definition))
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"]


def test_jobs_are_described_once_in_the_order_asked_and_unknown_left_out(
    bench, queue
):
    definition = bench.definition()
    jobs = [bench.submit(queue, definition=definition) for _ in range(5)]
    asked = [
        jobs[3],
        "00000000-0000-4000-8000-000000000000",
        jobs[0],
        "not an id",
        jobs[4],
        jobs[0],
    ]
    found = bench.batch.describe_jobs(jobs=asked)["jobs"]
    assert [job["jobId"] for job in found] == [jobs[3], jobs[0], jobs[4]]


def test_an_empty_id_is_unknown(bench):
    assert bench.batch.describe_jobs(jobs=[""])["jobs"] == []


def test_a_hundred_ids_are_accepted_and_a_hundred_and_one_refused(bench, queue):
    array = bench.submit(
        queue,
        definition=bench.definition(vcpus=0.25),
        arrayProperties={"size": 101},
    )
    bench.wait_succeeded(array)
    ids = [f"{array}:{index}" for index in range(101)]
    found = bench.batch.describe_jobs(jobs=ids[:100])["jobs"]
    assert [job["jobId"] for job in found] == ids[:100]
    bench.refused(
        "describe_jobs", ["Maximum number of jobs supported is"], jobs=ids
    )


def test_values_of_any_script_survive_the_way(bench, queue):
    text = "naïve 東京 🚢 \\ \" ' \t end"
    job = bench.run(
        queue,
        definition=bench.definition(shell('printf "%s\\n" "$TEXT"')),
        containerOverrides={"environment": pairs({"TEXT": text})},
        tags={"naïve": "東京"},
    )
    assert unpaired(job["container"]["environment"])["TEXT"] == text
    assert job["tags"] == {"naïve": "東京"}
    assert bench.output(job["jobId"]) == [text]

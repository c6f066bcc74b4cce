"""The aws CLI drives all twenty operations."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from waiting import wait_for
from workbench import unique

# Beside the interpreter: the pinned one, not the system's.
AWS = str(Path(sys.executable).with_name("aws"))
DEBIAN_AWS = "/usr/bin/aws"


@pytest.fixture(params=[AWS, DEBIAN_AWS], ids=["pinned", "debian"])
def aws(request, server):
    program = request.param
    assert os.access(program, os.X_OK), f"{program} has to be installed"

    def run(*words, fails=False, **members):
        command = [program, "--endpoint-url", server.url, "--output", "json"]
        command += ["batch", *words]
        for name, value in members.items():
            command.append("--" + name.replace("_", "-"))
            if isinstance(value, list):
                command += value
            elif isinstance(value, dict):
                command.append(json.dumps(value))
            else:
                command.append(str(value))
        done = subprocess.run(
            command,
            env=server.client_environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        if fails:
            assert done.returncode != 0, done.stdout
            return done.stderr
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}

    run.is_debian = program == DEBIAN_AWS
    return run


def order_of(name):
    return [f"order=1,computeEnvironment={name}"]


def test_the_life_of_everything(aws, bench, gate):
    environment, queue = unique("env"), unique("queue")
    definition = unique("def")
    made = aws(
        "create-compute-environment",
        compute_environment_name=environment,
        type="MANAGED",
        compute_resources={
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 1,
            "instanceTypes": ["optimal"],
            "subnets": ["subnet-1"],
            "instanceRole": "role",
        },
    )
    (found,) = aws(
        "describe-compute-environments",
        compute_environments=[made["computeEnvironmentArn"]],
    )["computeEnvironments"]
    assert found["status"] == "VALID"
    aws(
        "create-job-queue",
        job_queue_name=queue,
        priority=1,
        compute_environment_order=order_of(environment),
    )
    aws("update-job-queue", job_queue=queue, priority=5)
    (found,) = aws("describe-job-queues", job_queues=[queue])["jobQueues"]
    assert found["priority"] == 5
    registered = aws(
        "register-job-definition",
        job_definition_name=definition,
        type="container",
        container_properties={
            "image": "busybox",
            "vcpus": 1,
            "memory": 64,
            "command": ["/bin/sh", "-c", gate.hold],
        },
    )
    assert registered["revision"] == 1
    (found,) = aws(
        "describe-job-definitions",
        job_definition_name=definition,
        status="ACTIVE",
    )["jobDefinitions"]
    assert found["jobDefinitionArn"] == registered["jobDefinitionArn"]

    def submit(name, *words, **members):
        return aws(
            "submit-job",
            *words,
            job_name=name,
            job_queue=queue,
            job_definition=definition,
            **members,
        )

    running = submit("running", tags={"team": "x"})
    waiting = submit("waiting")["jobId"]
    other = submit("other", array_properties={"size": 2})["jobId"]
    job = running["jobId"]

    # Awaited with boto3: every call of the CLI is a process of its own.
    bench.wait_status(job, "RUNNING")
    (found,) = aws("describe-jobs", jobs=[job])["jobs"]
    assert found["status"] == "RUNNING"
    (listed,) = aws("list-jobs", job_queue=queue)["jobSummaryList"]
    assert listed["jobId"] == job
    if not aws.is_debian:  # Its model has no snapshots yet.
        front = aws("get-job-queue-snapshot", job_queue=queue)["frontOfQueue"]
        assert front["jobs"][0]["jobArn"].endswith(waiting)
    arn = running["jobArn"]
    aws("tag-resource", resource_arn=arn, tags={"more": "y"})
    aws("untag-resource", resource_arn=arn, tag_keys=["team"])
    tags = aws("list-tags-for-resource", resource_arn=arn)["tags"]
    assert tags == {"more": "y"}
    aws("cancel-job", job_id=waiting, reason="not needed")
    bench.wait_failed(waiting)
    aws("terminate-job", job_id=other, reason="not needed")
    bench.wait_failed(other)
    gate.open()
    bench.wait_succeeded(job)
    aws("deregister-job-definition", job_definition=f"{definition}:1")
    aws("update-job-queue", job_queue=queue, state="DISABLED")
    aws("delete-job-queue", job_queue=queue)
    wait_for(
        lambda: not bench.batch.describe_job_queues(jobQueues=[queue])[
            "jobQueues"
        ]
    )
    aws(
        "update-compute-environment",
        compute_environment=environment,
        state="DISABLED",
    )
    aws("delete-compute-environment", compute_environment=environment)


def test_errors_are_told(aws):
    text = aws("update-job-queue", job_queue="nowhere", fails=True)
    assert "ClientException" in text
    assert "does not exist" in text


def test_listings_are_paged_by_the_cli_itself(aws, bench):
    queue = bench.slots(8)
    array = bench.submit(
        queue, "exit 0", vcpus=0.5, arrayProperties={"size": 12}
    )
    bench.wait_succeeded(array)
    found = aws(
        "list-jobs",
        array_job_id=array,
        job_status="SUCCEEDED",
        page_size=5,
    )
    assert len(found["jobSummaryList"]) == 12

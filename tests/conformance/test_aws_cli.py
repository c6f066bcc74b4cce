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


# Every call of the CLI is a process of its own, a second or more of a core: a
# case makes the calls that it is about and leaves the rest to boto3.


def test_the_life_of_an_environment(aws):
    name = unique("env")
    made = aws(
        "create-compute-environment",
        compute_environment_name=name,
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
        "update-compute-environment",
        compute_environment=name,
        state="DISABLED",
    )
    aws("delete-compute-environment", compute_environment=name)


def test_the_life_of_a_queue(aws, bench):
    queue = unique("queue")
    aws(
        "create-job-queue",
        job_queue_name=queue,
        priority=1,
        compute_environment_order=order_of(bench.environment()),
    )
    aws("update-job-queue", job_queue=queue, priority=5)
    (found,) = aws("describe-job-queues", job_queues=[queue])["jobQueues"]
    assert found["priority"] == 5
    aws("update-job-queue", job_queue=queue, state="DISABLED")
    aws("delete-job-queue", job_queue=queue)
    wait_for(
        lambda: not bench.batch.describe_job_queues(jobQueues=[queue])[
            "jobQueues"
        ]
    )


def test_the_life_of_a_definition(aws, bench, queue):
    name = unique("def")
    registered = aws(
        "register-job-definition",
        job_definition_name=name,
        type="container",
        container_properties={
            "image": "busybox",
            "vcpus": 1,
            "memory": 64,
            "command": ["/bin/sh", "-c", "exit 0"],
        },
    )
    assert registered["revision"] == 1
    (found,) = aws(
        "describe-job-definitions",
        job_definition_name=name,
        status="ACTIVE",
    )["jobDefinitions"]
    assert found["jobDefinitionArn"] == registered["jobDefinitionArn"]
    job = bench.submit(queue, definition=name)
    bench.wait_succeeded(job)
    aws("deregister-job-definition", job_definition=f"{name}:1")


class Jobs:
    """A queue with room for one job, and a definition that holds the gate."""

    def __init__(self, aws, bench, gate):
        self.aws = aws
        self.queue = bench.slots(1)
        self.definition = bench.definition(["/bin/sh", "-c", gate.hold])

    def submit(self, name, **members):
        return self.aws(
            "submit-job",
            job_name=name,
            job_queue=self.queue,
            job_definition=self.definition,
            **members,
        )


def test_jobs_are_submitted_described_and_listed(aws, bench, gate):
    jobs = Jobs(aws, bench, gate)
    job = jobs.submit("running")["jobId"]
    waiting = jobs.submit("waiting")["jobId"]
    bench.wait_status(job, "RUNNING")
    (found,) = aws("describe-jobs", jobs=[job])["jobs"]
    assert found["status"] == "RUNNING"
    (listed,) = aws("list-jobs", job_queue=jobs.queue)["jobSummaryList"]
    assert listed["jobId"] == job
    if not aws.is_debian:  # Its model has no snapshots yet.
        front = aws("get-job-queue-snapshot", job_queue=jobs.queue)
        first = front["frontOfQueue"]["jobs"][0]
        assert first["jobArn"].endswith(waiting)
    gate.open()
    bench.wait_succeeded(job)


def test_jobs_are_tagged(aws, bench, gate):
    arn = Jobs(aws, bench, gate).submit("tagged", tags={"team": "x"})["jobArn"]
    aws("tag-resource", resource_arn=arn, tags={"more": "y"})
    aws("untag-resource", resource_arn=arn, tag_keys=["team"])
    tags = aws("list-tags-for-resource", resource_arn=arn)["tags"]
    assert tags == {"more": "y"}


def test_jobs_are_cancelled_and_terminated(aws, bench, gate):
    jobs = Jobs(aws, bench, gate)
    bench.submit(jobs.queue, definition=jobs.definition)
    waiting = jobs.submit("waiting")["jobId"]
    other = jobs.submit("other", array_properties={"size": 2})["jobId"]
    aws("cancel-job", job_id=waiting, reason="not needed")
    bench.wait_failed(waiting)
    aws("terminate-job", job_id=other, reason="not needed")
    bench.wait_failed(other)


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

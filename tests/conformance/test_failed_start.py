"""A start that fails, as the JavaScript SDK sees it: a definition with all its
packaging, a queue, listJobs and describeJobs."""

import getpass

import pytest

from berth_server import arn
from workbench import unique

COMMAND = ["--batch-threads", "16", "nf", "md", "-d", "/efs/batchtest"]
NAMES = ["efs", "scratch", "opt", "ssh", "aws"]
PLACES = [
    "/efs",
    "/scratch",
    "/opt",
    "/home/ec2-user/.ssh",
    "/home/ec2-user/.aws",
]
VOLUMES = [
    {"host": {"sourcePath": place}, "name": name}
    for name, place in zip(NAMES, PLACES)
]
MOUNT_POINTS = [
    {"containerPath": place, "sourceVolume": name}
    for name, place in zip(NAMES, PLACES)
]
ENVIRONMENT = [
    {"name": "PYTHONPATH", "value": "/efs/release/max:${PYTHONPATH}"}
]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/generic:latest"
ROLE = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"


@pytest.fixture(scope="module")
def made(js_call, bench):
    """(queue, definition's name, answer of submitJob)"""
    environment = bench.environment(4)
    queue, generic = unique("nf"), unique("generic")
    js_call(
        "CreateJobQueue",
        jobQueueName=queue,
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[
            {"order": 1, "computeEnvironment": environment}
        ],
    )
    for revision in range(1, 8):
        answer = js_call(
            "RegisterJobDefinition",
            jobDefinitionName=generic,
            type="container",
            containerProperties={
                "image": IMAGE,
                "vcpus": 1,
                "memory": 1024,
                "command": COMMAND,
                "jobRoleArn": ROLE,
                "volumes": VOLUMES,
                "environment": ENVIRONMENT,
                "mountPoints": MOUNT_POINTS,
                "privileged": True,
                "user": getpass.getuser(),
            },
        )
        assert answer["revision"] == revision
    answer = js_call(
        "SubmitJob",
        jobName="temp_OTCUROOR36YMY3A5",
        jobQueue=queue,
        jobDefinition=generic,
    )
    bench.wait_failed(answer["jobId"])
    return queue, generic, answer


def test_definition_example(js_call, made):
    _, generic, _ = made
    found = js_call(
        "DescribeJobDefinitions", jobDefinitionName=generic, status="ACTIVE"
    )["jobDefinitions"]
    assert sorted(d["revision"] for d in found) == list(range(1, 8))
    newest = max(found, key=lambda d: d["revision"])
    container = newest["containerProperties"]
    assert container["image"] == IMAGE
    assert container["vcpus"] == 1
    assert container["memory"] == 1024
    assert container["command"] == COMMAND
    assert container["jobRoleArn"] == ROLE
    assert container["volumes"] == VOLUMES
    assert container["mountPoints"] == MOUNT_POINTS
    assert container["environment"] == ENVIRONMENT
    assert container["privileged"] is True
    assert container["user"] == getpass.getuser()


def test_queue_example(js_call, made):
    queue, _, _ = made
    (found,) = js_call("DescribeJobQueues", jobQueues=[queue])["jobQueues"]
    assert found["jobQueueName"] == queue
    assert found["state"] == "ENABLED"
    assert found["status"] == "VALID"
    assert found["priority"] == 1


def assert_reason(reason):
    assert reason.startswith("CannotStartContainerError: ")
    assert "--batch-threads" in reason
    assert "executable file not found in $PATH" in reason


def test_list_jobs_example(js, made):
    queue, generic, submitted = made
    (job,) = js("failed_jobs.mjs", queue)["listed"]["jobSummaryList"]
    assert job["jobId"] == submitted["jobId"]
    assert job["jobArn"] == submitted["jobArn"]
    assert job["jobName"] == "temp_OTCUROOR36YMY3A5"
    assert job["jobDefinition"] == arn("job-definition", f"{generic}:7")
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Task failed to start"
    assert job["createdAt"] <= job["stoppedAt"]
    assert "startedAt" not in job
    assert_reason(job["container"]["reason"])
    assert "exitCode" not in job["container"]


def test_describe_jobs_example(js, made):
    queue, generic, submitted = made
    (job,) = js("failed_jobs.mjs", queue)["described"]["jobs"]
    job_id = submitted["jobId"]
    assert job["jobName"] == "temp_OTCUROOR36YMY3A5"
    assert job["jobId"] == job_id
    assert job["jobQueue"] == arn("job-queue", queue)
    assert job["jobDefinition"] == arn("job-definition", f"{generic}:7")
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Task failed to start"
    assert job["createdAt"] <= job["stoppedAt"]
    assert job["retryStrategy"]["attempts"] == 1
    assert job["dependsOn"] == []
    assert job["parameters"] == {}

    (attempt,) = job["attempts"]
    assert attempt["statusReason"] == "Task failed to start"
    assert attempt["stoppedAt"] == job["stoppedAt"]
    for container in (job["container"], attempt["container"]):
        assert container["containerInstanceArn"].startswith(
            "arn:aws:ecs:us-east-1:123456789012:container-instance/"
        )
        assert container["taskArn"].startswith(
            "arn:aws:ecs:us-east-1:123456789012:task/"
        )
        assert_reason(container["reason"])
        assert container["logStreamName"] == f"{generic}/default/{job_id}"
        assert container["networkInterfaces"] == []
        assert "exitCode" not in container

    container = job["container"]
    assert container["image"] == IMAGE
    assert container["vcpus"] == 1
    assert container["memory"] == 1024
    assert container["command"] == COMMAND
    assert container["jobRoleArn"] == ROLE
    assert container["volumes"] == VOLUMES
    assert container["environment"] == ENVIRONMENT
    assert container["mountPoints"] == MOUNT_POINTS
    assert container["ulimits"] == []
    assert container["privileged"] is True
    assert container["user"] == getpass.getuser()


def test_errors_are_typed_exceptions_in_javascript_too(js):
    result = js("call.mjs", "UpdateJobQueue", stdin={"jobQueue": "nowhere"})
    error = result["error"]
    assert error["name"] == "ClientException"
    assert error["isClientException"] is True
    assert error["status"] == 400
    assert error["fault"] == "client"
    assert "does not exist" in error["message"]


def test_every_kind_of_answer_is_understood_by_the_javascript_sdk(
    js_call, bench, made
):
    queue, generic, submitted = made
    snapshot = js_call("GetJobQueueSnapshot", jobQueue=queue)
    assert snapshot["frontOfQueue"]["jobs"] == []
    js_call(
        "TagResource", resourceArn=submitted["jobArn"], tags={"team": "x"}
    )
    tags = js_call("ListTagsForResource", resourceArn=submitted["jobArn"])
    assert tags["tags"] == {"team": "x"}
    js_call(
        "UntagResource", resourceArn=submitted["jobArn"], tagKeys=["team"]
    )
    tags = js_call("ListTagsForResource", resourceArn=submitted["jobArn"])
    assert tags["tags"] == {}
    js_call("CancelJob", jobId=submitted["jobId"], reason="late")
    js_call("TerminateJob", jobId=submitted["jobId"], reason="late")
    js_call("DeregisterJobDefinition", jobDefinition=f"{generic}:1")
    array = js_call(
        "SubmitJob",
        jobName="array",
        jobQueue=queue,
        jobDefinition=bench.definition(),
        arrayProperties={"size": 2},
    )["jobId"]
    bench.wait_succeeded(array)
    (job,) = js_call("DescribeJobs", jobs=[array])["jobs"]
    assert job["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 2
    environments = js_call("DescribeComputeEnvironments", maxResults=1)
    assert len(environments["computeEnvironments"]) == 1

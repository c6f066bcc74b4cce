"""Compute environments: create, describe, update, delete."""

import pytest

from berth_server import arn
from waiting import wait_for
from workbench import unique

RESOURCES = {
    "type": "EC2",
    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
    "minvCpus": 0,
    "maxvCpus": 4,
    "desiredvCpus": 0,
    "instanceTypes": ["optimal", "m5"],
    "subnets": ["subnet-1", "subnet-2"],
    "securityGroupIds": ["sg-1"],
    "ec2KeyPair": "pair",
    "instanceRole": "ecsInstanceRole",
    "tags": {"Name": "instance"},
}
ROLE = "arn:aws:iam::123456789012:role/service-role/AWSBatchServiceRole"


def describe(batch, *names):
    return batch.describe_compute_environments(
        computeEnvironments=list(names)
    )["computeEnvironments"]


def create(batch, name=None, **extra):
    name = name or unique("env")
    request = {"type": "MANAGED", "computeResources": RESOURCES, **extra}
    return batch.create_compute_environment(
        computeEnvironmentName=name,
        **{k: v for k, v in request.items() if v is not None},
    )


def disable_and_delete(batch, name):
    batch.update_compute_environment(
        computeEnvironment=name, state="DISABLED"
    )
    batch.delete_compute_environment(computeEnvironment=name)


def test_create_answers_name_and_arn(batch):
    answer = create(batch, "made-once")
    assert answer["computeEnvironmentName"] == "made-once"
    assert answer["computeEnvironmentArn"] == arn(
        "compute-environment", "made-once"
    )
    assert answer["ResponseMetadata"]["RequestId"]


def test_a_new_environment_is_valid_at_once_and_read_back_as_given(batch):
    name = create(batch, serviceRole=ROLE, tags={"team": "x"})[
        "computeEnvironmentName"
    ]
    (found,) = describe(batch, name)
    assert found["computeEnvironmentName"] == name
    assert found["computeEnvironmentArn"] == arn("compute-environment", name)
    assert found["type"] == "MANAGED"
    assert found["state"] == "ENABLED"
    assert found["status"] == "VALID"
    assert found["statusReason"] == "ComputeEnvironment Healthy"
    assert found["serviceRole"] == ROLE
    assert found["tags"] == {"team": "x"}
    assert found["containerOrchestrationType"] == "ECS"
    assert found["ecsClusterArn"].startswith("arn:aws:ecs:us-east-1:")
    resources = found["computeResources"]
    for key, value in RESOURCES.items():
        assert resources[key] == value, key


def test_environments_are_found_by_name_and_by_arn_and_unknown_left_out(batch):
    name = create(batch)["computeEnvironmentName"]
    by_arn = describe(batch, arn("compute-environment", name), "unknown")
    assert [e["computeEnvironmentName"] for e in by_arn] == [name]
    other_account = arn("compute-environment", name).replace(
        "123456789012", "999999999999"
    )
    other_region = arn("compute-environment", name).replace(
        "us-east-1", "eu-west-1"
    )
    assert describe(batch, other_account, other_region) == []


def test_a_name_is_taken_only_once(bench):
    name = create(bench.batch)["computeEnvironmentName"]
    bench.refused(
        "create_compute_environment",
        "already exists",
        computeEnvironmentName=name,
        type="MANAGED",
        computeResources=RESOURCES,
    )


@pytest.mark.parametrize(
    "name", ["x" * 129, "", "with space", "-starts", "_starts", "dot.ted", "ä"]
)
def test_a_name_out_of_bounds_is_refused(bench, name):
    bench.refused(
        "create_compute_environment",
        ["name"],
        computeEnvironmentName=name,
        type="MANAGED",
        computeResources=RESOURCES,
    )


def test_a_name_of_128_characters_is_accepted(batch):
    name = unique("e").ljust(128, "x")
    create(batch, name)
    assert len(describe(batch, name)) == 1


def test_a_managed_environment_needs_its_resources(bench):
    bench.refused(
        "create_compute_environment",
        ["computeResources"],
        computeEnvironmentName=unique("env"),
        type="MANAGED",
    )


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"maxvCpus": -1}, "maxvCpus"),
        ({"minvCpus": -1}, "minvCpus"),
        ({"minvCpus": 8, "maxvCpus": 4}, "vCpus"),
        ({"type": "JUNK"}, "JUNK"),
    ],
)
def test_resources_out_of_bounds_are_refused_by_name(bench, changes, word):
    bench.refused(
        "create_compute_environment",
        [word],
        computeEnvironmentName=unique("env"),
        type="MANAGED",
        computeResources={**RESOURCES, **changes},
    )


@pytest.mark.parametrize(
    "field, value", [("type", "JUNK"), ("state", "MAYBE")]
)
def test_unknown_enumeration_values_are_refused(bench, field, value):
    request = {"type": "MANAGED", "computeResources": RESOURCES, field: value}
    bench.refused(
        "create_compute_environment",
        [field, value],
        computeEnvironmentName=unique("env"),
        **request,
    )


def test_an_unmanaged_environment_is_kept_and_runs_jobs(bench):
    name = create(
        bench.batch,
        type="UNMANAGED",
        computeResources=None,
        serviceRole=ROLE,
        unmanagedvCpus=4,
    )["computeEnvironmentName"]
    (found,) = describe(bench.batch, name)
    assert found["type"] == "UNMANAGED"
    assert found["status"] == "VALID"
    assert found["unmanagedvCpus"] == 4
    bench.run(bench.queue(name), "exit 0")


def test_update_replaces_what_is_given_and_keeps_the_rest(batch):
    name = create(batch, serviceRole=ROLE)["computeEnvironmentName"]
    answer = batch.update_compute_environment(
        computeEnvironment=name,
        state="DISABLED",
        computeResources={"maxvCpus": 16, "securityGroupIds": ["sg-9"]},
        updatePolicy={
            "terminateJobsOnUpdate": True,
            "jobExecutionTimeoutMinutes": 5,
        },
    )
    assert answer["computeEnvironmentName"] == name
    assert answer["computeEnvironmentArn"] == arn("compute-environment", name)
    (found,) = describe(batch, name)
    assert found["state"] == "DISABLED"
    assert found["status"] == "VALID"
    assert found["serviceRole"] == ROLE
    assert found["updatePolicy"] == {
        "terminateJobsOnUpdate": True,
        "jobExecutionTimeoutMinutes": 5,
    }
    assert found["computeResources"]["maxvCpus"] == 16
    assert found["computeResources"]["securityGroupIds"] == ["sg-9"]
    assert found["computeResources"]["subnets"] == RESOURCES["subnets"]
    assert found["computeResources"]["minvCpus"] == 0


def test_update_of_an_unknown_environment_is_refused(bench):
    bench.refused(
        "update_compute_environment",
        "compute-environment/nowhere does not exist",
        computeEnvironment="nowhere",
        state="DISABLED",
    )


def test_an_environment_with_more_room_lets_a_waiting_job_start(bench, gate):
    environment = bench.environment(1)
    queue = bench.queue(environment)
    first = bench.submit(queue, gate.hold)
    bench.wait_status(first, "RUNNING")
    second = bench.submit(queue, gate.hold)
    bench.wait_status(second, "RUNNABLE")
    bench.batch.update_compute_environment(
        computeEnvironment=environment, computeResources={"maxvCpus": 2}
    )
    bench.wait_status(second, "RUNNING")
    gate.open()
    bench.wait_all([first, second], "SUCCEEDED")


def test_a_managed_environment_reports_the_vcpus_that_its_jobs_want(
    bench, gate
):
    environment = bench.environment(4)
    queue = bench.queue(environment)
    jobs = [bench.submit(queue, gate.hold) for _ in range(3)]
    bench.wait_all(jobs, "RUNNING")

    def desired():
        (found,) = describe(bench.batch, environment)
        return found["computeResources"]["desiredvCpus"]

    wait_for(lambda: desired() == 3, what=desired)
    gate.open()
    bench.wait_all(jobs, "SUCCEEDED")


def test_an_enabled_environment_cannot_be_deleted(bench):
    name = create(bench.batch)["computeEnvironmentName"]
    bench.refused(
        "delete_compute_environment", ["DISABLED"], computeEnvironment=name
    )


def test_an_environment_of_a_queue_cannot_be_deleted(bench):
    name = bench.environment(1)
    bench.queue(name)
    bench.batch.update_compute_environment(
        computeEnvironment=name, state="DISABLED"
    )
    bench.refused(
        "delete_compute_environment",
        "found existing JobQueue relationship",
        computeEnvironment=name,
    )


def test_a_deleted_environment_disappears_and_its_name_is_free_again(batch):
    name = create(batch)["computeEnvironmentName"]
    disable_and_delete(batch, arn("compute-environment", name))

    def gone():
        found = describe(batch, name)
        return not found or found[0]["status"] == "DELETED"

    wait_for(gone)
    create(batch, name)
    (found,) = describe(batch, name)
    assert found["status"] == "VALID"
    assert found["state"] == "ENABLED"


def test_fields_that_do_not_concern_berth_are_echoed(batch):
    extras = {
        "imageId": "ami-1",
        "placementGroup": "group",
        "bidPercentage": 60,
        "spotIamFleetRole": "arn:aws:iam::123456789012:role/fleet",
        "launchTemplate": {"launchTemplateId": "lt-1", "version": "$Latest"},
        "ec2Configuration": [{"imageType": "ECS_AL2023"}],
    }
    name = create(
        batch, computeResources={**RESOURCES, "type": "SPOT", **extras}
    )["computeEnvironmentName"]
    (found,) = describe(batch, name)
    assert found["computeResources"]["type"] == "SPOT"
    for key, value in extras.items():
        assert found["computeResources"][key] == value, key


def test_eks_environments_are_refused_by_name(bench):
    bench.refused(
        "create_compute_environment",
        ["eks"],
        computeEnvironmentName=unique("env"),
        type="MANAGED",
        computeResources=RESOURCES,
        eksConfiguration={
            "eksClusterArn": "arn:aws:eks:us-east-1:123456789012:cluster/c",
            "kubernetesNamespace": "ns",
        },
    )

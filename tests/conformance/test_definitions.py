"""Job definitions: register, describe, deregister, normalisation."""

import pytest

from berth_server import arn
from workbench import needs, pairs, unique


def describe(batch, **request):
    return batch.describe_job_definitions(**request)["jobDefinitions"]


def one(batch, definition):
    (found,) = describe(batch, jobDefinitions=[definition])
    return found


CONTAINER = {
    "image": "busybox",
    "command": ["true"],
    "resourceRequirements": needs(1, 64),
}


def test_register_answers_name_arn_and_the_first_revision(batch):
    name = unique("def")
    answer = batch.register_job_definition(
        jobDefinitionName=name, type="container", containerProperties=CONTAINER
    )
    assert answer["jobDefinitionName"] == name
    assert answer["revision"] == 1
    assert answer["jobDefinitionArn"] == arn("job-definition", f"{name}:1")


def test_the_same_name_again_is_the_next_revision_and_inherits_nothing(bench):
    first = bench.definition(["echo", "1"], parameters={"a": "1"})
    name = first.partition(":")[0]
    assert bench.definition(["echo", "2"], name=name) == f"{name}:2"
    found = one(bench.batch, f"{name}:2")
    assert found["containerProperties"]["command"] == ["echo", "2"]
    assert found["parameters"] == {}


def test_revisions_go_on_after_earlier_ones_were_deregistered(bench):
    name = bench.definition().partition(":")[0]
    bench.batch.deregister_job_definition(jobDefinition=f"{name}:1")
    assert bench.definition(name=name) == f"{name}:2"


def test_deregister_makes_a_revision_inactive_and_keeps_it_readable(bench):
    first = bench.definition()
    name = first.partition(":")[0]
    second = bench.definition(name=name)
    bench.batch.deregister_job_definition(jobDefinition=first)
    assert one(bench.batch, first)["status"] == "INACTIVE"
    assert one(bench.batch, second)["status"] == "ACTIVE"
    active = describe(bench.batch, jobDefinitionName=name, status="ACTIVE")
    assert [d["revision"] for d in active] == [2]
    inactive = describe(bench.batch, jobDefinitionName=name, status="INACTIVE")
    assert [d["revision"] for d in inactive] == [1]
    both = describe(bench.batch, jobDefinitionName=name)
    assert sorted(d["revision"] for d in both) == [1, 2]


def test_deregister_takes_an_arn_and_a_bare_name(bench):
    first = bench.definition()
    name = first.partition(":")[0]
    second = bench.definition(name=name)
    bench.batch.deregister_job_definition(
        jobDefinition=arn("job-definition", first)
    )
    assert one(bench.batch, first)["status"] == "INACTIVE"
    bench.batch.deregister_job_definition(jobDefinition=name)
    assert one(bench.batch, second)["status"] == "INACTIVE"


def test_definitions_are_found_by_arn_and_by_name_with_revision(bench):
    definition = bench.definition()
    found = describe(
        bench.batch,
        jobDefinitions=[arn("job-definition", definition), "unknown:1"],
    )
    assert [d["jobDefinitionArn"] for d in found] == [
        arn("job-definition", definition)
    ]


def test_unset_members_are_read_back_in_aws_words(bench):
    found = one(bench.batch, bench.definition())
    assert found["status"] == "ACTIVE"
    assert found["type"] == "container"
    assert found["parameters"] == {}
    assert found["tags"] == {}
    container = found["containerProperties"]
    for member in [
        "volumes",
        "environment",
        "mountPoints",
        "ulimits",
        "secrets",
    ]:
        assert container[member] == [], member
    assert container["image"] == "busybox"
    assert container["resourceRequirements"] == needs(1, 64)


def test_all_that_was_given_is_read_back(bench):
    definition = bench.definition(
        ["echo", "Ref::word"],
        container={
            "jobRoleArn": "arn:aws:iam::123456789012:role/job",
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "volumes": [{"name": "efs", "host": {"sourcePath": "/efs"}}],
            "mountPoints": [
                {
                    "containerPath": "/efs",
                    "sourceVolume": "efs",
                    "readOnly": False,
                }
            ],
            "environment": pairs({"MODE": "fast"}),
            "privileged": True,
            "readonlyRootFilesystem": False,
            "logConfiguration": {"logDriver": "awslogs"},
            "linuxParameters": {"initProcessEnabled": True},
        },
        parameters={"word": "hello"},
        retryStrategy={"attempts": 3},
        timeout={"attemptDurationSeconds": 90},
        propagateTags=True,
        platformCapabilities=["EC2"],
        schedulingPriority=5,
        tags={"team": "x"},
    )
    found = one(bench.batch, definition)
    assert found["parameters"] == {"word": "hello"}
    assert found["retryStrategy"] == {"attempts": 3, "evaluateOnExit": []}
    assert found["timeout"] == {"attemptDurationSeconds": 90}
    assert found["propagateTags"] is True
    assert found["platformCapabilities"] == ["EC2"]
    assert found["schedulingPriority"] == 5
    assert found["tags"] == {"team": "x"}
    container = found["containerProperties"]
    assert container["command"] == ["echo", "Ref::word"]
    assert container["jobRoleArn"] == "arn:aws:iam::123456789012:role/job"
    assert container["volumes"] == [
        {"name": "efs", "host": {"sourcePath": "/efs"}}
    ]
    assert container["mountPoints"] == [
        {"containerPath": "/efs", "sourceVolume": "efs", "readOnly": False}
    ]
    assert container["environment"] == pairs({"MODE": "fast"})
    assert container["privileged"] is True
    assert container["readonlyRootFilesystem"] is False
    assert container["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {},
        "secretOptions": [],
    }
    assert container["linuxParameters"]["initProcessEnabled"] is True
    assert container["linuxParameters"]["devices"] == []
    assert container["linuxParameters"]["tmpfs"] == []


def test_environment_entries_with_an_empty_value_are_dropped(bench):
    definition = bench.definition(
        container={"environment": pairs({"EMPTY": "", "FULL": "x"})}
    )
    container = one(bench.batch, definition)["containerProperties"]
    assert container["environment"] == pairs({"FULL": "x"})


def test_the_action_of_evaluate_on_exit_is_echoed_in_lower_case(bench):
    rules = [
        {"onExitCode": "1*", "action": "RETRY"},
        {"onReason": "*", "action": "Exit"},
    ]
    definition = bench.definition(
        retryStrategy={"attempts": 2, "evaluateOnExit": rules}
    )
    found = one(bench.batch, definition)["retryStrategy"]
    assert found["evaluateOnExit"] == [
        {"onExitCode": "1*", "action": "retry"},
        {"onReason": "*", "action": "exit"},
    ]


def test_the_old_form_of_vcpus_and_memory_is_kept_as_it_is(bench):
    definition = bench.definition(
        container={"resourceRequirements": None, "vcpus": 2, "memory": 128}
    )
    container = one(bench.batch, definition)["containerProperties"]
    assert container["vcpus"] == 2
    assert container["memory"] == 128
    assert container["resourceRequirements"] == []


@pytest.mark.parametrize("name", ["x" * 129, "", "with space", "-starts"])
def test_a_name_out_of_bounds_is_refused(bench, name):
    bench.refused(
        "register_job_definition",
        ["name"],
        jobDefinitionName=name,
        type="container",
        containerProperties=CONTAINER,
    )


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"resourceRequirements": None}, "vcpu|memory|resourceRequirements"),
        ({"resourceRequirements": needs(1, 3)}, "MEMORY"),
        ({"resourceRequirements": needs(0, 64)}, "VCPU"),
        ({"resourceRequirements": needs("much", 64)}, "VCPU"),
        ({"resourceRequirements": needs(1, "64.5")}, "MEMORY"),
        (
            {
                "resourceRequirements": needs(1, 64)
                + [{"type": "JUNK", "value": "1"}]
            },
            "JUNK",
        ),
        ({"environment": pairs({"AWS_BATCH_X": "1"})}, "AWS_BATCH"),
        ({"image": None}, "image"),
    ],
)
def test_container_properties_out_of_bounds_are_refused_by_name(
    bench, changes, word
):
    properties = {**CONTAINER, **changes}
    bench.refused(
        "register_job_definition",
        [word],
        jobDefinitionName=unique("def"),
        type="container",
        containerProperties={
            k: v for k, v in properties.items() if v is not None
        },
    )


def test_a_container_definition_needs_container_properties(bench):
    bench.refused(
        "register_job_definition",
        ["containerProperties"],
        jobDefinitionName=unique("def"),
        type="container",
    )


@pytest.mark.parametrize(
    "retry, word",
    [
        ({"attempts": 0}, "attempts"),
        ({"attempts": 11}, "attempts"),
        (
            {"evaluateOnExit": [{"onExitCode": "1", "action": "RETRY"}]},
            "attempts",
        ),
        (
            {
                "attempts": 2,
                "evaluateOnExit": [{"onExitCode": "1", "action": "RETRY"}] * 6,
            },
            "evaluateOnExit",
        ),
        (
            {"attempts": 2, "evaluateOnExit": [{"action": "RETRY"}]},
            "evaluateOnExit",
        ),
        (
            {
                "attempts": 2,
                "evaluateOnExit": [{"onExitCode": "x", "action": "RETRY"}],
            },
            "onExitCode",
        ),
        (
            {
                "attempts": 2,
                "evaluateOnExit": [{"onExitCode": "1", "action": "PANIC"}],
            },
            "action|PANIC",
        ),
        (
            {
                "attempts": 2,
                "evaluateOnExit": [{"onReason": "x" * 513, "action": "EXIT"}],
            },
            "onReason",
        ),
    ],
)
def test_retry_strategies_out_of_bounds_are_refused_by_name(
    bench, retry, word
):
    bench.refused(
        "register_job_definition",
        [word],
        jobDefinitionName=unique("def"),
        type="container",
        containerProperties=CONTAINER,
        retryStrategy=retry,
    )


def test_a_definition_over_24_kib_is_refused(bench):
    bench.refused(
        "register_job_definition",
        ["24"],
        jobDefinitionName=unique("def"),
        type="container",
        containerProperties={
            **CONTAINER,
            "command": ["echo", "x" * (24 * 1024)],
        },
    )


def refused_container(**changes):
    return {
        "type": "container",
        "containerProperties": {**CONTAINER, **changes},
    }


@pytest.mark.parametrize(
    "word, request_members",
    [
        (
            "multi-?node|nodeProperties",
            {
                "type": "multinode",
                "nodeProperties": {
                    "numNodes": 2,
                    "mainNode": 0,
                    "nodeRangeProperties": [
                        {"targetNodes": "0:1", "container": CONTAINER}
                    ],
                },
            },
        ),
        (
            "eksProperties",
            {
                "type": "container",
                "eksProperties": {
                    "podProperties": {"containers": [{"image": "busybox"}]}
                },
            },
        ),
        (
            "ecsProperties",
            {
                "type": "container",
                "ecsProperties": {
                    "taskProperties": [
                        {"containers": [{"image": "busybox", "name": "a"}]}
                    ]
                },
            },
        ),
        (
            "consumableResource",
            {
                **refused_container(),
                "consumableResourceProperties": {
                    "consumableResourceList": [
                        {"consumableResource": "licence", "quantity": 1}
                    ]
                },
            },
        ),
        (
            "secrets",
            refused_container(
                secrets=[{"name": "PASSWORD", "valueFrom": "arn:aws:ssm:x"}]
            ),
        ),
        (
            "GPU",
            refused_container(
                resourceRequirements=needs(1, 64)
                + [{"type": "GPU", "value": "1"}]
            ),
        ),
    ],
)
def test_what_berth_cannot_do_yet_is_refused_by_name(
    bench, word, request_members
):
    bench.refused(
        "register_job_definition",
        [word],
        jobDefinitionName=unique("def"),
        **request_members,
    )


def test_an_unknown_type_is_refused(bench):
    bench.refused(
        "register_job_definition",
        ["JUNK"],
        jobDefinitionName=unique("def"),
        type="JUNK",
        containerProperties=CONTAINER,
    )


def test_more_than_a_hundred_definitions_at_once_are_refused(bench):
    bench.refused(
        "describe_job_definitions",
        ["100"],
        jobDefinitions=[f"d:{number}" for number in range(1, 102)],
    )

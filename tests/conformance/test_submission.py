"""SubmitJob: resolution of names, parameters, overrides, limits."""

import os

import pytest

from berth_server import arn
from workbench import needs, needs_of, pairs, shell, unique, unpaired


def test_a_submission_answers_id_name_and_arn(bench, queue):
    answer = bench.batch.submit_job(
        jobName="sum", jobQueue=queue, jobDefinition=bench.definition()
    )
    assert answer["jobName"] == "sum"
    assert answer["jobArn"] == arn("job", answer["jobId"])
    parts = answer["jobId"].split("-")
    assert [len(part) for part in parts] == [8, 4, 4, 4, 12]
    assert answer["jobId"] == answer["jobId"].lower()


def test_a_client_reads_its_own_writes(bench, queue):
    for _ in range(20):
        job = bench.submit(queue, definition=bench.definition())
        assert bench.describe(job)["jobId"] == job


def test_a_bare_name_means_the_newest_active_revision(bench, queue):
    name = bench.definition().partition(":")[0]
    bench.definition(name=name)
    bench.definition(name=name)
    bench.batch.deregister_job_definition(jobDefinition=f"{name}:3")
    for given in [name, arn("job-definition", name)]:
        job = bench.describe(bench.submit(queue, definition=given))
        assert job["jobDefinition"] == arn("job-definition", f"{name}:2")


def test_an_explicit_revision_may_be_an_older_one(bench, queue):
    name = bench.definition().partition(":")[0]
    bench.definition(name=name)
    for given in [f"{name}:1", arn("job-definition", f"{name}:1")]:
        job = bench.describe(bench.submit(queue, definition=given))
        assert job["jobDefinition"] == arn("job-definition", f"{name}:1")


def test_the_queue_may_be_named_by_its_arn(bench, queue):
    job = bench.submit(arn("job-queue", queue), "exit 0")
    assert bench.describe(job)["jobQueue"] == arn("job-queue", queue)


def test_an_inactive_revision_is_refused(bench, queue):
    definition = bench.definition()
    bench.batch.deregister_job_definition(jobDefinition=definition)
    for given in [definition, definition.partition(":")[0]]:
        bench.refused(
            "submit_job",
            "does not exist or is not in ACTIVE status|not found",
            jobName="late",
            jobQueue=queue,
            jobDefinition=given,
        )


def test_a_definition_deregistered_before_the_start_does_not_matter(
    bench, gate
):
    queue = bench.slots(1)
    holder = bench.submit(queue, gate.hold)
    bench.wait_status(holder, "RUNNING")
    definition = bench.definition(["true"])
    job = bench.submit(queue, definition=definition)
    bench.batch.deregister_job_definition(jobDefinition=definition)
    gate.open()
    assert bench.wait_succeeded(job)["jobDefinition"] == arn(
        "job-definition", definition
    )


def test_mistakes_are_told_in_order_name_queue_definition(bench, queue):
    bench.refused(
        "submit_job",
        "Job name should match valid pattern",
        jobName="with space",
        jobQueue="nowhere",
        jobDefinition="nothing",
    )
    bench.refused(
        "submit_job",
        "JobQueue nowhere not found",
        jobName="good",
        jobQueue="nowhere",
        jobDefinition="nothing",
    )
    bench.refused(
        "submit_job",
        "nothing does not exist or is not in ACTIVE status",
        jobName="good",
        jobQueue=queue,
        jobDefinition="nothing",
    )
    bench.refused(
        "submit_job",
        "nothing:7.*not",
        jobName="good",
        jobQueue=queue,
        jobDefinition="nothing:7",
    )


@pytest.mark.parametrize(
    "name", ["x" * 129, "", "with space", "-starts", "_starts", "a.b"]
)
def test_a_job_name_out_of_bounds_is_refused(bench, queue, name):
    bench.refused(
        "submit_job",
        "Job name should match valid pattern",
        jobName=name,
        jobQueue=queue,
        jobDefinition=bench.definition(),
    )


def test_a_job_name_of_128_characters_is_accepted(bench, queue):
    name = "n" * 128
    job = bench.submit(queue, definition=bench.definition(), jobName=name)
    assert bench.describe(job)["jobName"] == name


# Parameters


def test_parameters_are_put_in_the_place_of_their_references(bench, queue):
    definition = bench.definition(
        ["echo", "Ref::greeting", "Ref::name", "Refs::kept"],
        parameters={"greeting": "hello", "name": "nobody"},
    )
    job = bench.run(queue, definition=definition, parameters={"name": "world"})
    assert job["parameters"] == {"greeting": "hello", "name": "world"}
    assert job["container"]["command"] == [
        "echo",
        "hello",
        "world",
        "Refs::kept",
    ]
    assert bench.output(job["jobId"]) == ["hello world Refs::kept"]


def test_references_in_an_overriding_command_are_replaced_too(bench, queue):
    definition = bench.definition(parameters={"n": "5"})
    job = bench.run(
        queue,
        definition=definition,
        containerOverrides={"command": ["echo", "Ref::n"]},
    )
    assert bench.output(job["jobId"]) == ["5"]


def test_a_reference_without_a_value_is_refused(bench, queue):
    bench.refused(
        "submit_job",
        "Unable to substitute value. No parameter found for reference gone",
        jobName="sum",
        jobQueue=queue,
        jobDefinition=bench.definition(["echo", "Ref::gone"]),
    )


# Overrides


def test_an_overriding_environment_is_merged_by_name(bench, queue):
    definition = bench.definition(
        shell('echo "$KEPT $CHANGED $ADDED"'),
        container={"environment": pairs({"KEPT": "a", "CHANGED": "b"})},
    )
    job = bench.run(
        queue,
        definition=definition,
        containerOverrides={"environment": pairs({"CHANGED": "c", "ADDED": 1})},
    )
    assert unpaired(job["container"]["environment"]) == {
        "KEPT": "a",
        "CHANGED": "c",
        "ADDED": "1",
    }
    assert bench.output(job["jobId"]) == ["a c 1"]


def test_new_form_overrides_replace_by_type(bench, queue):
    job = bench.run(
        queue,
        definition=bench.definition(vcpus=1, memory=64),
        containerOverrides={
            "resourceRequirements": [{"type": "VCPU", "value": "2"}]
        },
    )
    assert needs_of(job["container"]) == {"VCPU": "2", "MEMORY": "64"}


def test_old_form_overrides_replace_the_old_form(bench, queue):
    definition = bench.definition(
        container={"resourceRequirements": None, "vcpus": 1, "memory": 64}
    )
    job = bench.run(
        queue,
        definition=definition,
        containerOverrides={"vcpus": 2, "memory": 128},
    )
    assert job["container"]["vcpus"] == 2
    assert job["container"]["memory"] == 128


def test_old_form_overrides_of_a_new_form_definition_are_refused(bench, queue):
    bench.refused(
        "submit_job",
        "This value was submitted in a deprecated key",
        jobName="sum",
        jobQueue=queue,
        jobDefinition=bench.definition(vcpus=1, memory=64),
        containerOverrides={"vcpus": 2},
    )


def test_new_form_overrides_of_an_old_form_definition_win(bench, queue):
    definition = bench.definition(
        container={"resourceRequirements": None, "vcpus": 1, "memory": 64}
    )
    job = bench.run(
        queue,
        definition=definition,
        containerOverrides={"resourceRequirements": needs(2, 96)},
    )
    assert needs_of(job["container"]) == {"VCPU": "2", "MEMORY": "96"}


def test_a_quarter_of_a_vcpu_lets_four_jobs_share_one(bench, gate):
    queue = bench.slots(1)
    definition = bench.definition(shell(gate.hold), vcpus=0.25)
    jobs = [bench.submit(queue, definition=definition) for _ in range(5)]
    bench.wait_all(jobs[:4], "RUNNING")
    assert bench.status(jobs[4]) == "RUNNABLE"
    found = bench.describe(jobs[0])
    assert needs_of(found["container"])["VCPU"] == "0.25"
    gate.open()
    bench.wait_all(jobs, "SUCCEEDED")


def test_memory_is_counted_too(bench, gate, make_server):
    other = type(bench)(make_server(vcpus=8, memory=1000))
    queue = other.slots(8)
    first = other.submit(queue, gate.hold, memory=600)
    other.wait_status(first, "RUNNING")
    second = other.submit(queue, gate.hold, memory=600)
    small = other.submit(queue, "exit 0", memory=200)
    other.wait_succeeded(small)
    assert other.status(second) == "RUNNABLE"
    gate.open()
    other.wait_all([first, second], "SUCCEEDED")


def test_retry_and_timeout_of_the_request_replace_the_definitions(bench, queue):
    definition = bench.definition(
        retryStrategy={
            "attempts": 3,
            "evaluateOnExit": [{"onExitCode": "1", "action": "EXIT"}],
        },
        timeout={"attemptDurationSeconds": 600},
        propagateTags=True,
    )
    kept = bench.describe(bench.submit(queue, definition=definition))
    assert kept["retryStrategy"]["attempts"] == 3
    assert kept["retryStrategy"]["evaluateOnExit"] == [
        {"onExitCode": "1", "action": "exit"}
    ]
    assert kept["timeout"] == {"attemptDurationSeconds": 600}
    assert kept["propagateTags"] is True
    changed = bench.describe(
        bench.submit(
            queue,
            definition=definition,
            retryStrategy={"attempts": 2},
            timeout={"attemptDurationSeconds": 700},
            propagateTags=False,
        )
    )
    assert changed["retryStrategy"] == {"attempts": 2, "evaluateOnExit": []}
    assert changed["timeout"] == {"attemptDurationSeconds": 700}
    assert changed["propagateTags"] is False


def test_the_user_of_a_container_is_honoured_or_refused(bench, queue):
    try:
        definition = bench.definition(
            ["id", "-un"], container={"user": "nobody"}
        )
        job = bench.submit(queue, definition=definition)
    except bench.batch.exceptions.ClientException as error:
        assert "user" in str(error)
        assert os.getuid() != 0, "root may run jobs as anybody"
        return
    bench.wait_succeeded(job)
    assert bench.output(job) == ["nobody"]


def test_ulimits_are_honoured(bench, queue):
    definition = bench.definition(
        shell("ulimit -Sn; ulimit -Hn"),
        container={
            "ulimits": [{"name": "nofile", "softLimit": 77, "hardLimit": 99}]
        },
    )
    job = bench.run(queue, definition=definition)
    assert bench.output(job["jobId"]) == ["77", "99"]
    assert job["container"]["ulimits"] == [
        {"name": "nofile", "softLimit": 77, "hardLimit": 99}
    ]


# Limits and refusals


def submit_refused(bench, queue, words, **extra):
    return bench.refused(
        "submit_job",
        words,
        jobName=unique("job"),
        jobQueue=queue,
        jobDefinition=bench.definition(),
        **extra,
    )


def test_a_payload_over_30_kib_is_refused(bench, queue):
    submit_refused(
        bench,
        queue,
        ["30"],
        containerOverrides={"environment": pairs({"BIG": "x" * 31 * 1024})},
    )


def test_a_payload_just_under_30_kib_is_accepted(bench, queue):
    big = "x" * 29 * 1024
    job = bench.run(
        queue,
        definition=bench.definition(shell("echo ${#BIG}")),
        containerOverrides={"environment": pairs({"BIG": big})},
    )
    assert bench.output(job["jobId"]) == [str(len(big))]
    assert unpaired(job["container"]["environment"])["BIG"] == big


@pytest.mark.parametrize("size", [1, 0, -1, 10_001])
def test_array_sizes_out_of_bounds_are_refused(bench, queue, size):
    submit_refused(bench, queue, ["size"], arrayProperties={"size": size})


def test_fifty_tags_are_accepted_and_fifty_one_refused(bench, queue):
    tags = {f"key-{number}": "v" for number in range(50)}
    job = bench.submit(queue, definition=bench.definition(), tags=tags)
    assert bench.describe(job)["tags"] == tags
    submit_refused(bench, queue, ["tags|50"], tags={**tags, "one-more": "v"})


@pytest.mark.parametrize("tags", [{"k" * 129: "v"}, {"k": "v" * 257}])
def test_tags_out_of_bounds_are_refused(bench, queue, tags):
    submit_refused(bench, queue, ["tag"], tags=tags)


def test_a_timeout_below_the_minimum_is_refused(bench, make_server):
    other = type(bench)(
        make_server(settings={"attempt_timeout_min_s": None})
    )
    queue = other.slots(1)
    submit_refused(
        other, queue, ["60"], timeout={"attemptDurationSeconds": 59}
    )
    other.refused(
        "register_job_definition",
        ["60"],
        jobDefinitionName=unique("def"),
        type="container",
        containerProperties={
            "image": "busybox",
            "resourceRequirements": needs(1, 64),
        },
        timeout={"attemptDurationSeconds": 59},
    )
    other.run(queue, "exit 0", timeout={"attemptDurationSeconds": 60})


def test_an_overridden_need_out_of_bounds_is_refused(bench, queue):
    submit_refused(
        bench,
        queue,
        ["MEMORY"],
        containerOverrides={
            "resourceRequirements": [{"type": "MEMORY", "value": "2"}]
        },
    )
    submit_refused(
        bench,
        queue,
        ["AWS_BATCH"],
        containerOverrides={"environment": pairs({"AWS_BATCH_JOB_ID": "x"})},
    )


@pytest.mark.parametrize(
    "word, extra",
    [
        ("shareIdentifier", {"shareIdentifier": "team"}),
        ("schedulingPriority", {"schedulingPriorityOverride": 3}),
        ("nodeOverrides", {"nodeOverrides": {"numNodes": 2}}),
        (
            "eksPropertiesOverride",
            {
                "eksPropertiesOverride": {
                    "podProperties": {"containers": [{"image": "i"}]}
                }
            },
        ),
        (
            "ecsPropertiesOverride",
            {
                "ecsPropertiesOverride": {
                    "taskProperties": [{"containers": [{"name": "n"}]}]
                }
            },
        ),
        (
            "consumableResource",
            {
                "consumableResourcePropertiesOverride": {
                    "consumableResourceList": [
                        {"consumableResource": "licence", "quantity": 1}
                    ]
                }
            },
        ),
        (
            "GPU",
            {
                "containerOverrides": {
                    "resourceRequirements": [{"type": "GPU", "value": "1"}]
                }
            },
        ),
    ],
)
def test_what_berth_cannot_do_yet_is_refused_by_name(
    bench, queue, word, extra
):
    submit_refused(bench, queue, [word], **extra)


def test_a_job_that_can_never_fit_says_so_and_holds_up_nobody(bench):
    queue = bench.slots(2)
    giant = bench.submit(queue, "exit 0", vcpus=64)
    small = bench.submit(queue, "exit 0")
    bench.wait_succeeded(small)
    found = bench.describe(giant)
    assert found["status"] == "RUNNABLE"
    assert found["statusReason"].startswith("MISCONFIGURATION:")
    bench.batch.terminate_job(jobId=giant, reason="too big")
    assert bench.wait_failed(giant)["statusReason"] == "too big"

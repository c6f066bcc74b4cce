"""Tags on every kind of resource."""

import pytest

from berth_server import arn
from wire import send, signed_headers
from workbench import unique


def of_environment(bench):
    return arn("compute-environment", bench.environment(1, tags={"a": "1"}))


def of_queue(bench):
    queue = bench.queue(bench.environment(1), tags={"a": "1"})
    return arn("job-queue", queue)


def of_definition(bench):
    return arn("job-definition", bench.definition(tags={"a": "1"}))


def of_job(bench):
    return arn("job", bench.submit(bench.slots(1), "exit 0", tags={"a": "1"}))


def of_ended_job(bench):
    job = bench.run(bench.slots(1), "exit 0", tags={"a": "1"})
    return job["jobArn"]


def of_array(bench):
    job = bench.submit(
        bench.slots(1), "exit 0", arrayProperties={"size": 2}, tags={"a": "1"}
    )
    return arn("job", job)


RESOURCES = [
    of_environment,
    of_queue,
    of_definition,
    of_job,
    of_ended_job,
    of_array,
]


def tags_of(bench, resource):
    return bench.batch.list_tags_for_resource(resourceArn=resource)["tags"]


@pytest.mark.parametrize("make", RESOURCES)
def test_tags_are_added_changed_listed_and_removed(bench, make):
    resource = make(bench)
    assert tags_of(bench, resource) == {"a": "1"}
    bench.batch.tag_resource(
        resourceArn=resource, tags={"a": "2", "b c": "ü/=+-@:"}
    )
    assert tags_of(bench, resource) == {"a": "2", "b c": "ü/=+-@:"}
    bench.batch.untag_resource(resourceArn=resource, tagKeys=["a", "gone"])
    assert tags_of(bench, resource) == {"b c": "ü/=+-@:"}
    bench.batch.untag_resource(resourceArn=resource, tagKeys=["b c"])
    assert tags_of(bench, resource) == {}


@pytest.mark.parametrize("make", RESOURCES)
def test_a_resource_has_at_most_fifty_tags(bench, make):
    resource = make(bench)
    many = {f"key-{number}": "v" for number in range(49)}
    bench.batch.tag_resource(resourceArn=resource, tags=many)
    assert len(tags_of(bench, resource)) == 50
    bench.refused(
        "tag_resource", ["50"], resourceArn=resource, tags={"more": "v"}
    )
    # Changing one is still possible.
    bench.batch.tag_resource(resourceArn=resource, tags={"key-1": "w"})
    assert tags_of(bench, resource)["key-1"] == "w"


def test_descriptions_show_present_tags(bench):
    environment = bench.environment(1)
    queue = bench.queue(environment)
    definition = bench.definition()
    job = bench.submit(queue, definition=definition)
    for kind, name in [
        ("compute-environment", environment),
        ("job-queue", queue),
        ("job-definition", definition),
        ("job", job),
    ]:
        bench.batch.tag_resource(
            resourceArn=arn(kind, name), tags={"seen": "yes"}
        )
    batch = bench.batch
    (found,) = batch.describe_compute_environments(
        computeEnvironments=[environment]
    )["computeEnvironments"]
    assert found["tags"] == {"seen": "yes"}
    (found,) = batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
    assert found["tags"] == {"seen": "yes"}
    (found,) = batch.describe_job_definitions(jobDefinitions=[definition])[
        "jobDefinitions"
    ]
    assert found["tags"] == {"seen": "yes"}
    assert bench.describe(job)["tags"] == {"seen": "yes"}


def test_tags_stay_with_their_resource(bench):
    first, second = bench.definition(), bench.definition(tags={"b": "2"})
    bench.batch.tag_resource(
        resourceArn=arn("job-definition", first), tags={"a": "1"}
    )
    assert tags_of(bench, arn("job-definition", second)) == {"b": "2"}


UNKNOWN_JOB = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "resource",
    [
        arn("compute-environment", "nowhere"),
        arn("job-queue", "nowhere"),
        arn("job-definition", "nothing:1"),
        arn("job", UNKNOWN_JOB),
        arn("scheduling-policy", "fair"),
        arn("job-queue", "q").replace("123456789012", "999999999999"),
        "not-an-arn",
    ],
)
def test_an_unknown_resource_is_refused_by_name(bench, resource):
    name = resource.rpartition("/")[2]
    bench.refused("list_tags_for_resource", [name], resourceArn=resource)
    bench.refused(
        "tag_resource", [name], resourceArn=resource, tags={"a": "1"}
    )
    bench.refused(
        "untag_resource", [name], resourceArn=resource, tagKeys=["a"]
    )


def test_children_of_arrays_are_not_taggable(bench):
    array = bench.submit(
        bench.slots(1), "exit 0", arrayProperties={"size": 2}
    )
    bench.refused(
        "tag_resource",
        [f"{array}:0"],
        resourceArn=arn("job", f"{array}:0"),
        tags={"a": "1"},
    )


@pytest.mark.parametrize("tags", [{"k" * 129: "v"}, {"k": "v" * 257}])
def test_tags_out_of_bounds_are_refused(bench, tags):
    bench.refused(
        "tag_resource",
        ["tag"],
        resourceArn=arn("job-definition", bench.definition()),
        tags=tags,
    )


def test_fifty_one_tags_at_creation_are_refused(bench):
    tags = {f"key-{number}": "v" for number in range(51)}
    bench.refused(
        "register_job_definition",
        ["tags|50"],
        jobDefinitionName=unique("def"),
        type="container",
        containerProperties={
            "image": "busybox",
            "vcpus": 1,
            "memory": 64,
        },
        tags=tags,
    )


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_empty_arn_is_a_clean_error(server, method):
    path = "/v1/tags/"
    body = b'{"tags": {"a": "1"}}' if method == "POST" else b""
    headers = signed_headers(server, method, path, body)
    answer = send(server, method, path, body, headers)
    assert 400 <= answer.status < 500
    assert answer.error

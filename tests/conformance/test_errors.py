"""The shape of errors, and operations that are not implemented yet."""

import json
import re

import botocore.session
import pytest

from berth_server import arn
from wire import call, send, signed_headers

IMPLEMENTED = {
    "CancelJob",
    "CreateComputeEnvironment",
    "CreateJobQueue",
    "DeleteComputeEnvironment",
    "DeleteJobQueue",
    "DeregisterJobDefinition",
    "DescribeComputeEnvironments",
    "DescribeJobDefinitions",
    "DescribeJobQueues",
    "DescribeJobs",
    "GetJobQueueSnapshot",
    "ListJobs",
    "ListTagsForResource",
    "RegisterJobDefinition",
    "SubmitJob",
    "TagResource",
    "TerminateJob",
    "UntagResource",
    "UpdateComputeEnvironment",
    "UpdateJobQueue",
}
MODEL = botocore.session.get_session().get_service_model("batch")
OTHERS = sorted(set(MODEL.operation_names) - IMPLEMENTED)
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_the_model_has_twenty_operations_of_ours_and_25_others():
    assert IMPLEMENTED <= set(MODEL.operation_names)
    assert (len(IMPLEMENTED), len(OTHERS)) == (20, 25)


def test_a_client_exception_has_its_code_wherever_clients_look(server):
    answer = call(server, "UpdateJobQueue", {"jobQueue": "nowhere"})
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.error == "ClientException"
    body = answer.json
    assert body["__type"].rpartition("#")[2] == "ClientException"
    assert "does not exist" in body["message"]
    assert re.fullmatch(UUID, answer.headers["x-amzn-requestid"])


def test_a_success_has_a_request_id_of_its_own(server):
    answers = [call(server, "DescribeJobQueues") for _ in range(2)]
    requests = [answer.headers["x-amzn-requestid"] for answer in answers]
    assert all(re.fullmatch(UUID, request) for request in requests)
    assert requests[0] != requests[1]
    assert all(a.status == 200 for a in answers)
    assert answers[0].headers["content-type"] == "application/json"


def test_boto3_raises_the_typed_exception(bench):
    with pytest.raises(bench.batch.exceptions.ClientException) as caught:
        bench.batch.update_job_queue(jobQueue="nowhere", priority=1)
    response = caught.value.response
    assert response["Error"]["Code"] == "ClientException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize("operation", OTHERS)
def test_other_operations_say_that_they_are_not_implemented_yet(
    server, operation
):
    http = MODEL.operation_model(operation).http
    path = http["requestUri"]
    headers = signed_headers(server, http["method"], path, b"{}")
    answer = send(server, http["method"], path, b"{}", headers)
    assert answer.status == 400
    assert answer.error == "ClientException"
    assert "not implemented yet" in answer.json["message"]
    assert operation.lower() in answer.json["message"].lower()


def test_boto3_tells_it_too(bench):
    bench.refused("list_scheduling_policies", "not implemented yet")
    bench.refused(
        "create_scheduling_policy", "not implemented yet", name="fair"
    )


@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", "/v1/nosuchoperation"),
        ("POST", "/v2/submitjob"),
        ("POST", "/"),
        ("GET", "/"),
        ("GET", "/v1/submitjob"),
        ("PUT", "/v1/submitjob"),
        ("PATCH", "/v1/tags/x"),
    ],
)
def test_what_is_no_operation_is_a_clean_error(server, method, path):
    headers = signed_headers(server, method, path, b"{}")
    answer = send(server, method, path, b"{}", headers)
    assert 400 <= answer.status < 500
    assert json.loads(answer.body)


def test_operations_without_output_answer_an_empty_object(server, bench):
    answer = call(server, "CancelJob", {"jobId": "none", "reason": "x"})
    assert answer.status == 200
    assert answer.body in (b"", b"{}")


def test_top_level_lists_are_there_even_when_empty(server, bench):
    unknown = "00000000-0000-4000-8000-000000000000"
    assert call(server, "DescribeJobs", {"jobs": [unknown]}).json["jobs"] == []
    queue = bench.slots(1)
    listing = call(server, "ListJobs", {"jobQueue": queue}).json
    assert listing["jobSummaryList"] == []
    for operation, selector, key in [
        ("DescribeJobQueues", "jobQueues", "jobQueues"),
        (
            "DescribeComputeEnvironments",
            "computeEnvironments",
            "computeEnvironments",
        ),
        ("DescribeJobDefinitions", "jobDefinitions", "jobDefinitions"),
    ]:
        answer = call(server, operation, {selector: ["unknown:1"]})
        assert answer.json[key] == []


def test_times_and_counts_are_integers_on_the_wire(server, bench, queue):
    job = bench.run(queue, "exit 0")["jobId"]
    text = call(server, "DescribeJobs", {"jobs": [job]}).body.decode()
    for member in ["createdAt", "startedAt", "stoppedAt", "exitCode"]:
        (value,) = set(re.findall(rf'"{member}":\s*([^,}}\s]+)', text))
        assert re.fullmatch(r"\d+", value), (member, value)


def test_unknown_members_and_nulls_are_ignored(server, bench, queue):
    answer = call(
        server,
        "SubmitJob",
        {
            "jobName": "modern",
            "jobQueue": queue,
            "jobDefinition": bench.definition(),
            "aMemberOfTheFuture": {"deep": [1, 2, 3]},
            "dependsOn": None,
            "parameters": None,
            "containerOverrides": {"command": None},
        },
    )
    assert answer.status == 200, answer
    bench.wait_succeeded(answer.json["jobId"])


def test_an_arn_of_another_account_does_not_match(bench, queue):
    other = arn("job-queue", queue).replace("123456789012", "999999999999")
    bench.refused(
        "submit_job",
        "not found|does not exist",
        jobName="job",
        jobQueue=other,
        jobDefinition=bench.definition(),
    )

"""A call that a client repeats (same amz-sdk-invocation-id) is made once."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from berth_server import arn
from wire import call, send, signed_headers
from workbench import Workbench, unique


def submission(bench, queue, **extra):
    return {
        "jobName": unique("job"),
        "jobQueue": queue,
        "jobDefinition": bench.definition(),
        **extra,
    }


def jobs_named(bench, queue, name):
    return bench.batch.list_jobs(
        jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}]
    )["jobSummaryList"]


def test_a_repeated_submission_is_one_job(server, bench, queue):
    body = submission(bench, queue)
    invocation = str(uuid.uuid4())
    answers = [
        call(server, "SubmitJob", body, invocation, attempt)
        for attempt in (1, 2, 3)
    ]
    assert [answer.status for answer in answers] == [200] * 3
    assert len({answer.json["jobId"] for answer in answers}) == 1
    bench.wait_succeeded(answers[0].json["jobId"])
    # Also once it has ended.
    again = call(server, "SubmitJob", body, invocation, 4)
    assert again.json == answers[0].json
    assert len(jobs_named(bench, queue, body["jobName"])) == 1


def test_repetitions_at_the_same_time_are_one_job(server, bench, queue):
    body = submission(bench, queue)
    invocation = str(uuid.uuid4())
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda attempt: call(
                    server, "SubmitJob", body, invocation, attempt
                ),
                range(1, 17),
            )
        )
    assert [answer.status for answer in answers] == [200] * 16
    assert len({answer.json["jobId"] for answer in answers}) == 1
    assert len(jobs_named(bench, queue, body["jobName"])) == 1


def test_the_same_body_in_another_call_is_another_job(server, bench, queue):
    body = submission(bench, queue)
    ids = {call(server, "SubmitJob", body).json["jobId"] for _ in range(3)}
    assert len(ids) == 3


def test_another_body_under_the_same_invocation_is_another_job(
    server, bench, queue
):
    invocation = str(uuid.uuid4())
    ids = {
        call(
            server, "SubmitJob", submission(bench, queue), invocation
        ).json["jobId"]
        for _ in range(2)
    }
    assert len(ids) == 2


def test_a_call_without_an_invocation_id_is_a_call_of_its_own(
    server, bench, queue
):
    body = json.dumps(submission(bench, queue)).encode()
    headers = signed_headers(server, "POST", "/v1/submitjob", body)
    ids = {
        send(server, "POST", "/v1/submitjob", body, headers).json["jobId"]
        for _ in range(2)
    }
    assert len(ids) == 2


def test_a_repeated_registration_is_one_revision(server):
    body = {
        "jobDefinitionName": unique("def"),
        "type": "container",
        "containerProperties": {"image": "i", "vcpus": 1, "memory": 64},
    }
    invocation = str(uuid.uuid4())
    answers = [
        call(server, "RegisterJobDefinition", body, invocation, attempt)
        for attempt in (1, 2)
    ]
    assert answers[0].json["revision"] == 1
    assert answers[1].json == answers[0].json
    assert call(server, "RegisterJobDefinition", body).json["revision"] == 2


def test_a_repeated_creation_does_not_say_that_it_exists(server, bench):
    name = unique("queue")
    body = {
        "jobQueueName": name,
        "priority": 1,
        "computeEnvironmentOrder": [
            {"order": 1, "computeEnvironment": bench.environment(1)}
        ],
    }
    invocation = str(uuid.uuid4())
    first = call(server, "CreateJobQueue", body, invocation, 1)
    second = call(server, "CreateJobQueue", body, invocation, 2)
    assert first.json["jobQueueArn"] == arn("job-queue", name)
    assert second.status == 200
    assert second.json == first.json
    assert call(server, "CreateJobQueue", body).status == 400


@pytest.mark.parametrize("shards", [1, 3])
def test_a_submission_repeated_after_a_crash_is_one_job(
    make_server, ledger, shards
):
    server = make_server(shards=shards)
    bench = Workbench(server)
    queue = bench.slots(2)
    body = {
        "jobName": "once",
        "jobQueue": queue,
        "jobDefinition": bench.definition(
            ["/bin/sh", "-c", ledger.write("ran")]
        ),
    }
    invocation = str(uuid.uuid4())
    first = call(server, "SubmitJob", body, invocation, 1)
    server.kill()
    server.start()
    again = call(server, "SubmitJob", body, invocation, 2)
    assert again.status == 200
    assert again.json == first.json
    bench = Workbench(server)
    bench.wait_succeeded(first.json["jobId"])
    assert len(jobs_named(bench, queue, "once")) == 1
    assert ledger.lines() == ["ran"]

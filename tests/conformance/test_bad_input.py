"""Bytes that no SDK would send: each a clear error, and the server lives."""

import json
import socket
import time

import pytest

from wire import call, send, signed_headers
from workbench import unique


@pytest.fixture(autouse=True)
def the_server_lives(server):
    yield
    assert send(server, "GET", "/health").status == 200


def refused(answer, *words):
    assert 400 <= answer.status < 500, answer
    assert answer.error, answer
    for word in words:
        assert word in answer.json["message"], answer
    return answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"jobName": "x",}',
        b'{"jobName": "x"} more',
        b'{"jobName": "\xff\xfe"}',
        b"\x00\x01\x02",
        b"[]",
        b'"text"',
        b"17",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b'{"jobName": "\\ud800"}',
        b'{"jobName": 1e999}',
    ],
    ids=lambda body: repr(body[:24]),
)
@pytest.mark.parametrize("operation", ["SubmitJob", "CreateJobQueue"])
def test_what_is_no_json_object_is_refused(server, operation, body):
    refused(call(server, operation, body))


WRONG_TYPES = [
    ("SubmitJob", "jobName", 7),
    ("SubmitJob", "jobName", None),
    ("SubmitJob", "jobName", ["x"]),
    ("SubmitJob", "jobQueue", {}),
    ("SubmitJob", "jobDefinition", True),
    ("SubmitJob", "arrayProperties", [2]),
    ("SubmitJob", "arrayProperties", {"size": "many"}),
    ("SubmitJob", "arrayProperties", {"size": 2.5}),
    ("SubmitJob", "arrayProperties", {"size": 1e30}),
    ("SubmitJob", "arrayProperties", {"size": -(2**63)}),
    ("SubmitJob", "arrayProperties", {"size": 2**64}),
    ("SubmitJob", "dependsOn", {"jobId": "x"}),
    ("SubmitJob", "dependsOn", ["x"]),
    ("SubmitJob", "dependsOn", [{"jobId": 5}]),
    ("SubmitJob", "parameters", [1]),
    ("SubmitJob", "parameters", {"a": 1}),
    ("SubmitJob", "parameters", {"a": {"b": "c"}}),
    ("SubmitJob", "containerOverrides", "all"),
    ("SubmitJob", "containerOverrides", {"command": "true"}),
    ("SubmitJob", "containerOverrides", {"command": [1]}),
    ("SubmitJob", "containerOverrides", {"environment": {"A": "b"}}),
    ("SubmitJob", "containerOverrides", {"environment": [{"name": 1}]}),
    ("SubmitJob", "containerOverrides", {"resourceRequirements": ["VCPU"]}),
    ("SubmitJob", "retryStrategy", 3),
    ("SubmitJob", "retryStrategy", {"attempts": "three"}),
    ("SubmitJob", "retryStrategy", {"attempts": 1, "evaluateOnExit": {}}),
    ("SubmitJob", "timeout", 60),
    ("SubmitJob", "timeout", {"attemptDurationSeconds": "long"}),
    ("SubmitJob", "timeout", {"attemptDurationSeconds": -1}),
    ("SubmitJob", "tags", ["a"]),
    ("SubmitJob", "tags", {"a": 1}),
    ("SubmitJob", "propagateTags", "yes"),
    ("DescribeJobs", "jobs", "all"),
    ("DescribeJobs", "jobs", [1]),
    ("DescribeJobs", "jobs", None),
    ("ListJobs", "maxResults", "ten"),
    ("ListJobs", "nextToken", 5),
    ("ListJobs", "filters", {"name": "JOB_NAME"}),
    ("ListJobs", "filters", [{"name": "JOB_NAME", "values": "x"}]),
    ("CancelJob", "jobId", 5),
    ("TerminateJob", "reason", {}),
    ("CreateJobQueue", "priority", "high"),
    ("CreateJobQueue", "priority", 2**40),
    ("CreateJobQueue", "computeEnvironmentOrder", [{"order": "first"}]),
    ("CreateComputeEnvironment", "computeResources", []),
    ("CreateComputeEnvironment", "computeResources", {"maxvCpus": "all"}),
    ("RegisterJobDefinition", "containerProperties", 1),
    ("RegisterJobDefinition", "containerProperties", {"volumes": 1}),
    ("RegisterJobDefinition", "type", 1),
]


@pytest.fixture(scope="module")
def good(bench, queue):
    """A valid body per operation."""
    definition = bench.definition()
    return {
        "SubmitJob": {
            "jobName": "job",
            "jobQueue": queue,
            "jobDefinition": definition,
        },
        "DescribeJobs": {"jobs": []},
        "ListJobs": {"jobQueue": queue},
        "CancelJob": {"jobId": "x", "reason": "y"},
        "TerminateJob": {"jobId": "x", "reason": "y"},
        "CreateJobQueue": {
            "jobQueueName": "bad-input",
            "priority": 1,
            "computeEnvironmentOrder": [
                {"order": 1, "computeEnvironment": "env"}
            ],
        },
        "CreateComputeEnvironment": {
            "computeEnvironmentName": "bad-input",
            "type": "MANAGED",
            "computeResources": {"type": "EC2", "maxvCpus": 1},
        },
        "RegisterJobDefinition": {
            "jobDefinitionName": "bad-input",
            "type": "container",
            "containerProperties": {"image": "i", "vcpus": 1, "memory": 4},
        },
    }


@pytest.mark.parametrize("operation, member, value", WRONG_TYPES)
def test_a_member_of_the_wrong_type_is_refused_by_name(
    server, good, operation, member, value
):
    body = {**good[operation], member: value}
    answer = refused(call(server, operation, body))
    assert answer.status == 400
    assert member in answer.json["message"], answer


@pytest.mark.parametrize(
    "operation, member",
    [
        ("SubmitJob", "jobName"),
        ("SubmitJob", "jobQueue"),
        ("SubmitJob", "jobDefinition"),
        ("DescribeJobs", "jobs"),
        ("CancelJob", "jobId"),
        ("CancelJob", "reason"),
        ("TerminateJob", "jobId"),
        ("CreateJobQueue", "jobQueueName"),
        ("CreateJobQueue", "priority"),
        ("CreateComputeEnvironment", "computeEnvironmentName"),
        ("CreateComputeEnvironment", "type"),
        ("RegisterJobDefinition", "jobDefinitionName"),
        ("RegisterJobDefinition", "type"),
    ],
)
def test_a_missing_required_member_is_refused_by_name(
    server, good, operation, member
):
    body = {k: v for k, v in good[operation].items() if k != member}
    answer = refused(call(server, operation, body))
    assert answer.status == 400
    assert member in answer.json["message"] or (
        member == "jobName" and "Job name" in answer.json["message"]
    )


def test_a_zero_byte_in_a_command_or_a_variable_does_no_harm(
    server, bench, good
):
    for overrides in [
        {"command": ["echo", "a\0b"]},
        {"environment": [{"name": "A\0B", "value": "c"}]},
        {"environment": [{"name": "A", "value": "b\0c"}]},
    ]:
        body = {**good["SubmitJob"], "containerOverrides": overrides}
        answer = call(server, "SubmitJob", body)
        if answer.status == 400:
            assert answer.error == "ClientException"
        else:
            bench.wait_status(answer.json["jobId"], "SUCCEEDED", "FAILED")


# Requests


def test_without_an_authorization_header_nothing_is_done(server, bench, good):
    queue = bench.slots(1)
    body = json.dumps({**good["SubmitJob"], "jobQueue": queue}).encode()
    answer = send(
        server,
        "POST",
        "/v1/submitjob",
        body,
        {"Content-Type": "application/json"},
    )
    assert answer.status == 403
    assert answer.error in (
        "MissingAuthenticationTokenException",
        "AccessDeniedException",
    )
    listing = bench.batch.list_jobs(
        jobQueue=queue, filters=[{"name": "JOB_NAME", "values": ["*"]}]
    )
    assert listing["jobSummaryList"] == []


def test_the_events_and_logs_need_an_authorization_header_too(server):
    assert send(server, "GET", "/v1/events").status == 403
    answer = send(
        server,
        "POST",
        "/",
        b"{}",
        {
            "X-Amz-Target": "Logs_20140328.DescribeLogGroups",
            "Content-Type": "application/x-amz-json-1.1",
        },
    )
    assert answer.status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", ""]
)
def test_an_unknown_host_is_refused(server, host):
    body = b"{}"
    headers = signed_headers(server, "POST", "/v1/describejobqueues", body)
    headers["Host"] = host
    answer = send(server, "POST", "/v1/describejobqueues", body, headers)
    assert 400 <= answer.status < 500
    headers["Host"] = "localhost:%d" % server.address[1]
    answer = send(server, "POST", "/v1/describejobqueues", body, headers)
    assert answer.status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tags/%",
        "/v1/tags/%4",
        "/v1/tags/%zz",
        "/v1/tags/%00",
        "/v1/tags/%ff%fe",
        "/v1/tags/" + "a" * 3000,
        "/v1/tags/arn%3Aaws%3Abatch%3Aus-east-1%3A123456789012%3Ajob%2Fx?x=%",
        "/v1/tags/arn:aws:batch:us-east-1:123456789012:job/unencoded",
    ],
)
def test_paths_that_are_no_arns_are_refused(server, path):
    headers = signed_headers(server, "GET", path, b"")
    refused(send(server, "GET", path, b"", headers))


# Sizes


def read_status(connection):
    """The status of the answer; None when the connection was just closed."""
    answer = b""
    try:
        while b"\r\n" not in answer:
            more = connection.recv(4096)
            if not more:
                break
            answer += more
    except ConnectionResetError:
        pass
    if not answer:
        return None
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer.split()[1])


def connect(server):
    return socket.create_connection(server.address, timeout=60)


def head(server, *lines, path="/v1/submitjob"):
    text = [f"POST {path} HTTP/1.1", "Host: %s:%d" % server.address, *lines]
    return "\r\n".join([*text, "", ""]).encode()


AUTHORIZED = "Authorization: AWS4-HMAC-SHA256 Credential=a/b/us-east-1/c/d"


def test_a_hundred_megabytes_are_refused_before_they_are_taken(server):
    size = 100 * 1024 * 1024
    with connect(server) as connection:
        connection.sendall(
            head(server, AUTHORIZED, f"Content-Length: {size}")
        )
        # Refused by the announcement alone.
        assert read_status(connection) in (400, 413)


def test_a_hundred_megabytes_that_are_sent_all_the_same_do_no_harm(server):
    size = 100 * 1024 * 1024
    block = b"x" * (1024 * 1024)
    with connect(server) as connection:
        connection.sendall(
            head(server, AUTHORIZED, f"Content-Length: {size}")
        )
        try:
            for _ in range(100):
                connection.sendall(block)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert read_status(connection) in (400, 413, None)


def test_endless_chunks_are_refused(server):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with connect(server) as connection:
        connection.sendall(
            head(server, AUTHORIZED, "Transfer-Encoding: chunked")
        )
        try:
            for _ in range(2000):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert read_status(connection) in (400, 411, 413, 501, None)


def test_endless_headers_are_refused(server):
    with connect(server) as connection:
        try:
            connection.sendall(b"POST /v1/submitjob HTTP/1.1\r\n")
            for number in range(20_000):
                connection.sendall(b"X-%d: %s\r\n" % (number, b"y" * 100))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert read_status(connection) in (400, 413, 431, None)


@pytest.mark.parametrize("size", ["-1", "many", "99999999999999999999", "1e3"])
def test_a_content_length_that_is_no_size_is_refused(server, size):
    with connect(server) as connection:
        connection.sendall(
            head(server, AUTHORIZED, f"Content-Length: {size}")
        )
        assert read_status(connection) in (400, 411, 413, None)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /v1/submitjob HTTP/9.9\r\n\r\n",
        b"\x00" * 1000,
        b"POST " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_no_http_is_refused_or_hung_up_on(server, data):
    with connect(server) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass
        status = read_status(connection)
        assert status is None or 400 <= status < 600


# Connections


def test_a_half_closed_connection_still_gets_its_answer(server):
    body = b"{}"
    path = "/v1/describejobqueues"
    headers = signed_headers(server, "POST", path, body)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    with connect(server) as connection:
        connection.sendall(
            head(server, *lines, "Content-Length: 2", path=path) + body
        )
        connection.shutdown(socket.SHUT_WR)
        assert read_status(connection) == 200


def test_a_request_that_breaks_off_is_forgotten(server, bench, good):
    name = unique("never")
    body = json.dumps({**good["SubmitJob"], "jobName": name}).encode()
    headers = signed_headers(server, "POST", "/v1/submitjob", body)
    lines = [f"{key}: {value}" for key, value in headers.items()]
    with connect(server) as connection:
        connection.sendall(
            head(server, *lines, f"Content-Length: {len(body)}") + body[:-1]
        )
        connection.shutdown(socket.SHUT_WR)
        status = read_status(connection)
        assert status is None or 400 <= status < 500
    listing = bench.batch.list_jobs(
        jobQueue=good["SubmitJob"]["jobQueue"],
        filters=[{"name": "JOB_NAME", "values": [name]}],
    )
    assert listing["jobSummaryList"] == []


def test_slow_and_silent_connections_hold_up_nobody(server):
    connections = [connect(server) for _ in range(50)]
    try:
        for number, connection in enumerate(connections):
            connection.sendall(head(server, AUTHORIZED)[: number * 2])
        before = time.monotonic()
        for _ in range(20):
            assert call(server, "DescribeJobQueues").status == 200
        # Not a measure of speed: one of them waiting for a slow client to
        # time out would take far longer.
        assert time.monotonic() - before < 10
    finally:
        for connection in connections:
            connection.close()


def test_a_client_that_hangs_up_before_its_answer_does_no_harm(server, good):
    body = json.dumps(good["SubmitJob"]).encode()
    headers = signed_headers(server, "POST", "/v1/submitjob", body)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    data = head(server, *lines, f"Content-Length: {len(body)}") + body
    for _ in range(50):
        connection = connect(server)
        connection.sendall(data)
        connection.close()
    assert call(server, "DescribeJobQueues").status == 200


def test_pipelined_requests_are_answered_in_order(server):
    path = "/v1/describejobs"
    bodies = [b'{"jobs": []}', b"nonsense", b'{"jobs": [""]}']
    data = b""
    for body in bodies:
        headers = signed_headers(server, "POST", path, body)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        data += head(
            server, *lines, f"Content-Length: {len(body)}", path=path
        )
        data += body
    with connect(server) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    statuses = [
        int(part.split()[1])
        for part in answer.split(b"HTTP/1.1")[1:]
        for part in [b"HTTP/1.1" + part]
    ]
    assert statuses == [200, 400, 200]

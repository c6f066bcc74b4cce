"""CloudWatch Logs: groups, streams, events, filters, and `aws logs tail`."""

import os
import selectors
import subprocess
import time

import pytest

from waiting import wait_for
from workbench import unique

GROUP = "/aws/batch/job"
# Debian's; the aws of PyPI has no `logs tail`.
DEBIAN_AWS = "/usr/bin/aws"


@pytest.fixture(scope="module")
def printed(bench, queue):
    """A job that printed 25 lines; (definition's name, stream, job)."""
    name = unique("printer")
    definition = bench.definition(
        ["/bin/sh", "-c", "for i in $(seq 1 25); do echo line $i; done"],
        name=name,
    )
    job = bench.run(queue, definition=definition)
    return name, job["container"]["logStreamName"], job


def get(bench, stream, **request):
    return bench.logs.get_log_events(
        logGroupName=GROUP, logStreamName=stream, **request
    )


def messages(answer):
    return [event["message"] for event in answer["events"]]


def lines(first, last):
    return [f"line {number}" for number in range(first, last + 1)]


def test_the_group_of_batch_jobs_is_described(bench, printed):
    groups = bench.logs.describe_log_groups(logGroupNamePrefix="/aws/batch")
    (group,) = groups["logGroups"]
    assert group["logGroupName"] == GROUP
    assert group["arn"].startswith("arn:aws:logs:us-east-1:123456789012:")
    nothing = bench.logs.describe_log_groups(logGroupNamePrefix="/other")
    assert nothing["logGroups"] == []


def test_streams_are_described_by_prefix(bench, printed):
    name, stream, _ = printed
    answer = bench.logs.describe_log_streams(
        logGroupName=GROUP, logStreamNamePrefix=f"{name}/default/"
    )
    (found,) = answer["logStreams"]
    assert found["logStreamName"] == stream
    nothing = bench.logs.describe_log_streams(
        logGroupName=GROUP, logStreamNamePrefix=f"{name}-other"
    )
    assert nothing["logStreams"] == []


def test_streams_are_described_page_by_page(bench, queue):
    name = unique("paged")
    definition = bench.definition(["echo", "x"], name=name)
    array = bench.submit(
        queue, definition=definition, arrayProperties={"size": 7}
    )
    bench.wait_succeeded(array)
    paginator = bench.logs.get_paginator("describe_log_streams")
    pages = list(
        paginator.paginate(
            logGroupName=GROUP,
            logStreamNamePrefix=name,
            PaginationConfig={"PageSize": 3},
        )
    )
    found = [s["logStreamName"] for page in pages for s in page["logStreams"]]
    assert all(len(page["logStreams"]) <= 3 for page in pages)
    assert found == sorted(found)
    assert sorted(found) == sorted(
        f"{name}/default/{array}:{index}" for index in range(7)
    )


def test_events_have_the_time_at_which_they_were_printed(bench, printed):
    _, stream, job = printed
    answer = get(bench, stream, startFromHead=True)
    assert messages(answer) == lines(1, 25)
    times = [event["timestamp"] for event in answer["events"]]
    assert times == sorted(times)
    assert job["startedAt"] - 1000 <= times[0]
    assert times[-1] <= job["stoppedAt"] + 1000
    assert all(e["ingestionTime"] >= e["timestamp"] for e in answer["events"])


def test_events_are_read_forward_until_the_token_stays(bench, printed):
    _, stream, _ = printed
    found, token = [], None
    for _ in range(10):
        more = {"nextToken": token} if token else {}
        answer = get(bench, stream, startFromHead=True, limit=10, **more)
        found.append(messages(answer))
        if answer["nextForwardToken"] == token:
            break
        token = answer["nextForwardToken"]
    assert found[:3] == [lines(1, 10), lines(11, 20), lines(21, 25)]
    assert found[-1] == []
    # The end is where later events would come.
    assert messages(get(bench, stream, nextToken=token)) == []


def test_without_from_head_the_newest_events_come_first_backwards(
    bench, printed
):
    _, stream, _ = printed
    answer = get(bench, stream, limit=10)
    assert messages(answer) == lines(16, 25)
    answer = get(
        bench, stream, limit=10, nextToken=answer["nextBackwardToken"]
    )
    assert messages(answer) == lines(6, 15)
    # Forward from there again.
    again = get(bench, stream, limit=10, nextToken=answer["nextForwardToken"])
    assert messages(again) == lines(16, 25)
    answer = get(
        bench, stream, limit=10, nextToken=answer["nextBackwardToken"]
    )
    assert messages(answer) == lines(1, 5)
    token = answer["nextBackwardToken"]
    answer = get(bench, stream, limit=10, nextToken=token)
    assert messages(answer) == []
    assert answer["nextBackwardToken"] == token


def test_events_are_selected_by_time(bench, queue, gate):
    job = bench.submit(queue, f"echo early; {gate.hold}; echo late")
    bench.wait_status(job, "RUNNING")
    stream = bench.describe(job)["container"]["logStreamName"]
    (early,) = wait_for(
        lambda: get(bench, stream, startFromHead=True)["events"]
    )
    gate.open()
    bench.wait_succeeded(job)
    _, late = get(bench, stream, startFromHead=True)["events"]
    assert late["timestamp"] > early["timestamp"]
    since = get(
        bench, stream, startFromHead=True, startTime=early["timestamp"] + 1
    )
    assert messages(since) == ["late"]
    # The end is not included.
    until = get(
        bench, stream, startFromHead=True, endTime=late["timestamp"]
    )
    assert messages(until) == ["early"]


def test_output_is_readable_while_the_job_runs(bench, queue, gate):
    job = bench.submit(queue, f"echo before; {gate.hold}; echo after")
    bench.wait_status(job, "RUNNING")
    stream = bench.describe(job)["container"]["logStreamName"]
    wait_for(lambda: bench.stream_lines(stream) == ["before"])
    assert bench.status(job) == "RUNNING"
    gate.open()
    bench.wait_succeeded(job)
    assert bench.stream_lines(stream) == ["before", "after"]


def test_both_outputs_come_in_the_order_in_which_they_were_written(
    bench, queue
):
    job = bench.run(
        queue, "echo one; echo two >&2; echo three; printf unfinished >&2"
    )
    assert bench.output(job["jobId"]) == ["one", "two", "three", "unfinished"]


def test_bytes_that_are_no_text_do_no_harm(bench, queue):
    job = bench.run(queue, r"printf 'a\377b\n\000c\n\033[1mbold\n'; echo end")
    found = bench.output(job["jobId"])
    assert found[0].startswith("a") and found[0].endswith("b")
    assert found[-1] == "end"
    assert len(found) == 4


def test_a_long_line_is_not_lost(bench, queue):
    job = bench.run(
        queue, "head -c 200000 /dev/zero | tr '\\0' x; echo; echo end"
    )
    found = bench.output(job["jobId"])
    assert found[-1] == "end"
    assert "".join(found[:-1]) == "x" * 200_000


def test_ten_thousand_lines_are_read_page_by_page(bench, queue):
    job = bench.run(queue, "seq 1 10000")
    assert bench.output(job["jobId"]) == [str(n) for n in range(1, 10_001)]


def test_a_silent_job_has_an_empty_stream(bench, queue):
    job = bench.run(queue, "exit 0")
    answer = get(
        bench, job["container"]["logStreamName"], startFromHead=True
    )
    assert answer["events"] == []


def test_what_is_not_there_is_told_in_aws_words(bench, printed):
    not_found = bench.logs.exceptions.ResourceNotFoundException
    with pytest.raises(not_found):
        bench.logs.get_log_events(
            logGroupName="/other", logStreamName="x", startFromHead=True
        )
    with pytest.raises(not_found):
        get(bench, "nothing/default/nobody")
    with pytest.raises(not_found):
        bench.logs.describe_log_streams(logGroupName="/other")
    with pytest.raises(not_found):
        bench.logs.filter_log_events(logGroupName="/other")


def test_an_unintelligible_token_is_refused(bench, printed):
    _, stream, _ = printed
    with pytest.raises(
        bench.logs.exceptions.InvalidParameterException
    ) as caught:
        get(bench, stream, nextToken="not one of ours")
    assert "nextToken" in str(caught.value)


# FilterLogEvents


def filtered(bench, **request):
    pages = bench.logs.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, **request
    )
    return [event for page in pages for event in page["events"]]


def test_events_are_filtered_by_a_term(bench, printed):
    _, stream, _ = printed
    found = filtered(
        bench, logStreamNames=[stream], filterPattern='"line 2"'
    )
    assert [event["message"] for event in found] == [
        "line 2",
        *lines(20, 25),
    ]
    assert all(event["logStreamName"] == stream for event in found)
    assert len({event["eventId"] for event in found}) == len(found)
    assert filtered(bench, logStreamNames=[stream], filterPattern="no") == []


def test_events_of_several_streams_are_interleaved_by_time(bench, queue):
    name = unique("interleaved")
    definition = bench.definition(
        ["/bin/sh", "-c", "echo $AWS_BATCH_JOB_ARRAY_INDEX"], name=name
    )
    array = bench.submit(
        queue, definition=definition, arrayProperties={"size": 5}
    )
    bench.wait_succeeded(array)
    found = filtered(bench, logStreamNamePrefix=f"{name}/")
    assert sorted(event["message"] for event in found) == list("01234")
    times = [event["timestamp"] for event in found]
    assert times == sorted(times)
    some = filtered(
        bench, logStreamNamePrefix=f"{name}/", startTime=times[-1] + 1
    )
    assert some == []


def test_filtered_events_come_page_by_page(bench, printed):
    _, stream, _ = printed
    pages = list(
        bench.logs.get_paginator("filter_log_events").paginate(
            logGroupName=GROUP,
            logStreamNames=[stream],
            PaginationConfig={"PageSize": 10},
        )
    )
    assert all(len(page["events"]) <= 10 for page in pages)
    found = [e["message"] for page in pages for e in page["events"]]
    assert found == lines(1, 25)


# aws logs tail


def debian_aws(server, *words):
    return [
        DEBIAN_AWS,
        "logs",
        "tail",
        GROUP,
        "--endpoint-url",
        server.url,
        "--format",
        "short",
        *words,
    ]


def test_logs_tail_prints_what_was_printed(server, printed):
    _, stream, _ = printed
    done = subprocess.run(
        debian_aws(
            server, "--log-stream-names", stream, "--since", "1h"
        ),
        env=server.client_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert [
        line.split(" ", 1)[1] for line in done.stdout.splitlines()
    ] == lines(1, 25)


def read_until(process, text, seconds=60):
    """What the process printed up to and with this text."""
    seen = ""
    end = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while text not in seen:
            left = end - time.monotonic()
            assert left > 0 and selector.select(left), f"only: {seen}"
            more = os.read(process.stdout.fileno(), 65536).decode()
            assert more, f"tail ended: {seen} {process.stderr.read()}"
            seen += more
    return seen


def test_logs_tail_follow_shows_lines_as_they_come(
    server, bench, queue, gates
):
    name = unique("followed")
    first, second = gates(), gates()
    definition = bench.definition(
        [
            "/bin/sh",
            "-c",
            f"echo one; {first.hold}; echo two; {second.hold}; echo three",
        ],
        name=name,
    )
    job = bench.submit(queue, definition=definition)
    bench.wait_status(job, "RUNNING")
    process = subprocess.Popen(
        debian_aws(
            server, "--follow", "--log-stream-name-prefix", f"{name}/"
        ),
        env={**server.client_environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        read_until(process, "one")
        first.open()
        read_until(process, "two")
        assert bench.status(job) == "RUNNING"
        second.open()
        read_until(process, "three")
    finally:
        process.terminate()
        process.wait(30)
    bench.wait_succeeded(job)

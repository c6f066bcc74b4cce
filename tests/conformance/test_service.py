"""GET /health, GET /metrics, GET /v1/events, and the command that starts it
all."""

import json
import re
import subprocess

import pytest

from berth_server import BERTH, BerthServer, arn
from event_stream import EventStream, is_of
from joined_cluster import skip_in_cluster
from wire import send, signed_headers
from waiting import wait_for
from workbench import Workbench


def test_health_needs_no_signature(server):
    answer = send(server, "GET", "/health")
    assert answer.status == 200


def test_metrics_are_in_the_form_of_prometheus(server, bench, queue):
    bench.run(queue, "exit 0")
    answer = send(server, "GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.body.decode()
    names = set(re.findall(r"^# TYPE (\S+) \S+$", text, re.MULTILINE))
    assert any(name.startswith("berth_") for name in names)
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(
            r"[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? \S+( \d+)?", line
        ), line


def test_state_changes_are_streamed(server, bench, queue):
    stream = EventStream(server)
    try:
        job = bench.submit(queue, "exit 0")
        found = stream.until(is_of(job, "SUCCEEDED"))
    finally:
        stream.close()
    ours = [event for event in found if is_of(job)(event)]
    ranks = ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    order = [ranks.index(event["detail"]["status"]) for event in ours]
    assert order == sorted(set(order))
    assert {ranks.index("RUNNING"), ranks.index("SUCCEEDED")} <= set(order)
    last = ours[-1]
    assert last["detail-type"] == "Batch Job State Change"
    assert last["source"] == "aws.batch"
    assert last["region"] == "us-east-1"
    assert last["account"] == "123456789012"
    assert last["resources"] == [arn("job", job)]
    assert last["detail"]["container"]["exitCode"] == 0


def test_a_stream_goes_on_after_a_position(server, bench, queue):
    first = EventStream(server)
    try:
        job = bench.submit(queue, "exit 0")
        seen = first.until(is_of(job, "SUCCEEDED"))
    finally:
        first.close()
    position = seen[-1]["position"]
    later = bench.submit(queue, "exit 0")
    again = EventStream(server, f"?after={position}")
    try:
        found = again.until(is_of(later, "SUCCEEDED"))
    finally:
        again.close()
    # Nothing that was seen before comes again.
    assert not [event for event in found if is_of(job)(event)]


@pytest.mark.parametrize("shards", [1, 3])
def test_a_stream_goes_on_after_a_restart(make_server, shards):
    server = make_server(shards=shards)
    bench = Workbench(server)
    queue = bench.slots(1)
    stream = EventStream(server)
    try:
        seen_job = bench.submit(queue, "exit 0")
        seen = stream.until(is_of(seen_job, "SUCCEEDED"))
        missed = bench.submit(queue, "exit 3")
        bench.wait_failed(missed)
    finally:
        stream.close()
    server.kill()
    server.start()
    again = EventStream(server, "?after=" + seen[-1]["position"])
    try:
        found = again.until(is_of(missed, "FAILED"))
    finally:
        again.close()
    assert not [event for event in found if is_of(seen_job)(event)]
    statuses = [e["detail"]["status"] for e in found if is_of(missed)(e)]
    assert statuses[-2:] == ["RUNNING", "FAILED"]


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ("nonsense", "is no position of an event"),
        ("00000000-1.0", "is a position in another server's log"),
    ],
)
def test_a_position_that_is_none_is_refused(server, after, why):
    path = f"/v1/events?after={after}"
    answer = send(
        server,
        "GET",
        path,
        headers=signed_headers(server, "GET", path, b""),
    )
    assert answer.status == 400
    assert f"after: {after} {why}" in answer.body.decode()


def test_a_reader_that_does_not_read_holds_up_nobody(server, bench):
    streams = [EventStream(server) for _ in range(5)]
    try:
        queue = bench.slots(8)
        array = bench.submit(
            queue, "exit 0", vcpus=0.5, arrayProperties={"size": 500}
        )
        bench.wait_succeeded(array)
    finally:
        for stream in streams:
            stream.close()


# Starting


@skip_in_cluster("looks at the output of berth dev")
def test_the_endpoint_is_written_and_printed_when_it_answers(server):
    url = server.url
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    assert url in server.log_path.read_text()


@skip_in_cluster("looks at the output of berth dev")
def test_dev_says_that_images_are_not_used(server):
    assert "image" in server.log_path.read_text()


@skip_in_cluster("starts berth dev twice")
def test_a_data_folder_in_use_is_refused(server):
    done = subprocess.run(
        server.command(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert str(server.data) in text
    assert "in use" in text or "another" in text
    assert send(server, "GET", "/health").status == 200


@pytest.mark.parametrize(
    "words",
    [
        ["--listen", "nonsense"],
        ["--listen", "127.0.0.1:99999"],
        ["--listen", "0.0.0.0:0"],
        ["--shards", "0"],
        ["--vcpus", "-1"],
        ["--set", "no_such_setting=1"],
        ["--set", "stop_grace_ms=soon"],
        ["--no-such-option"],
    ],
)
def test_options_out_of_bounds_are_refused_by_name(tmp_path, words):
    server = BerthServer(tmp_path)
    try:
        done = subprocess.run(
            [BERTH, "dev", "--data", str(server.data), *words],
            capture_output=True,
            text=True,
            timeout=20,
        )
    finally:
        # Whatever it has started all the same.
        server.close()
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert words[0].lstrip("-") in text
    assert words[-1].partition("=")[0] in text


def test_ctrl_c_leaves_jobs_running_and_says_so(make_server, gate, ledger):
    server = make_server()
    bench = Workbench(server)
    queue = bench.slots(1)
    job = bench.submit(
        queue, f"{ledger.write('start')}; {gate.hold}; {ledger.write('end')}"
    )
    wait_for(ledger.lines)
    server.interrupt()
    assert re.search("running|go on", server.log_tail())
    gate.open()
    wait_for(lambda: ledger.lines() == ["start", "end"])
    server.start()
    bench = Workbench(server)
    found = bench.wait_succeeded(job)
    assert len(found["attempts"]) == 1
    assert ledger.lines() == ["start", "end"]


def test_stop_ends_the_jobs_and_the_server(make_server, lock, ledger):
    server = make_server()
    bench = Workbench(server)
    bench.submit(
        bench.slots(1),
        f"{lock.take}; {ledger.write('start')}; exec sleep 600",
    )
    wait_for(ledger.lines)
    done = server.run_berth("stop")
    assert done.returncode == 0, done.stderr
    server.process.wait(30)
    wait_for(lock.is_free)


def test_a_server_that_was_stopped_knows_all_it_knew(make_server):
    server = make_server()
    bench = Workbench(server)
    queue = bench.slots(2, tags={"a": "1"})
    job = bench.run(queue, "echo hello; exit 0")
    failed = bench.wait_failed(bench.submit(queue, "exit 3"))
    server.interrupt()
    server.start()
    bench = Workbench(server)
    assert bench.describe(job["jobId"]) == job
    assert bench.describe(failed["jobId"]) == failed
    assert bench.output(job["jobId"]) == ["hello"]
    (found,) = bench.batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
    assert found["tags"] == {"a": "1"}
    bench.run(queue, "exit 0")


def test_ended_jobs_are_forgotten_after_their_retention(make_server):
    server = make_server(settings={"retention_ms": 500})
    bench = Workbench(server)
    queue = bench.slots(1)
    job = bench.run(queue, "exit 0")["jobId"]
    wait_for(lambda: not bench.batch.describe_jobs(jobs=[job])["jobs"])
    listing = bench.batch.list_jobs(jobQueue=queue, jobStatus="SUCCEEDED")
    assert listing["jobSummaryList"] == []
    # A forgotten id is an unknown one.
    bench.refused(
        "submit_job",
        [job],
        jobName="late",
        jobQueue=queue,
        jobDefinition=bench.definition(),
        dependsOn=[{"jobId": job}],
    )
    bench.run(queue, "exit 0")


def test_several_servers_live_side_by_side(make_server):
    servers = [make_server() for _ in range(2)]
    assert servers[0].url != servers[1].url
    for server in servers:
        bench = Workbench(server)
        bench.run(bench.slots(1, name="same-name"), "exit 0")


def test_a_server_with_several_shards_does_all_the_same(make_server):
    bench = Workbench(make_server(shards=3))
    queues = [bench.slots(2) for _ in range(4)]
    jobs = [
        bench.submit(queue, "exit 0", arrayProperties={"size": 3})
        for queue in queues
    ]
    after = [
        bench.submit(
            queues[(number + 1) % 4], "exit 0", dependsOn=[{"jobId": job}]
        )
        for number, job in enumerate(jobs)
    ]
    bench.wait_all([*jobs, *after], "SUCCEEDED")

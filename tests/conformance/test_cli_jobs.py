"""Commands that list, show, explain and end jobs."""

import json

import pytest

from command_line import FAILED, CommandLine


@pytest.fixture
def cli(tmp_path, server):
    return CommandLine(tmp_path / "here", server)


@pytest.fixture
def full(bench, gate):
    """(queue, job that runs in it): a queue with one slot that is taken."""
    queue = bench.slots(1)
    holder = bench.submit(queue, gate.hold)
    bench.wait_status(holder, "RUNNING")
    return queue, holder


def ids_of(document):
    return [job["jobId"] for job in document["jobSummaryList"]]


def test_jobs_lists_those_that_wait_or_run(cli, bench, full, gate):
    queue, holder = full
    waiting = bench.submit(queue, "exit 0", jobName="next")
    listed = cli.json("jobs", "--queue", queue)
    assert sorted(ids_of(listed)) == sorted([holder, waiting])
    assert {job["jobQueue"] for job in listed["jobSummaryList"]} == {queue}
    assert ids_of(cli.json("jobs", "--queue", queue, "--status", "running")) == [
        holder
    ]
    text = cli.ok("jobs", "--queue", queue)
    assert "next" in text and "RUNNABLE" in text and waiting in text
    gate.open()
    bench.wait_all([holder, waiting], "SUCCEEDED")
    assert ids_of(cli.json("jobs", "--queue", queue)) == []
    assert len(ids_of(cli.json("jobs", "--queue", queue, "--all"))) == 2
    code, out, messages = cli.run("jobs", "--queue", queue)
    assert (code, out) == (0, "")
    assert "--all" in messages


def test_jobs_may_be_limited(cli, bench, full):
    queue, _ = full
    for _ in range(4):
        bench.submit(queue, "exit 0")
    assert len(ids_of(cli.json("jobs", "--queue", queue, "--limit", "3"))) == 3
    _, _, messages = cli.run("jobs", "--queue", queue, "--limit", "3")
    assert "--limit" in messages


def test_job_shows_one_whole_and_several_in_a_table(cli, bench, queue):
    one = bench.wait_failed(bench.submit(queue, "exit 9", jobName="fell"))
    other = bench.run(queue, "exit 0")
    text = cli.ok("job", one["jobId"])
    for word in (one["jobId"], "fell", "FAILED", "9"):
        assert word in text
    assert cli.json("job", one["jobId"]) == cli.json("job", one["jobId"])
    assert cli.json("job", one["jobId"])["status"] == "FAILED"
    both = cli.json("job", one["jobId"], other["jobId"])
    assert [job["jobId"] for job in both["jobs"]] == [
        one["jobId"],
        other["jobId"],
    ]
    lines = cli.ok("job", one["jobId"], other["jobId"]).splitlines()
    assert len(lines) == 3


def test_job_shows_the_children_of_an_array(cli, bench, queue):
    array = bench.submit(queue, "exit 0", arrayProperties={"size": 3})
    bench.wait_succeeded(array)
    lines = cli.ok("job", "--children", array).splitlines()
    assert len(lines) == 1 + 1 + 3
    for index in range(3):
        assert any(f":{index}" in line for line in lines)


def test_why_tells_what_a_job_waits_for(cli, bench, full):
    queue, holder = full
    first = bench.submit(queue, "exit 0", jobName="first")
    second = bench.submit(queue, "exit 0", jobName="second")
    bench.wait_all([first, second], "RUNNABLE")
    answer = cli.json("why", second)
    assert answer["position"] == 1
    assert answer["reason"]
    assert answer["sentences"]
    assert answer["job"]["jobId"] == second
    text = cli.ok("why", second)
    assert text.startswith("second is RUNNABLE")
    assert "1 before it" in text
    for sentence in answer["sentences"]:
        assert sentence in text
    assert "RUNNING" in cli.ok("why", holder)


def test_why_tells_of_a_dependency(cli, bench, full):
    queue, holder = full
    job = bench.submit(queue, "exit 0", dependsOn=[{"jobId": holder}])
    assert holder in " ".join(cli.json("why", job)["sentences"])


def test_cancel_ends_what_has_not_started(cli, bench, full):
    queue, holder = full
    jobs = [bench.submit(queue, "exit 0") for _ in range(2)]
    answer = cli.json("cancel", "--reason", "not needed", *jobs)
    assert answer == {"operation": "CancelJob", "jobIds": jobs}
    for job in jobs:
        found = bench.wait_failed(job)
        assert found["statusReason"] == "not needed"
        assert found.get("attempts", []) == []
    # A running one goes on.
    cli.ok("cancel", holder)
    assert bench.status(holder) == "RUNNING"


def test_terminate_ends_what_runs(cli, bench, full):
    _, holder = full
    answer = cli.json("terminate", "--reason", "too long", holder)
    assert answer == {"operation": "TerminateJob", "jobIds": [holder]}
    found = bench.wait_failed(holder)
    assert found["statusReason"] == "too long"
    assert found["container"]["exitCode"] in (137, 143)


def test_ending_an_unknown_job_fails_and_ends_the_others(cli, bench, full):
    queue, _ = full
    job = bench.submit(queue, "exit 0")
    unknown = "00000000-0000-4000-8000-000000000000"
    code, _, messages = cli.run("cancel", unknown, job)
    assert code == FAILED
    assert unknown in messages and "berth jobs --all" in messages
    bench.wait_failed(job)


def test_queues_environments_and_definitions_are_listed(cli, bench):
    environment = bench.environment(3)
    queue = bench.queue(environment, priority=77)
    definition, _, revision = bench.definition().partition(":")
    found = {q["jobQueueName"]: q for q in cli.json("queues")["jobQueues"]}
    assert found[queue]["priority"] == 77
    names = [
        e["computeEnvironmentName"]
        for e in cli.json("environments")["computeEnvironments"]
    ]
    assert environment in names
    definitions = cli.json("definitions")["jobDefinitions"]
    assert (definition, int(revision)) in [
        (d["jobDefinitionName"], d["revision"]) for d in definitions
    ]
    row = next(
        line for line in cli.ok("queues").splitlines() if queue in line
    )
    assert "77" in row and "ENABLED" in row
    assert environment in cli.ok("environments")
    assert definition in cli.ok("definitions")


def test_logs_prints_what_a_job_wrote(cli, bench, queue):
    job = bench.run(queue, "echo out; echo err >&2; printf tail")["jobId"]
    assert sorted(cli.ok("logs", job).splitlines()) == ["err", "out", "tail"]
    stamped = cli.ok("logs", "--timestamps", job).splitlines()
    assert len(stamped) == 3
    for line in stamped:
        stamp, _, text = line.partition(" ")
        assert stamp.endswith("Z") and "T" in stamp
        assert text in ("out", "err", "tail")


def test_logs_with_json_is_a_line_per_event(cli, bench, queue):
    job = bench.run(queue, 'echo "a \\"quoted\\" word"')["jobId"]
    (line,) = cli.ok("logs", "--json", job).splitlines()
    event = json.loads(line)
    assert event["message"] == 'a "quoted" word'
    assert event["timestamp"] > 0


def test_logs_of_all_attempts_follow_one_another(cli, bench, queue):
    job = bench.submit(
        queue,
        "echo attempt $AWS_BATCH_JOB_ATTEMPT; exit 1",
        retryStrategy={"attempts": 2},
    )
    bench.wait_failed(job)
    code, out, messages = cli.run("logs", job)
    assert code == 0
    assert out.splitlines() == ["attempt 1", "attempt 2"]
    assert "attempt 2" in messages


def test_logs_follow_a_job_to_its_end(cli, bench, queue, gate):
    job = bench.submit(queue, f"echo before; {gate.hold}; echo after")
    following = cli.start("logs", "-f", job)
    # Read while it runs: only the gate lets it write the rest.
    assert following.stdout.readline() == "before\n"
    assert following.poll() is None
    gate.open()
    out, _ = following.communicate(timeout=60)
    assert out == "after\n"
    assert following.returncode == 0


def test_logs_follow_a_job_that_has_not_started(cli, bench, full, gate):
    queue, _ = full
    job = bench.submit(queue, "echo late")
    code, out, messages = cli.run("logs", job)
    assert (code, out) == (0, "")
    assert "berth why" in messages
    following = cli.start("logs", "--follow", job)
    gate.open()
    out, _ = following.communicate(timeout=60)
    assert out == "late\n"
    assert following.returncode == 0


def test_audit_history_tells_a_life_in_words(cli, bench, queue):
    job = bench.submit(queue, "exit 4", jobName="audited")
    bench.wait_failed(job)
    lines = cli.json_audit("history", job)["history"]
    assert lines
    offsets = [line["offset"] for line in lines]
    assert offsets == sorted(offsets)
    for line in lines:
        assert line["text"] and line["node"] and line["at_ms"] > 0
        assert line["seq"] > 0
    told = " ".join(line["text"] for line in lines).lower()
    for word in ("submitted", "exit", "4"):
        assert word in told
    text = cli.ok("audit", "history", job)
    for line in lines:
        assert line["text"] in text


def test_audit_history_tells_of_a_child(cli, bench, queue):
    array = bench.submit(queue, "exit 0", arrayProperties={"size": 2})
    bench.wait_succeeded(array)
    assert cli.json_audit("history", f"{array}:1")["history"]


def test_audit_verify_finds_all_well(cli, bench, queue):
    bench.run(queue, "exit 0")
    answer = cli.json_audit("verify")
    assert answer["ok"] is True
    for shard in answer["shards"]:
        assert shard["agrees"] is True
        assert shard["problem"] == ""
        assert shard["decisions"] > 0
    assert "agrees with" in cli.ok("audit", "verify")

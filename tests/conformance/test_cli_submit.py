"""`berth submit`, `wait`: what docs/cli.md says under "Submitting"."""

import pytest

from command_line import FAILED, CommandLine
from waiting import wait_for


@pytest.fixture
def cli(tmp_path, server):
    return CommandLine(tmp_path / "here", server)


def test_submit_prints_the_id_alone(cli, bench):
    job = cli.submit("--name", "alone", "--", "true")
    found = bench.wait_succeeded(job)
    assert found["jobName"] == "alone"
    assert found["jobQueue"].endswith("job-queue/default")


def test_the_first_use_makes_the_defaults(make_server, tmp_path):
    server = make_server()
    cli = CommandLine(tmp_path / "here", server)
    assert cli.json("queues") == {"jobQueues": []}
    cli.submit("--wait", "--", "true")
    (queue,) = cli.json("queues")["jobQueues"]
    (environment,) = cli.json("environments")["computeEnvironments"]
    (definition,) = cli.json("definitions")["jobDefinitions"]
    assert queue["jobQueueName"] == "default"
    assert queue["priority"] == 1
    assert environment["computeEnvironmentName"] == "default"
    assert environment["computeResources"]["maxvCpus"] == 256
    assert definition["jobDefinitionName"] == "default"
    cli.submit("--wait", "--", "true")
    assert len(cli.json("definitions")["jobDefinitions"]) == 1


def test_the_job_runs_where_its_submitter_is(cli):
    job = cli.submit(
        *("--env", "GIVEN=a b", "--env", "NO_COLOR", "--wait", "--"),
        *("sh", "-c", "pwd; echo $GIVEN $NO_COLOR $HOME; touch made-by-job"),
    )
    assert cli.ok("logs", job).splitlines() == [
        str(cli.folder),
        f"a b 1 {cli.folder}",
    ]
    assert (cli.folder / "made-by-job").exists()


@pytest.mark.parametrize("code", [0, 1, 3, 42, 255])
def test_wait_ends_with_the_code_of_the_job(cli, code):
    found, out, messages = cli.run(
        "submit", "--wait", "--", "sh", "-c", f"exit {code}"
    )
    assert found == code
    (job,) = out.splitlines()
    assert ("SUCCEEDED" if code == 0 else "FAILED") in messages
    assert job


def test_wait_of_a_job_without_an_exit_code_is_1(cli):
    found, out, messages = cli.run("submit", "--wait", "--", "no-such-command")
    assert found == FAILED
    assert "no-such-command" in messages
    (job,) = out.splitlines()
    detail = cli.json("job", job)
    assert "exitCode" not in detail["container"]


def test_wait_with_json_is_the_job_at_its_end(cli):
    detail = cli.json(
        *("submit", "--wait", "--name", "told", "--"),
        *("sh", "-c", "exit 7"),
        code=7,
    )
    assert detail["jobName"] == "told"
    assert detail["status"] == "FAILED"
    assert detail["container"]["exitCode"] == 7


def test_submit_with_json_is_the_answer_of_submitjob(cli):
    answer = cli.json("submit", "--name", "n", "--", "true")
    assert sorted(answer) == ["jobArn", "jobId", "jobName"]
    assert answer["jobName"] == "n"


def test_retries_are_attempts_in_all(cli, ledger):
    script = f"{ledger.write('try')}; test $(wc -l < {ledger.path}) -ge 3"
    detail = cli.json(
        *("submit", "--wait", "--retries", "3", "--", "sh", "-c", script)
    )
    assert len(detail["attempts"]) == 3
    assert ledger.lines() == ["try"] * 3


def test_a_timeout_ends_the_attempt(cli):
    code, out, messages = cli.run(
        "submit", "--wait", "--timeout", "1", "--", "sleep", "600"
    )
    # SIGTERM ended it, and 128 + 15 says so.
    assert code == 143, (out, messages)
    detail = cli.json("job", out.strip())
    assert "timeout" in detail["statusReason"]


def test_needs_are_those_asked_for(cli):
    detail = cli.json(
        *("submit", "--wait", "--vcpus", "0.5", "--memory", "128"),
        *("--", "true"),
    )
    needs = {
        n["type"]: n["value"]
        for n in detail["container"]["resourceRequirements"]
    }
    assert needs == {"VCPU": "0.5", "MEMORY": "128"}


def test_an_array_waits_for_all_its_children(cli, ledger):
    detail = cli.json(
        *("submit", "--wait", "--array", "4", "--", "sh", "-c"),
        ledger.write("$AWS_BATCH_JOB_ARRAY_INDEX"),
    )
    assert detail["arrayProperties"]["size"] == 4
    assert detail["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 4
    assert sorted(ledger.lines()) == ["0", "1", "2", "3"]


def test_an_array_with_a_failed_child_fails(cli):
    code, _, messages = cli.run(
        *("submit", "--wait", "--array", "3", "--", "sh", "-c"),
        "test $AWS_BATCH_JOB_ARRAY_INDEX != 1",
    )
    assert code == FAILED
    assert "FAILED" in messages


def test_depends_on_an_id_waits_for_it(cli, gate, ledger):
    first = cli.submit(
        "--", "sh", "-c", f"{gate.hold}; {ledger.write('first')}"
    )
    then = cli.submit(
        *("--depends-on", first, "--", "sh", "-c", ledger.write("then"))
    )
    assert cli.json("job", then)["status"] == "PENDING"
    gate.open()
    cli.ok("wait", first, then)
    assert ledger.lines() == ["first", "then"]


def test_depends_on_sequential_runs_child_after_child(cli, ledger):
    cli.submit(
        *("--wait", "--array", "4", "--depends-on", "SEQUENTIAL", "--"),
        *("sh", "-c", ledger.write("$AWS_BATCH_JOB_ARRAY_INDEX")),
    )
    assert ledger.lines() == ["0", "1", "2", "3"]


def test_depends_on_n_to_n_pairs_the_children(cli, ledger):
    first = cli.submit(
        *("--array", "3", "--", "sh", "-c"),
        ledger.write("first $AWS_BATCH_JOB_ARRAY_INDEX"),
    )
    cli.submit(
        *("--wait", "--array", "3", "--depends-on", f"{first},N_TO_N", "--"),
        *("sh", "-c", ledger.write("then $AWS_BATCH_JOB_ARRAY_INDEX")),
    )
    lines = ledger.lines()
    assert len(lines) == 6
    for index in range(3):
        assert lines.index(f"first {index}") < lines.index(f"then {index}")


def test_wait_follows_several_and_fails_if_one_failed(cli, gate):
    jobs = [
        cli.submit("--", "sh", "-c", f"{gate.hold}; exit {code}")
        for code in (0, 5)
    ]
    waiting = cli.start("wait", *jobs)
    # It says how they are, and goes on until they end.
    assert "RUN" in waiting.stdout.readline()
    gate.open()
    waiting.communicate(timeout=60)
    assert waiting.returncode == FAILED
    assert cli.run("wait", jobs[0])[0] == 0
    answer = cli.json("wait", *jobs, code=FAILED)
    assert [job["status"] for job in answer["jobs"]] == ["SUCCEEDED", "FAILED"]


def test_wait_for_an_array_of_which_children_run(cli, gate, ledger):
    array = cli.submit(
        *("--array", "3", "--", "sh", "-c"),
        f"{ledger.write('up')}; {gate.hold}",
    )
    wait_for(ledger.lines)
    waiting = cli.start("wait", "--json", array)
    gate.open()
    out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert '"SUCCEEDED": 3' in out

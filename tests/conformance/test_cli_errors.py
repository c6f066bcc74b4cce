"""Bad input on the command line: the exit codes of docs/cli.md, nothing on
stdout, and a message that names what is wrong and what to do next."""

import re
import socket

import pytest

from berth_server import BerthServer
from command_line import DONE, FAILED, UNREACHABLE, USAGE, CommandLine
from waiting import wait_for
from workbench import Workbench

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def cli(tmp_path, server):
    return CommandLine(tmp_path / "here", server)


@pytest.fixture
def alone(tmp_path):
    """A command line without a server."""
    return CommandLine(tmp_path / "alone")


class CheckingServer(BerthServer):
    def command(self):
        return [*super().command(), "--check-signatures"]


@pytest.fixture
def checking_server(tmp_path):
    server = CheckingServer(tmp_path / "checking")
    yield server.start()
    server.close()


COMMANDS_OF_A_SERVER = [
    ("submit", "--", "true"),
    ("jobs",),
    ("job", UNKNOWN),
    ("wait", UNKNOWN),
    ("logs", UNKNOWN),
    ("why", UNKNOWN),
    ("cancel", UNKNOWN),
    ("terminate", UNKNOWN),
    ("queues",),
    ("environments",),
    ("definitions",),
]


def first_word(words):
    return words[0] if isinstance(words, tuple) else str(words)


@pytest.mark.parametrize("words", COMMANDS_OF_A_SERVER, ids=first_word)
def test_without_a_server_the_message_says_how_to_start_one(alone, words):
    messages = alone.refused(UNREACHABLE, *words)
    assert f"berth dev --data {alone.folder}/.berth" in messages
    assert "--endpoint" in messages and "BERTH_ENDPOINT" in messages


def test_an_endpoint_that_nobody_answers_at_is_named(alone):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    messages = alone.refused(UNREACHABLE, "jobs", "--endpoint", url)
    assert url in messages and "berth dev" in messages


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "http://", "https://127.0.0.1", "nonsense:x:y"]
)
def test_an_endpoint_that_is_none_is_refused(alone, url):
    messages = alone.refused(USAGE, "jobs", "--endpoint", url)
    assert url in messages and "http://" in messages
    messages = alone.refused(USAGE, "jobs", BERTH_ENDPOINT=url)
    assert "BERTH_ENDPOINT" in messages


def test_another_server_is_recognised_as_such(alone):
    with socket.create_server(("127.0.0.1", 0)) as other:
        url = f"http://127.0.0.1:{other.getsockname()[1]}"
        asking = alone.start("queues", "--endpoint", url)
        connection, _ = other.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                b"Connection: close\r\n\r\nhello"
            )
        out, messages = asking.communicate(timeout=60)
    assert asking.returncode == FAILED
    assert out == "" and "another server" in messages


WRONG_LINES = [
    ((), "subcommand"),
    (("fly",), "fly"),
    (("jobs", "--colour"), "--colour"),
    (("jobs", "--limit", "0"), "--limit"),
    (("jobs", "--limit", "many"), "--limit"),
    (("jobs", "--status", "LOST"), "SUBMITTED, PENDING, RUNNABLE"),
    (("job",), "id"),
    (("wait",), "id"),
    (("cancel",), "id"),
    (("why",), "id"),
    (("logs",), "id"),
    (("submit",), "command"),
    (("submit", "--array", "-1", "--", "true"), "--array"),
    (("submit", "--retries", "x", "--", "true"), "--retries"),
    (("submit", "--depends-on", "a,B", "--", "true"), "ID,N_TO_N"),
    (("submit", "--depends-on", ",N_TO_N", "--", "true"), "ID,N_TO_N"),
    (("submit", "--env", "NOT_SET_HERE", "--", "true"), "NAME=VALUE"),
    (("submit", "--env", "=x", "--", "true"), "NAME=VALUE"),
    (("audit",), "subcommand"),
    (("audit", "history"), "job"),
    (("audit", "history", "nonsense"), "nonsense"),
]


@pytest.mark.parametrize(
    "words,hint", WRONG_LINES, ids=lambda value: " ".join(value) or "nothing"
)
def test_a_wrong_command_line_is_2_and_says_what_would_be_right(
    cli, words, hint
):
    assert hint in cli.refused(USAGE, *words)


REFUSALS = [
    (("submit", "--array", "1", "--", "true"), "arrayProperties.size.*2"),
    (("submit", "--array", "10001", "--", "true"), "size.*10000"),
    (("submit", "--retries", "11", "--", "true"), "attempts.*10"),
    (("submit", "--retries", "0", "--", "true"), "attempts.*1"),
    (("submit", "--timeout", "0", "--", "true"), "attemptDurationSeconds"),
    (("submit", "--vcpus", "none", "--", "true"), 'VCPU.*"0.25"'),
    (("submit", "--memory", "-5", "--", "true"), "MEMORY"),
    (("submit", "--name", "a b", "--", "true"), "jobName.*letters"),
    (("submit", "--queue", "nowhere", "--", "true"), "nowhere"),
    (("submit", "--definition", "none:7", "--", "true"), "none:7"),
    (("submit", "--depends-on", UNKNOWN, "--", "true"), UNKNOWN),
    (("submit", "--depends-on", "SEQUENTIAL", "--", "true"), "arrayProp"),
    (("jobs", "--queue", "nowhere"), "nowhere"),
    (("job", UNKNOWN), "berth jobs --all"),
    (("job", "nonsense"), "berth jobs --all"),
    (("wait", UNKNOWN), "berth jobs --all"),
    (("logs", UNKNOWN), "berth jobs --all"),
    (("why", UNKNOWN), UNKNOWN),
    (("cancel", UNKNOWN), "berth jobs --all"),
    (("terminate", UNKNOWN), "berth jobs --all"),
    (("audit", "history", UNKNOWN), UNKNOWN),
]


@pytest.mark.parametrize(
    "words,hint", REFUSALS, ids=lambda value: " ".join(value)
)
def test_what_the_server_refuses_is_1_and_names_the_member(cli, words, hint):
    messages = cli.refused(FAILED, *words)
    assert re.search(hint, messages), messages


def test_the_log_of_an_array_is_its_childrens(cli, bench, queue):
    array = bench.submit(queue, "exit 0", arrayProperties={"size": 2})
    assert f"berth logs {array}:0" in cli.refused(USAGE, "logs", array)
    bench.wait_succeeded(array)


def test_nothing_is_submitted_by_a_refused_line(cli):
    before = cli.json("jobs", "--all")
    for words, _ in REFUSALS[:6]:
        cli.refused(FAILED, *words)
    assert cli.json("jobs", "--all") == before


def test_the_nearest_name_of_a_server_wins(alone, make_server):
    """--endpoint, --data, BERTH_ENDPOINT, BERTH_DATA, ~/.berth."""
    one, other = make_server(), make_server()
    Workbench(one).environment(1, name="of-one")
    Workbench(other).environment(1, name="of-other")
    nowhere = str(alone.folder / "nowhere")

    def names(*words, **variables):
        code, out, messages = alone.run(
            "environments", "--json", *words, **variables
        )
        assert code == DONE, messages
        return "of-one" if '"of-one"' in out else "of-other"

    everything = {"BERTH_ENDPOINT": other.url, "BERTH_DATA": str(other.data)}
    assert names("--endpoint", one.url, "--data", str(other.data)) == "of-one"
    assert names("--data", str(one.data), **everything) == "of-one"
    assert (
        names(BERTH_ENDPOINT=one.url, BERTH_DATA=str(other.data)) == "of-one"
    )
    assert names(BERTH_DATA=str(one.data)) == "of-one"
    (alone.folder / ".berth").symlink_to(one.data)
    assert names() == "of-one"
    messages = alone.refused(UNREACHABLE, "jobs", "--data", nowhere)
    assert nowhere in messages


def test_audits_find_their_server_like_all_commands(alone, make_server):
    one, other = make_server(), make_server()
    bench = Workbench(one)
    job = bench.run(bench.slots(1), "exit 0")["jobId"]
    everything = {"BERTH_ENDPOINT": other.url, "BERTH_DATA": str(other.data)}
    words = ("audit", "history", "--json", job)
    for choice in (("--endpoint", one.url), ("--data", str(one.data))):
        code, out, messages = alone.run(*words, *choice, **everything)
        assert code == DONE, (choice, messages)
        assert '"history"' in out


def test_audits_read_the_folder_of_a_server_that_is_down(alone, make_server):
    server = make_server()
    bench = Workbench(server)
    job = bench.run(bench.slots(1), "exit 0")["jobId"]
    # Its file `endpoint` stays.
    server.kill()
    choice = ("--data", str(server.data))
    assert '"history"' in alone.ok("audit", "history", "--json", job, *choice)
    assert "agrees with" in alone.ok("audit", "verify", *choice)
    # To be read is not to be changed.
    server.start()
    assert Workbench(server).describe(job)["status"] == "SUCCEEDED"


def test_audits_of_a_folder_that_is_none_say_so(alone):
    nowhere = str(alone.folder / "nowhere")
    messages = alone.refused(UNREACHABLE, "audit", "verify", "--data", nowhere)
    assert nowhere in messages


def test_a_server_that_checks_signatures_takes_the_key_of_its_folder(
    alone, checking_server
):
    server = checking_server
    data = ("--data", str(server.data))
    job = alone.ok("submit", "--wait", *data, "--", "echo", "signed").strip()
    assert alone.ok("logs", *data, job) == "signed\n"
    assert '"history"' in alone.ok("audit", "history", "--json", *data, job)
    assert "agrees with" in alone.ok("audit", "verify", *data)
    # Without the folder there is no key.
    messages = alone.refused(FAILED, "jobs", "--endpoint", server.url)
    assert "credentials" in messages and "--data" in messages


def test_stop_ends_server_and_jobs_and_says_so(alone, make_server, lock):
    server = make_server()
    bench = Workbench(server)
    bench.submit(bench.slots(1), f"{lock.take}; exec sleep 600")
    wait_for(lambda: not lock.is_free())
    pid = server.process.pid
    code, out, messages = alone.run("stop", "--data", str(server.data))
    assert (code, out) == (DONE, "Stopped.\n")
    assert str(pid) in messages
    # It returns when all of it is gone.
    assert lock.is_free()
    assert server.process.wait(30) == 0
    messages = alone.refused(UNREACHABLE, "stop", "--data", str(server.data))
    assert str(server.data) in messages


def test_stop_with_json_names_the_process(alone, make_server):
    server = make_server()
    pid = server.process.pid
    assert alone.json("stop", "--data", str(server.data)) == {
        "pid": pid,
        "stopped": True,
    }


def test_every_command_explains_itself(alone):
    for words in [*COMMANDS_OF_A_SERVER, ("stop",), ("dev",)]:
        text = alone.ok(words[0], "--help")
        assert "Example" in text, words
        assert f"berth {words[0]}" in text
    for words in (("audit", "history"), ("audit", "verify")):
        assert "Example" in alone.ok(*words, "--help")
    assert re.match(r"\d+\.\d+", alone.ok("--version"))

"""The instruments themselves: what the accounts must notice, and that calls
are spread."""

import http.server
import threading
import types
import urllib.request

import pytest

from accounts import Accounts, account_for_ends, account_for_ledger
from faults import Impaired
from relay import Relay
from shard_log import Claim, longest_without_owner
from storm import Expected, Storm
from workbench import Ledger


def storm_of(tmp_path, lines, *expected):
    """A storm that is over, with such a ledger."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.path.write_text("".join(f"{line}\n" for line in lines))
    storm = types.SimpleNamespace(
        ledger=ledger, expected=expected, arrays=[], lossy=True
    )
    storm.check_attempts = lambda *all: Storm.check_attempts(storm, *all)
    storm.check_end = lambda *all: Storm.check_end(storm, *all)
    return storm


def job_of(status, *codes):
    attempts = [{"container": {"exitCode": code}} for code in codes]
    return {"status": status, "attempts": attempts}


def account(storm, jobs):
    accounts = Accounts()
    account_for_ledger(accounts, storm, jobs)
    account_for_ends(accounts, storm, jobs)
    return {what for what, found in accounts.findings().items() if found}


def test_a_job_that_ended_as_it_had_to_is_good(tmp_path):
    storm = storm_of(tmp_path, ["a:1:start", "a:1:end"], Expected("a", "good"))
    assert account(storm, {"a": job_of("SUCCEEDED", 0)}) == set()


@pytest.mark.parametrize(
    "lines, jobs, finding",
    [
        (
            ["a:1:start", "a:1:start", "a:1:end"],
            {"a": job_of("SUCCEEDED", 0)},
            "attempts started twice",
        ),
        (
            ["a:1:start", "a:1:overlap", "a:1:end"],
            {"a": job_of("SUCCEEDED", 0)},
            "attempts of one job at one time",
        ),
        ([], {}, "accepted jobs lost"),
        (
            ["a:1:start"],
            {"a": job_of("RUNNING")},
            "jobs not drained",
        ),
        (
            ["a:1:start", "a:1:end"],
            {"a": job_of("FAILED", 0)},
            "jobs that ended otherwise than they had to",
        ),
        (
            [],
            {"a": job_of("SUCCEEDED", 0)},
            "jobs that ended otherwise than they had to",
        ),
    ],
    ids=["twice", "overlap", "lost", "not drained", "wrong end", "never ran"],
)
def test_each_wrong_is_found(tmp_path, lines, jobs, finding):
    storm = storm_of(tmp_path, lines, Expected("a", "good"))
    assert account(storm, jobs) == {finding}


def test_a_shard_is_without_owner_from_a_kill_to_the_next_claim():
    claims = [
        Claim(0, 1, 1000, "one"),
        Claim(0, 9, 7500, "two"),
        Claim(1, 1, 1000, "two"),
    ]
    killed = [Impaired("one", 5000, 6000, True)]
    assert longest_without_owner(claims, killed) == (2500, 0)
    # A paused one that comes back is the owner again.
    paused = [Impaired("one", 5000, 6000, False)]
    assert longest_without_owner(claims, paused) == (1000, 0)
    assert longest_without_owner(claims, []) == (0, None)


def test_a_shard_that_nobody_claims_again_never_has_an_owner():
    claims = [Claim(0, 1, 1000, "one")]
    killed = [Impaired("one", 5000, 6000, True)]
    assert longest_without_owner(claims, killed)[0] == float("inf")


class Named(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = str(self.server.server_port).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def named_servers():
    servers = [
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Named)
        for _ in range(3)
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


def test_calls_are_spread_over_the_nodes_that_are_up(named_servers):
    # One more that is down.
    addresses = [s.server_address for s in named_servers] + [("127.0.0.1", 1)]
    relay = Relay(lambda: addresses, seed=1).start()
    try:
        answers = [
            urllib.request.urlopen(relay.url).read() for _ in range(60)
        ]
    finally:
        relay.close()
    ports = {str(server.server_port).encode() for server in named_servers}
    assert set(answers) == ports

import json
import subprocess
from pathlib import Path

import pytest

from berth_server import BerthServer
from joined_cluster import CLUSTER, OWN_SERVER, JoinedCluster
from slow_disk import build_slow_disk
from workbench import Gate, Ledger, Lock, Workbench

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server that most tests share: 8 vCPUs declared."""
    kind = JoinedCluster if CLUSTER else BerthServer
    server = kind(tmp_path_factory.mktemp("server"))
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def make_server(tmp_path):
    """Starts servers of the test's own."""
    if CLUSTER:
        pytest.skip(OWN_SERVER)
    servers = []

    def make(**options):
        folder = tmp_path / f"server-{len(servers)}"
        servers.append(BerthServer(folder, **options))
        return servers[-1].start()

    yield make
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def slow_disk(tmp_path_factory):
    """The library that makes a server's syncs slow."""
    return build_slow_disk(tmp_path_factory.mktemp("slow_disk"))


@pytest.fixture(scope="session")
def bench(server):
    return Workbench(server)


@pytest.fixture(scope="module")
def queue(bench):
    """A queue with 8 vCPUs for the tests of one module."""
    return bench.slots(8)


@pytest.fixture
def batch(bench):
    return bench.batch


@pytest.fixture
def gate(tmp_path):
    gate = Gate(tmp_path / "gate")
    yield gate
    # Whatever still waits for it may end.
    gate.open()


@pytest.fixture
def gates(tmp_path):
    made = []

    def make():
        made.append(Gate(tmp_path / f"gate-{len(made)}"))
        return made[-1]

    yield make
    for gate in made:
        gate.open()


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def lock(tmp_path):
    return Lock(tmp_path / "lock")


@pytest.fixture(scope="session")
def js(server):
    """Runs one of the programs in js/ and returns what it printed."""

    def run(program, *words, stdin=None):
        done = subprocess.run(
            ["node", str(HERE / "js" / program), *words],
            input=json.dumps(stdin if stdin is not None else {}),
            env=server.client_environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def js_call(js):
    """One operation through the JavaScript SDK; its output."""

    def call(operation, **request):
        result = js("call.mjs", operation, stdin=request)
        assert "output" in result, result
        return result["output"]

    return call

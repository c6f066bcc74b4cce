import itertools

import pytest

from berth_cluster import BerthCluster
from brokers import Brokers
from places import Loopback
from workbench import Gate, Ledger, Workbench

prefixes = itertools.count(1)

#: A takeover within seconds.
SETTINGS_OF_NODES = {
    "heartbeat_interval_ms": 300,
    "membership_timeout_ms": 2000,
    "lease_ms": 10_000,
    "lease_margin_ms": 2000,
}
SETTINGS_OF_AGENTS = {"heartbeat_interval_ms": 300, "lease_ms": 10_000}


@pytest.fixture(scope="session")
def brokers(tmp_path_factory):
    """The three brokers of all tests; clusters on them differ by prefix."""
    brokers = Brokers(tmp_path_factory.mktemp("brokers"), 3, Loopback())
    try:
        yield brokers.start()
    finally:
        brokers.close()


@pytest.fixture(scope="session")
def cluster(brokers, tmp_path_factory):
    """Three nodes; `queue` has the two agents."""
    cluster = BerthCluster(
        tmp_path_factory.mktemp("cluster"),
        prefix="shared",
        shared_brokers=brokers,
        node_settings=SETTINGS_OF_NODES,
        agent_settings=SETTINGS_OF_AGENTS,
    )
    try:
        yield cluster.start()
    finally:
        cluster.close()


@pytest.fixture
def make_cluster(brokers, tmp_path):
    """Clusters of the test's own, each with topics of its own."""
    made = []

    def make(**options):
        options.setdefault("prefix", f"own-{next(prefixes)}")
        options.setdefault("node_settings", SETTINGS_OF_NODES)
        options.setdefault("agent_settings", SETTINGS_OF_AGENTS)
        options.setdefault("shared_brokers", brokers)
        folder = tmp_path / f"cluster-{len(made)}"
        made.append(BerthCluster(folder, **options))
        return made[-1]

    yield make
    for cluster in made:
        cluster.close()


@pytest.fixture(scope="session")
def bench(cluster):
    """Each call goes to a random node."""
    return Workbench(cluster)


@pytest.fixture(scope="session")
def environment(cluster, bench):
    """Of two agents."""
    name = bench.environment(16)
    for _ in range(2):
        cluster.make_agent(name).launch()
    for agent in cluster.agents:
        agent.wait_ready()
    return name


@pytest.fixture(scope="session")
def queue(bench, environment):
    return bench.queue(environment)


@pytest.fixture
def gate(tmp_path):
    gate = Gate(tmp_path / "gate")
    yield gate
    gate.open()


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")

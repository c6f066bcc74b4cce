"""Nodes and brokers that die, freeze and come back, under load."""

import signal
import threading

import pytest

from load import patient_bench
from shard_log import read_claims
from waiting import wait_for
from workbench import Workbench

#: A third of all calls go to a node that is frozen, whose client must give up.
PATIENCE_WITH_A_NODE_S = 5


@pytest.fixture(scope="module")
def fleet(brokers, tmp_path_factory):
    """A cluster whose nodes may be hurt: (cluster, bench, queue)."""
    from berth_cluster import BerthCluster
    from conftest import SETTINGS_OF_AGENTS, SETTINGS_OF_NODES

    cluster = BerthCluster(
        tmp_path_factory.mktemp("fleet"),
        prefix="fleet",
        partitions=4,
        shared_brokers=brokers,
        node_settings=SETTINGS_OF_NODES,
        agent_settings=SETTINGS_OF_AGENTS,
    )
    try:
        cluster.start()
        bench = patient_bench(cluster, PATIENCE_WITH_A_NODE_S)
        environment = bench.environment(16)
        for _ in range(2):
            cluster.make_agent(environment).start()
        yield cluster, bench, bench.queue(environment)
    finally:
        cluster.close()


class Load:
    """Jobs submitted one after another until it is stopped."""

    def __init__(self, bench, queue, ledger, attempts=1):
        self.bench = bench
        self.attempts = attempts
        self.queue = queue
        self.definition = bench.definition(
            [
                *("/bin/sh", "-c"),
                ledger.write("$AWS_BATCH_JOB_ID:$AWS_BATCH_JOB_ATTEMPT")
                + "; sleep 0.1",
            ],
            vcpus=0.25,
        )
        self.ledger = ledger
        self.jobs = []
        self.errors = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.ending.is_set():
                self.jobs.append(
                    self.bench.submit(
                        self.queue,
                        definition=self.definition,
                        retryStrategy={"attempts": self.attempts},
                    )
                )
                self.ending.wait(0.05)
        except Exception as error:  # told by `finish`
            self.errors.append(error)

    def wait_more(self, count=5):
        """Awaits that so many more jobs are accepted."""
        goal = len(self.jobs) + count
        wait_for(
            lambda: len(self.jobs) >= goal or self.errors,
            120,
            what=f"no {count} more jobs are accepted",
        )

    def finish(self):
        """Each job has run, each attempt once."""
        self.ending.set()
        self.thread.join(120)
        assert not self.errors, self.errors
        self.bench.wait_all(self.jobs, "SUCCEEDED", seconds=120)
        lines = self.ledger.lines()
        assert len(lines) == len(set(lines)), "an attempt started twice"
        assert {line.partition(":")[0] for line in lines} == set(self.jobs)


def owners(cluster):
    """Node names by shard, as the log has them."""
    claims = read_claims(cluster.brokers.addresses, cluster.prefix)
    return {claim.shard: claim.node for claim in claims}


def owner_of_most(cluster):
    names = list(owners(cluster).values())
    busiest = max(set(names), key=names.count)
    (node,) = [node for node in cluster.nodes if node.name == busiest]
    return node


@pytest.fixture
def load(fleet, ledger):
    _, bench, queue = fleet
    load = Load(bench, queue, ledger)
    yield load
    load.ending.set()


@pytest.fixture
def load_with_retries(fleet, ledger):
    """For what may last longer than a lease where the machine is slow: agents
    stop their attempts then, which a retry strategy makes good."""
    _, bench, queue = fleet
    load = Load(bench, queue, ledger, attempts=5)
    yield load
    load.ending.set()


def test_the_load_goes_on_when_an_owner_is_killed(fleet, load):
    cluster, _, _ = fleet
    load.wait_more()
    node = owner_of_most(cluster)
    node.kill()
    wait_for(lambda: node.name not in owners(cluster).values())
    load.wait_more(20)
    node.start()
    load.wait_more(20)
    load.finish()


def test_each_node_may_be_killed_in_turn(fleet, load):
    cluster, _, _ = fleet
    for node in cluster.nodes:
        load.wait_more()
        node.kill()
        load.wait_more()
        node.start()
    load.finish()


def test_all_nodes_at_once_may_be_killed(fleet, load):
    cluster, _, _ = fleet
    load.wait_more()
    for node in cluster.nodes:
        node.kill()
    for node in cluster.nodes:
        node.launch()
    for node in cluster.nodes:
        node.wait_ready()
    load.wait_more()
    load.finish()


def test_an_owner_that_froze_is_no_owner_when_it_wakes(fleet, load):
    cluster, _, _ = fleet
    load.wait_more()
    node = owner_of_most(cluster)
    node.pause()
    try:
        wait_for(lambda: node.name not in owners(cluster).values())
        load.wait_more()
    finally:
        node.go_on()
    load.wait_more(20)
    assert node.is_running
    load.finish()


def test_a_node_that_is_asked_to_end_hands_its_shards_over(fleet, load):
    cluster, _, _ = fleet
    load.wait_more()
    node = owner_of_most(cluster)
    assert node.terminate() == 0, node.log_tail()
    load.wait_more()
    assert node.name not in owners(cluster).values()
    node.start()
    load.finish()


def test_a_broker_may_be_killed(fleet, load_with_retries):
    cluster, _, _ = fleet
    load = load_with_retries
    load.wait_more()
    broker = cluster.brokers.all[0]
    broker.kill()
    try:
        load.wait_more(20)
    finally:
        broker.start()
        wait_for(cluster.brokers.is_whole, 120)
    load.finish()


def test_a_keeper_that_dies_takes_its_attempts_and_they_are_retried(
    fleet, gate, ledger
):
    cluster, bench, queue = fleet
    job = bench.submit(
        queue,
        f"{ledger.write('$AWS_BATCH_JOB_ATTEMPT')}; {gate.hold}",
        retryStrategy={"attempts": 3},
    )
    wait_for(ledger.lines)
    name = bench.describe(job)["container"]["containerInstanceArn"]
    (agent,) = [one for one in cluster.agents if one.name in name]
    agent.signal_keeper(signal.SIGKILL)
    wait_for(lambda: ledger.lines() == ["1", "2"])
    gate.open()
    found = bench.wait_succeeded(job)
    assert len(found["attempts"]) == 2


def test_a_killed_agent_finds_its_jobs_again(fleet, gate, ledger):
    cluster, bench, queue = fleet
    jobs = [
        bench.submit(
            queue, f"{ledger.write('start')}; {gate.hold}; echo the end"
        )
        for _ in range(4)
    ]
    wait_for(lambda: len(ledger.lines()) == 4)
    for agent in cluster.agents:
        agent.kill()
    gate.open()
    for agent in cluster.agents:
        agent.start()
    for job in bench.wait_all(jobs, "SUCCEEDED"):
        assert len(job["attempts"]) == 1
        assert bench.output(job["jobId"]) == ["the end"]
    assert len(ledger.lines()) == 4


def test_output_is_found_while_a_job_runs_and_after_its_agent_is_gone(
    make_cluster, gate
):
    cluster = make_cluster(nodes=2, partitions=2).start()
    bench = Workbench(cluster)
    environment = bench.environment(1)
    agent = cluster.make_agent(environment).start()
    queue = bench.queue(environment)
    job = bench.submit(queue, f"echo begun; {gate.hold}; echo done")
    bench.wait_status(job, "RUNNING")
    benches = [Workbench(node) for node in cluster.nodes]
    for one in benches:
        wait_for(lambda one=one: one.output(job) == ["begun"])
    gate.open()
    bench.wait_succeeded(job)
    agent.close()
    for one in benches:
        wait_for(lambda one=one: one.output(job) == ["begun", "done"])

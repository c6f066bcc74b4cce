"""What is set up wrong is refused, with a message that says what to do, and
does no harm."""

import subprocess
import time

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from berth_server import BERTH
from brokers import Silent
from ends import PATIENCE_S, code_and_words, ended
from waiting import wait_for
from workbench import Workbench

USAGE = 2


@pytest.fixture
def make_node(make_cluster):
    """A node that is not started, of a cluster with topics of its own."""

    def make(name="node-x", **options):
        return make_cluster(nodes=0).make_node(name, **options)

    return make


def test_brokers_that_are_not_there_are_named(make_node):
    began = time.monotonic()
    node = make_node(**{"--brokers": "127.0.0.1:1"})
    code, said = ended(node)
    node.close()
    assert code not in (0, USAGE), said
    assert "127.0.0.1:1" in said
    assert time.monotonic() - began < PATIENCE_S


@pytest.mark.parametrize(
    "options, hints",
    [
        ({"--brokers": None}, ["--brokers"]),
        ({"--partitions": "0"}, ["partitions"]),
        ({"--listen": "nonsense"}, ["listen"]),
        ({"--set": "no_such_setting=1"}, ["no_such_setting"]),
        ({"--kafka": "no.such.property=1"}, ["no.such.property"]),
        ({"--secret-file": "/no/such/file"}, ["/no/such/file"]),
        ({"--no-such-option": "1"}, ["no-such-option"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_options_that_are_wrong_are_refused_by_name(make_node, options, hints):
    node = make_node(**options)
    code, said = ended(node)
    assert code != 0
    for hint in hints:
        assert hint in said, said


def test_an_unknown_key_of_the_configuration_file_is_refused(
    make_node, tmp_path
):
    config = tmp_path / "berth.toml"
    config.write_text('no-such-key = "1"\n')
    code, said = ended(make_node(**{"--config": config}))
    assert code == USAGE, said
    assert "no-such-key" in said


def test_a_configuration_file_does_as_the_options_do(make_cluster, tmp_path):
    cluster = make_cluster(nodes=1, partitions=1)
    (node,) = cluster.nodes
    config = tmp_path / "berth.toml"
    config.write_text(
        f'brokers = "{cluster.brokers.addresses}"\n'
        f'topic-prefix = "{cluster.prefix}"\n'
        "partitions = 1\n"
        f'secret-file = "{cluster.secret_path}"\n'
    )
    node.options = ["--config", config]
    cluster.start()
    Workbench(cluster).environment(1)


def test_a_node_with_another_secret_is_not_let_in(make_cluster, tmp_path):
    cluster = make_cluster(nodes=1, partitions=2).start()
    (first,) = cluster.nodes
    other = tmp_path / "secret"
    other.write_text("another secret\n")
    other.chmod(0o600)
    stranger = cluster.make_node("stranger", **{"--secret-file": other})
    try:
        code, said = ended(stranger)
    finally:
        stranger.close()
    assert code not in (0, USAGE), said
    assert "--secret-file" in said and first.name in said
    # It has taken nothing from the others.
    bench = Workbench(cluster)
    bench.queue(bench.environment(1))


def test_of_two_nodes_of_one_name_the_later_goes_on(make_cluster, tmp_path):
    """As when a machine is set up anew while its old self still runs."""
    cluster = make_cluster(nodes=1, partitions=2).start()
    (first,) = cluster.nodes
    environment = Workbench(cluster).environment(1)
    twin = cluster.make_node(first.name)
    twin.folder = tmp_path / "twin"
    twin.log_path = twin.folder / "log.txt"
    twin.launch()
    try:
        assert first.process.wait(PATIENCE_S) not in (0, USAGE)
        assert f"this node's name, {first.name}" in first.log_text()
        twin.wait_ready()
        # No damage.
        (found,) = Workbench(twin).batch.describe_compute_environments(
            computeEnvironments=[environment]
        )["computeEnvironments"]
        assert found["computeEnvironmentName"] == environment
    finally:
        twin.close()


def test_a_data_folder_in_use_is_refused(make_cluster):
    cluster = make_cluster(nodes=1, partitions=2).start()
    (first,) = cluster.nodes
    twin = cluster.make_node("twin")
    twin.folder = first.folder
    twin.log_path = first.folder / "twin.txt"
    twin.process = subprocess.Popen(
        [str(word) for word in twin.command()],
        stdout=open(twin.log_path, "wb"),
        stderr=subprocess.STDOUT,
    )
    code, said = code_and_words(twin)
    assert code not in (0, USAGE), said
    assert str(first.data) in said


def test_a_node_of_another_cluster_keeps_its_hands_off(make_cluster):
    """Its store is of other topics."""
    one = make_cluster(nodes=1, partitions=2).start()
    environment = Workbench(one).environment(1)
    (node,) = one.nodes
    node.terminate()
    other = make_cluster(nodes=1, partitions=2).start()
    node.options[node.options.index("--topic-prefix") + 1] = other.prefix
    code, said = ended(node)
    assert code not in (0, USAGE), said
    assert "cluster" in said or "log" in said
    node.options[node.options.index("--topic-prefix") + 1] = one.prefix
    node.start()
    # No damage.
    (found,) = Workbench(node).batch.describe_compute_environments(
        computeEnvironments=[environment]
    )["computeEnvironments"]
    assert found["computeEnvironmentName"] == environment


def test_a_topic_with_wrong_settings_is_refused_with_the_command_that_mends_it(
    make_cluster, brokers
):
    cluster = make_cluster(nodes=1, partitions=2)
    admin = AdminClient(
        {"bootstrap.servers": brokers.addresses, "log_level": 0},
        logger=Silent(),
    )
    name = f"{cluster.prefix}.log"
    topic = NewTopic(
        name,
        num_partitions=2,
        replication_factor=3,
        config={"cleanup.policy": "compact"},
    )
    admin.create_topics([topic])[name].result(30)
    (node,) = cluster.nodes
    code, said = ended(node)
    assert code not in (0, USAGE), said
    assert "cleanup.policy" in said and name in said
    assert "kafka-configs" in said


def test_another_number_of_partitions_does_not_matter_to_a_log_that_is_there(
    make_cluster,
):
    cluster = make_cluster(nodes=1, partitions=2).start()
    later = cluster.make_node("later", **{"--partitions": 5})
    later.launch()
    try:
        wait_for(
            lambda: later.url or later.process.poll() is not None, PATIENCE_S
        )
        if later.process.poll() is not None:
            assert "partition" in later.log_text()
    finally:
        later.close()
    Workbench(cluster).environment(1)


def test_an_agent_of_an_environment_that_is_not_there_waits_and_says_so(
    make_cluster,
):
    cluster = make_cluster(nodes=1, partitions=2).start()
    agent = cluster.make_agent("later")
    agent.launch()
    wait_for(lambda: "later" in agent.log_text(), what=agent.log_tail)
    assert agent.is_running
    bench = Workbench(cluster)
    bench.environment(1, name="later")
    assert bench.run(bench.queue("later"), "exit 0")


def test_commands_explain_themselves():
    for command in ("server", "agent", "cluster"):
        done = subprocess.run(
            [BERTH, command, "--help"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert f"berth {command}" in done.stdout

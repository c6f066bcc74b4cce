"""A log that is not as a node left it, or that takes no more: the node says so
and does no harm."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import msgpack
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import ConfigResource, ConfigSource, NewTopic

from brokers import Brokers, Silent, quiet_admin
from ends import code_and_words, ended
from load import patient_bench
from places import Loopback
from waiting import wait_for
from workbench import Workbench

#: Of records, `messages/record.hpp`.
NEWER_FORMAT = 99
#: Enough for the broker's own topics, and soon full.
BROKER_DISK = "64m"
#: Of nodes and agents: an outage of minutes makes nobody give up an agent.
PATIENT = {"lease_ms": 600_000}


def append(cluster, shard, value):
    producer = Producer(
        {
            "bootstrap.servers": cluster.brokers.addresses,
            "acks": "all",
            "log_level": 0,
        },
        logger=Silent(),
    )
    failed = []
    producer.produce(
        f"{cluster.prefix}.log",
        value,
        partition=shard,
        on_delivery=lambda error, _: error and failed.append(error),
    )
    assert producer.flush(60) == 0
    assert not failed, failed


def forget_records(cluster, shard):
    """As a retention that is too short does."""
    admin = quiet_admin(cluster.brokers.addresses)
    place = TopicPartition(f"{cluster.prefix}.log", shard, -1)
    for done in admin.delete_records([place]).values():
        done.result(60)


@pytest.fixture
def lone(make_cluster):
    """(cluster, its node), which runs; it has one environment."""
    cluster = make_cluster(nodes=1, partitions=2).start()
    Workbench(cluster).environment(1)
    (node,) = cluster.nodes
    return cluster, node


@pytest.mark.parametrize(
    "record, hints",
    [
        (b"\xc1 no msgpack", ["cannot be read", "damaged"]),
        (
            msgpack.packb([NEWER_FORMAT, [2, ["node", "endpoint", "nonce"]]]),
            [f"format {NEWER_FORMAT}", "newer version", "upgrade"],
        ),
    ],
    ids=["unreadable", "newer"],
)
def test_a_record_that_a_node_cannot_read_stops_it_by_name(
    lone, record, hints
):
    """It cannot know what the record says, so whatever it went on to do might
    be wrong; and so it is whenever it is started."""
    cluster, node = lone
    append(cluster, 1, record)
    code, said = code_and_words(node)
    assert code == 1, said
    for hint in [*hints, "of shard 1"]:
        assert hint in said, said
    node.log_path.unlink()
    code, said = ended(node)
    assert code == 1, said
    assert hints[0] in said


def test_an_audit_names_the_record_that_it_cannot_read(lone):
    cluster, node = lone
    append(cluster, 1, b"\xc1 no msgpack")
    code_and_words(node)
    done = subprocess.run(
        [
            *(os.environ["BERTH"], "audit", "verify"),
            *("--brokers", cluster.brokers.addresses),
            *("--topic-prefix", cluster.prefix),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done
    assert "cannot be read" in done.stdout + done.stderr


def test_a_log_that_has_lost_records_is_noticed(lone):
    """The node's own store is behind what the log has dropped."""
    cluster, node = lone
    node.kill()
    another = cluster.make_node(
        "another", **{"--shared": cluster.folder / "elsewhere"}
    )
    another.start()
    try:
        Workbench(another).environment(1)
        forget_records(cluster, 0)
    finally:
        another.close()
    node.log_path.unlink()
    code, said = ended(node)
    assert code == 1, said
    assert "partition 0 of the log begins at offset" in said


def remove_topic(admin, name):
    for done in admin.delete_topics([name], operation_timeout=60).values():
        done.result(60)
    wait_for(lambda: name not in admin.list_topics(timeout=10).topics)


def test_a_log_that_is_gone_is_not_replaced_by_an_empty_one(lone):
    cluster, node = lone
    node.kill()
    admin = quiet_admin(cluster.brokers.addresses)
    name = f"{cluster.prefix}.log"
    remove_topic(admin, name)
    node.log_path.unlink()
    code, said = ended(node)
    assert code == 1, said
    assert f"no topic {name}" in said and str(node.data) in said
    assert name not in admin.list_topics(timeout=10).topics


@pytest.fixture
def left_behind(make_cluster):
    """(cluster, its node, which was killed): the store has a checkpoint of a
    log that has since been made anew, and is empty."""
    often = {
        "checkpoint_interval_ms": 100,
        "shared_checkpoint_interval_ms": 100,
    }
    cluster = make_cluster(nodes=1, partitions=2, node_settings=often).start()
    Workbench(cluster).environment(1)
    (node,) = cluster.nodes
    shared = cluster.folder / "shared"
    wait_for(lambda: any(shared.glob("*/0000/*/meta/*")))
    node.kill()
    admin = quiet_admin(cluster.brokers.addresses)
    name = f"{cluster.prefix}.log"
    topic = ConfigResource(ConfigResource.Type.TOPIC, name)
    (found,) = admin.describe_configs([topic]).values()
    settings = {
        one.name: one.value
        for one in found.result(60).values()
        if one.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    }
    remove_topic(admin, name)
    again = NewTopic(name, 2, 3, config=settings)
    admin.create_topics([again])[name].result(60)
    for broker in cluster.brokers:
        to = quiet_admin(broker.address)
        wait_for(lambda to=to: name in to.list_topics(timeout=10).topics)
    node.log_path.unlink()
    return cluster, node


def test_a_log_that_lost_its_tail_is_noticed(left_behind):
    """The topic is shorter than what the node's store has of it."""
    _, node = left_behind
    code, said = ended(node)
    assert code == 1, said
    # Whichever shard looked first.
    assert "of the log has only offsets below 0" in said, said
    assert "lost its tail" in said


def test_a_log_that_was_made_anew_is_noticed_once_it_has_grown(left_behind):
    """The topic is longer than what the node's store has of the old one."""
    cluster, node = left_behind
    claim = msgpack.packb([1, [2, ["another", "127.0.0.1:1", "nonce"]]])
    for shard in range(2):
        for _ in range(100):
            append(cluster, shard, claim)
    code, said = ended(node)
    assert code == 1, said
    assert "it differs at offset" in said, said
    assert "was made anew" in said


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={BROKER_DISK}", "tmpfs"]
    if subprocess.run([*mount, folder]).returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder):
    with open(folder / "filler", "wb") as filler:
        try:
            while True:
                filler.write(bytes(1 << 20))
                filler.flush()
        except OSError:
            return


@pytest.fixture
def calls():
    with ThreadPoolExecutor(1) as threads:
        yield threads


def test_a_broker_whose_disk_is_full_loses_nothing(
    small_disk, make_cluster, ledger, calls
):
    brokers = Brokers(small_disk, 1, Loopback())
    cluster = None
    try:
        brokers.start()
        cluster = make_cluster(
            nodes=1,
            partitions=2,
            shared_brokers=brokers,
            node_settings=PATIENT,
            agent_settings=PATIENT,
        ).start()
        bench = Workbench(cluster)
        environment = bench.environment(4)
        cluster.make_agent(environment).start()
        queue = bench.queue(environment)
        before = bench.run(queue, ledger.write("before"))
        (node,), (broker,) = cluster.nodes, brokers.all
        fill(small_disk)
        # It ends itself rather than acknowledge what it cannot keep.
        submitted = calls.submit(
            patient_bench(cluster).submit, queue, ledger.write("meanwhile")
        )
        wait_for(lambda: not broker.is_running, 120, what=broker.log_tail)
        wait_for(lambda: "broker lost" in node.log_text(), what=node.log_tail)
        (small_disk / "filler").unlink()
        broker.start()
        bench.wait_succeeded(submitted.result(120))
        assert bench.status(before["jobId"]) == "SUCCEEDED"
        assert ledger.lines() == ["before", "meanwhile"]
        assert node.is_running
    finally:
        if cluster:
            cluster.close()
        brokers.close()

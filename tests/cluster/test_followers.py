"""Each shard has an owner and a follower; for other nodes it is at rest."""

import json

import pytest

from conftest import SETTINGS_OF_NODES
from event_stream import EventStream, is_of
from waiting import wait_for
from wire import send, signed_headers
from workbench import Workbench

PARTITIONS = 6


@pytest.fixture
def fleet(make_cluster):
    """(cluster, bench, a queue whose shard is not the catalog's)"""
    cluster = make_cluster(
        partitions=PARTITIONS,
        node_settings={
            **SETTINGS_OF_NODES,
            "shared_checkpoint_interval_ms": 500,
        },
    ).start()
    bench = Workbench(cluster)
    environment = bench.environment(16)
    cluster.make_agent(environment).start()
    return cluster, bench, bench.queue(environment)


def report(node):
    path = "/v1/cluster"
    headers = signed_headers(node, "GET", path, b"")
    return send(node, "GET", path, headers=headers).json


def shards(node):
    """Without the catalog's, which all nodes fold."""
    return report(node)["shards"][1:]


def is_settled(shard, node):
    """The first in rank owns it, another one follows, no third folds it."""
    known = {shard["owner"], *shard["followers"]}
    return (
        shard["owner"] == shard["ranked_first"]
        and len(shard["followers"]) == 1
        and len(known) == 2
        and shard["at_rest"] == (node.name not in known)
    )


def settled(cluster):
    """The shards as each node that runs shows them, by node name, once all
    agree and every shard is settled."""
    seen = {}

    def all_are():
        running = [node for node in cluster.nodes if node.is_running]
        seen.clear()
        views = set()
        for node in running:
            seen[node.name] = shards(node)
            if not all(is_settled(shard, node) for shard in seen[node.name]):
                return False
            views.add(
                tuple(
                    (shard["owner"], *shard["followers"])
                    for shard in seen[node.name]
                )
            )
        return len(views) == 1

    wait_for(all_are, what=lambda: json.dumps(seen, indent=1))
    return seen


def statuses(events, job):
    return [
        event["detail"]["status"] for event in events if is_of(job)(event)
    ]


def test_two_nodes_fold_a_shard_and_all_show_it(fleet):
    cluster, bench, queue = fleet
    jobs = [bench.submit(queue, "true") for _ in range(20)]
    for job in jobs:
        bench.wait_succeeded(job)
    seen = settled(cluster)
    for shard in range(PARTITIONS - 1):
        of_all = [seen[node.name][shard] for node in cluster.nodes]
        assert sum(one["at_rest"] for one in of_all) == 1
        for one in of_all:
            assert (one["lag"] is None) == one["at_rest"]
    # What rests somewhere is shown there as its owner says.
    wait_for(
        lambda: len(
            {
                tuple(shard["seq"] for shard in shards(node))
                for node in cluster.nodes
            }
        )
        == 1
    )
    for node in cluster.nodes:
        done = node.run_berth("cluster")
        assert done.returncode == 0, done.stderr
        assert "FOLLOWERS" in done.stdout


def test_the_third_node_follows_when_a_follower_has_taken_over(fleet, gate):
    cluster, bench, queue = fleet
    held = bench.submit(queue, gate.hold)
    bench.wait_status(held, "RUNNING")
    settled(cluster)
    for node in cluster.nodes:
        node.kill()
        settled(cluster)
        for other in cluster.nodes:
            if other.is_running:
                # What was at rest was folded to the same state.
                done = other.run_berth("audit", "verify", timeout=120)
                assert done.returncode == 0, done.stdout + done.stderr
        assert bench.status(held) == "RUNNING"
        node.start()
        settled(cluster)
    gate.open()
    assert len(bench.wait_succeeded(held)["attempts"]) == 1


def test_a_node_begins_with_shared_copies_of_what_it_follows(fleet):
    cluster, bench, queue = fleet
    bench.wait_succeeded(bench.submit(queue, "true"))
    seen = settled(cluster)
    live = [shard for shard in seen["node-1"] if shard["seq"] > 0]
    assert live
    for shard in live:
        number = f"{shard['id']:04}"
        copies = (cluster.folder / "shared").glob(f"*/{number}/*/meta/*")
        wait_for(lambda copies=copies: any(copies))
    fresh = cluster.make_node("fresh")
    cluster.nodes.append(fresh)
    fresh.log_level = "info"
    fresh.start()
    mine = [
        shard["id"]
        for shard in settled(cluster)["fresh"]
        if not shard["at_rest"]
    ]
    for number in mine:
        assert f"shared checkpoint taken shard={number} " in fresh.log_text()


def test_each_node_tells_events_of_shards_that_were_at_rest(fleet):
    cluster, bench, queue = fleet
    before = bench.submit(queue, "true")
    bench.wait_succeeded(before)
    # What a node takes from its store it has not read in the log.
    wait_for(
        lambda: any((cluster.folder / "shared").glob("*/000[1-9]/*/meta/*"))
    )
    for node in cluster.nodes:
        node.kill()
    for node in cluster.nodes:
        node.launch()
    for node in cluster.nodes:
        node.wait_ready()
    settled(cluster)
    streams = [EventStream(node) for node in cluster.nodes]
    for node in cluster.nodes:
        assert not any(shard["at_rest"] for shard in shards(node))
    job = bench.submit(queue, "true")
    told = [stream.until(is_of(job, "SUCCEEDED")) for stream in streams]
    expected = statuses(told[0], job)
    assert expected[-1] == "SUCCEEDED"
    for events in told:
        assert statuses(events, job) == expected
        assert statuses(events, before) == []
    # A position that one node gave is good at another.
    first = next(event for event in told[0] if is_of(job)(event))
    again = EventStream(cluster.nodes[1], f"?after={first['position']}")
    rest = again.until(is_of(job, "SUCCEEDED"))
    assert statuses(rest, job) == expected[1:]
    assert statuses(rest, before) == []
    for stream in [*streams, again]:
        stream.close()

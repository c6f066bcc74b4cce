"""The log on Kafka tells what happened, also with no node running."""

import json
import subprocess

import pytest

from berth_server import BERTH
from workbench import Workbench


@pytest.fixture(scope="module")
def finished(brokers, tmp_path_factory):
    """(cluster whose nodes are down, a job that ran there)"""
    from berth_cluster import BerthCluster

    cluster = BerthCluster(
        tmp_path_factory.mktemp("audited"),
        nodes=2,
        partitions=2,
        prefix="audited",
        shared_brokers=brokers,
    )
    try:
        cluster.start()
        bench = Workbench(cluster)
        environment = bench.environment(1)
        cluster.make_agent(environment).start()
        job = bench.run(bench.queue(environment), "exit 0")["jobId"]
        cluster.nodes[0].kill()
        assert cluster.nodes[1].terminate() == 0
        yield cluster, job
    finally:
        cluster.close()


def audit(cluster, what, *words):
    return subprocess.run(
        [
            *(BERTH, "audit", what, *words),
            *("--brokers", cluster.brokers.addresses),
            *("--topic-prefix", cluster.prefix),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_life_of_a_job_is_told(finished):
    cluster, job = finished
    done = audit(cluster, "history", "--json", job)
    assert done.returncode == 0, done.stderr
    told = json.dumps(json.loads(done.stdout)["history"])
    assert "node-" in told


def test_the_whole_log_is_verified(finished):
    cluster, _ = finished
    done = audit(cluster, "verify", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ok"] and len(found["shards"]) == 2


def test_events_are_exported_as_json(finished):
    cluster, job = finished
    done = audit(cluster, "export", "--format", "json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(job in json.dumps(line) for line in lines)


def test_topics_that_are_not_there_are_said_to_be_missing(finished):
    cluster, _ = finished
    done = subprocess.run(
        [
            *(BERTH, "audit", "verify"),
            *("--brokers", cluster.brokers.addresses),
            *("--topic-prefix", "no-such"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert "no-such.log" in done.stderr

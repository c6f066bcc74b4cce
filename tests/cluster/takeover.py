#!/usr/bin/env python3
"""How long a shard with many live jobs is without an owner that answers.

    tests/cluster/run.sh takeover [--jobs N] [--timeout-ms N] [--keep DIR]

Fills one shard through the topic of submissions, then kills its owner with
kill -9: once with a warm follower, and once with none, when a node with an
empty data folder begins with the shared checkpoint. Each time it measures
until a submission is answered. In the end an audit folds the whole log.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from berth_cluster import BerthCluster
from berth_server import BERTH
from brokers import Silent
from confluent_kafka import Producer
from waiting import wait_for
from workbench import Workbench

FILL_S = 3600
#: Beyond the membership's time-out, for a warm follower.
WARM_EXTRA_S = 1.0


def parse(words):
    parser = argparse.ArgumentParser(prog="tests/cluster/run.sh takeover")
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--timeout-ms", type=int, default=5000)
    parser.add_argument("--keep", help="a folder for all that remains")
    return parser.parse_args(words)


def fill(cluster, queue, definition, jobs):
    """Seconds until every node has them all."""
    producer = Producer(
        {
            "bootstrap.servers": cluster.brokers.addresses,
            "enable.idempotence": True,
            "queue.buffering.max.messages": jobs + 1,
            "log_level": 0,
        },
        logger=Silent(),
    )
    topic = f"{cluster.prefix}.submissions"
    began = time.monotonic()
    for number in range(jobs):
        body = (
            f'{{"jobName": "job-{number}", "jobQueue": "{queue}", '
            f'"jobDefinition": "{definition}"}}'
        )
        producer.produce(topic, body, key=queue)
        if number % 10_000 == 0:
            producer.poll(0)
    assert producer.flush(FILL_S) == 0
    shown = -1
    while (live := min(live_jobs(node) for node in cluster.nodes)) < jobs:
        assert time.monotonic() < began + FILL_S, f"{live} of {jobs}"
        if live * 20 // jobs != shown:
            shown = live * 20 // jobs
            rate = live / (time.monotonic() - began)
            print(f"{live:9,} jobs are in, {rate:7,.0f}/s", flush=True)
        time.sleep(0.5)
    return time.monotonic() - began


def live_jobs(node):
    """Of the one shard."""
    return int(sum(node.metrics()["berth_jobs_live"]))


def until_answered(node, queue, definition, began):
    """Seconds from then until the node has taken a submission."""
    bench = Workbench(node)
    bench.batch = node.batch(
        retries={"mode": "standard", "max_attempts": 1}, read_timeout=600
    )
    bench.submit(queue, definition=definition)
    return time.monotonic() - began


def newest_shared(cluster):
    """When the newest checkpoint of shard 0 was shared; 0: there is none."""
    found = (cluster.folder / "shared").glob("*/0000/*/meta/*")
    return max((one.stat().st_mtime for one in found), default=0)


def measure(cluster, options):
    cluster.start()
    bench = Workbench(cluster)
    queue = bench.slots(1)
    definition = bench.definition()
    took = fill(cluster, queue, definition, options.jobs)
    rate = options.jobs / took
    print(f"{options.jobs:,} submissions by topic: {rate:,.0f}/s")
    filled = time.time()

    def shared_since():
        # A checkpoint follows a decision.
        bench.submit(queue, definition=definition)
        return newest_shared(cluster) > filled

    wait_for(shared_since, 300)

    owner, follower = cluster.nodes
    (held,) = {one["owner"] for one in shards(owner)}
    if held != owner.name:
        owner, follower = follower, owner
    timeout_s = options.timeout_ms / 1000
    began = time.monotonic()
    owner.kill()
    warm = until_answered(follower, queue, definition, began)
    print(
        f"warm follower: {warm:.2f} s from kill -9 to an answer; "
        f"{warm - timeout_s:.2f} s beyond the time-out of {timeout_s:g} s"
    )

    follower.kill()
    fresh = cluster.make_node("fresh")
    cluster.nodes.append(fresh)
    began = time.monotonic()
    fresh.launch()
    wait_for(lambda: fresh.url or not fresh.is_running, 600)
    assert fresh.is_running, fresh.log_tail()
    up = time.monotonic() - began
    cold = until_answered(fresh, queue, definition, began)
    print(
        f"no follower: {cold:.2f} s from the start of an empty node to an "
        f"answer, {up:.2f} s of it until it had folded checkpoint and tail"
    )
    assert live_jobs(fresh) >= options.jobs
    fresh.kill()
    audit = subprocess.run(
        [
            *(BERTH, "audit", "verify"),
            *("--brokers", cluster.brokers.addresses),
            *("--topic-prefix", cluster.prefix),
        ],
        capture_output=True,
        text=True,
    )
    print(f"audit verify, no node running:\n{audit.stdout}{audit.stderr}")
    assert audit.returncode == 0
    return warm <= timeout_s + WARM_EXTRA_S


def shards(node):
    done = node.run_berth("cluster", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["shards"]


def main(words):
    options = parse(words)
    folder = Path(options.keep or tempfile.mkdtemp(prefix="berth-takeover-"))
    cluster = BerthCluster(
        folder.resolve() / "cluster",
        nodes=2,
        brokers=1,
        partitions=1,
        node_settings={
            "membership_timeout_ms": options.timeout_ms,
            "shared_checkpoint_interval_ms": 5000,
        },
    )
    try:
        good = measure(cluster, options)
    finally:
        cluster.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print("takeover ok" if good else "takeover FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

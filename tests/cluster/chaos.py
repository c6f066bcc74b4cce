#!/usr/bin/env python3
"""Load and faults on a cluster of real processes; then accounts.

    tests/cluster/run.sh chaos [--minutes N] [--seed S] [--nodes N] ...

Jobs are submitted through the API (each call to a random node) and through
the topic of submissions, while nodes, agents, keepers and brokers are killed
and paused, and, where the machine has network namespaces, cut off from each
other. Then the faults stop and everything must drain. Exits 0 when no
accepted job was lost, none started an attempt twice, no hash diverged, and
all ended as they had to.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from accounts import DRAIN_S, take_accounts
from berth_cluster import BerthCluster
from faults import FaultDriver
from load import ClusterStorm, patient_bench
from places import (
    Loopback,
    Namespaces,
    can_have_own_network,
    enter_own_network,
)
from waiting import wait_for
from workbench import Ledger

#: Short, so that a few minutes see them run out.
SETTINGS_OF_NODES = {
    "heartbeat_interval_ms": 500,
    "membership_timeout_ms": 3000,
    "lease_ms": 8000,
    "lease_margin_ms": 2000,
    "stop_grace_ms": 1000,
}
SETTINGS_OF_AGENTS = {
    "heartbeat_interval_ms": 500,
    "lease_ms": 8000,
    "stop_grace_ms": 1000,
}
ENVIRONMENTS = 2
TICK_S = 0.25


def parse(words):
    parser = argparse.ArgumentParser(prog="tests/cluster/run.sh chaos")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", default=str(random.randrange(10**9)))
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--agents", type=int, default=4)
    parser.add_argument("--brokers", type=int, default=3)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument(
        "--rate", type=float, default=4, help="pieces of load a second"
    )
    parser.add_argument(
        "--topic-share",
        type=int,
        default=30,
        help="of a hundred pieces of load, so many go through the topic",
    )
    parser.add_argument(
        "--faults",
        nargs="*",
        help="only these kinds, for example 'kill node'; none: no faults",
    )
    parser.add_argument(
        "--no-network",
        action="store_true",
        help="all on loopback, nothing is cut",
    )
    parser.add_argument("--drain-seconds", type=float, default=DRAIN_S)
    parser.add_argument("--keep", help="a folder for all that remains")
    return parser.parse_args(words)


def choose_network(options):
    if options.no_network:
        return Loopback()
    why = can_have_own_network()
    if why:
        print(f"Nothing is cut: {why}")
        return Loopback()
    enter_own_network()
    return Namespaces()


def make_load(cluster, options, folder):
    """Environments with agents, queues on one and on both of them."""
    bench = patient_bench(cluster)
    environments = [bench.environment(16) for _ in range(ENVIRONMENTS)]
    queues = [bench.queue(one) for one in environments]
    queues.append(bench.queue(*environments))
    for number in range(options.agents):
        cluster.make_agent(environments[number % ENVIRONMENTS]).launch()
    for agent in cluster.agents:
        agent.wait_ready()
    for queue in queues:
        bench.run(queue, "exit 0")
    ledger = Ledger(folder / "ledger")
    return ClusterStorm(
        cluster, bench, ledger, options.seed, queues, options.topic_share
    )


def run_load(storm, faults, options):
    end = time.monotonic() + options.minutes * 60
    fed = 0
    began = time.monotonic()
    while time.monotonic() < end and not (faults and faults.failed.is_set()):
        due = int((time.monotonic() - began) * options.rate)
        if due > fed:
            storm.feed(due - fed)
            fed = due
        storm.abandoned.wait(TICK_S)


def run(cluster, options, folder):
    cluster.start()
    storm = make_load(cluster, options, folder)
    faults = None
    try:
        kinds = options.faults
        if kinds != []:
            faults = FaultDriver(cluster, options.seed, kinds=kinds).start()
        run_load(storm, faults, options)
        if faults:
            faults.stop()
        print("The faults are over.", flush=True)

        def all_ready():
            # Who was started while no broker was there may say so only now.
            if faults:
                faults.revive()
            return not cluster.not_ready()

        wait_for(
            all_ready,
            120,
            lambda: f"{cluster.not_ready()} not ready",
        )
        storm.finish()
        storm.topic.flush(60)
        impaired = faults.impaired if faults else []
        return (
            take_accounts(cluster, storm, impaired, options.drain_seconds),
            faults.counts if faults else Counter(),
        )
    finally:
        storm.abandon()
        if faults:
            faults.ending.set()


def tell(accounts, faults, options):
    print(f"\nFaults: {sum(faults.values())}")
    for kind, count in sorted(faults.items()):
        print(f"{count:5}  {kind}")
    print("Jobs:")
    for way, count in accounts.jobs.items():
        print(f"{count:5}  {way}")
    print("Found:")
    accounts.print()
    print(
        f"{accounts.unowned_ms / 1000:7.1f} s  longest time without an owner"
        f" (shard {accounts.unowned_shard})"
    )
    verdict = "ok" if accounts.is_good else "FAILED"
    print(
        f"chaos {verdict}: seed {options.seed}, {options.minutes:g} minutes, "
        f"{sum(faults.values())} faults, "
        f"{accounts.jobs['through the API']} jobs through the API, "
        f"{accounts.jobs['through the topic']} through the topic, "
        f"{len(accounts.lost)} lost, "
        f"{len(accounts.started_twice)} attempts started twice, "
        f"{len(accounts.diverged)} hashes diverged, "
        f"{len(accounts.not_drained)} not drained, "
        f"{accounts.unowned_ms / 1000:.1f} s without an owner at most",
        flush=True,
    )


def main(words):
    options = parse(words)
    network = choose_network(options)
    print(f"seed {options.seed}", flush=True)
    folder = Path(options.keep or tempfile.mkdtemp(prefix="berth-chaos-"))
    folder = folder.resolve()
    cluster = BerthCluster(
        folder / "cluster",
        nodes=options.nodes,
        brokers=options.brokers,
        partitions=options.shards,
        network=network,
        node_settings=SETTINGS_OF_NODES,
        agent_settings=SETTINGS_OF_AGENTS,
    )
    good = False
    try:
        accounts, faults = run(cluster, options, folder)
        tell(accounts, faults, options)
        good = accounts.is_good
    finally:
        cluster.close()
        if good and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"What remains is in {folder}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""A whole cluster on this machine: brokers, nodes, agents. Prints where it
answers; Ctrl-C ends all of it.

    tests/cluster/run.sh start [--nodes N] [--agents N] [--brokers N]
                               [--shards N] [--data DIR] [-- COMMAND...]

The agents serve the environment `local`, which is made with a queue of the
same name. With a COMMAND the cluster ends when the command does, with its
exit status; BERTH_CLUSTER names the cluster's folder to it.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from berth_cluster import BerthCluster
from berth_server import ACCESS_KEY, REGION, SECRET_KEY

ENVIRONMENT = "local"


def parse(words):
    parser = argparse.ArgumentParser(prog="make cluster")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--agents", type=int, default=2)
    parser.add_argument("--brokers", type=int, default=3)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--data", help="a folder to keep; default: removed")
    parser.add_argument(
        "--agents-for-all",
        action="store_true",
        help="each environment gets an agent when it is made",
    )
    parser.add_argument("command", nargs="*")
    options = parser.parse_args(words)
    for name in ("nodes", "brokers", "shards"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1")
    if options.agents < 0:
        parser.error("--agents must not be negative")
    return options


def client_of(url):
    return boto3.session.Session().client(
        "batch",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"mode": "standard", "max_attempts": 10}),
    )


def make_environment(batch):
    """The environment of the agents and a queue; they may be there."""
    found = batch.describe_compute_environments(
        computeEnvironments=[ENVIRONMENT]
    )["computeEnvironments"]
    if found:
        return
    batch.create_compute_environment(
        computeEnvironmentName=ENVIRONMENT,
        type="MANAGED",
        computeResources={
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 256,
            "instanceTypes": ["optimal"],
            "subnets": ["none"],
            "securityGroupIds": ["none"],
            "instanceRole": "none",
        },
    )
    batch.create_job_queue(
        jobQueueName=ENVIRONMENT,
        priority=1,
        computeEnvironmentOrder=[
            {"order": 1, "computeEnvironment": ENVIRONMENT}
        ],
    )


def tell(cluster):
    say = print
    say(f"Any node     {cluster.url}")
    for node in cluster.nodes:
        say(f"{node.name:<12} {node.url}")
    say(f"Brokers      {cluster.brokers.addresses}")
    say(f"Logs         {cluster.folder}/*/*/log.txt")
    say("")
    say("# For AWS clients and the berth command:")
    say(f"export AWS_ENDPOINT_URL_BATCH={cluster.url}")
    say(f"export AWS_ENDPOINT_URL_CLOUDWATCH_LOGS={cluster.url}")
    say(f"export AWS_DEFAULT_REGION={REGION}")
    say(f"export AWS_ACCESS_KEY_ID={ACCESS_KEY}")
    say(f"export AWS_SECRET_ACCESS_KEY={SECRET_KEY}")
    say(f"export BERTH_ENDPOINT={cluster.url}")
    say("")
    sys.stdout.flush()


def serve(cluster, options):
    cluster.start()
    if options.agents:
        make_environment(client_of(cluster.url))
    for _ in range(options.agents):
        cluster.make_agent(ENVIRONMENT).launch()
    for agent in cluster.agents:
        agent.wait_ready()
    tell(cluster)
    if options.command:
        environment = {**os.environ, "BERTH_CLUSTER": str(cluster.folder)}
        return subprocess.run(options.command, env=environment).returncode
    print("Ctrl-C ends all of it.", flush=True)
    while True:
        signal.pause()


def main(words):
    options = parse(words)
    kept = options.data is not None
    folder = Path(options.data or tempfile.mkdtemp(prefix="berth-cluster-"))
    # As Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cluster = BerthCluster(
        folder.resolve(),
        nodes=options.nodes,
        brokers=options.brokers,
        partitions=options.shards,
        agents_for_all=options.agents_for_all,
    )
    try:
        return serve(cluster, options)
    except (AssertionError, ClientError) as error:
        print(f"The cluster does not start: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEnding ...", flush=True)
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cluster.close()
        if not kept:
            cluster.remove()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

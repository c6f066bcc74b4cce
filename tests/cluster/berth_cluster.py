"""A whole cluster as processes of this machine: brokers, nodes, agents, and
one address in front of the nodes."""

import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from berth_processes import Agent, Node
from berth_server import (
    ACCESS_KEY,
    ACCOUNT,
    REGION,
    SECRET_KEY,
    Clients,
    address_of,
)
from brokers import Brokers
from places import Loopback
from relay import Relay
from waiting import wait_for

#: Of `agents_for_all`: the oldest make room for new ones.
AGENTS_MAX = 48
SETTINGS_OF_NODES = {"attempt_timeout_min_s": 1, "stop_grace_ms": 1000}
SETTINGS_OF_AGENTS = {"stop_grace_ms": 1000}


class BerthCluster(Clients):
    """`agents_for_all`: each environment that is made through `url` gets an
    agent of its own at once, as with `berth dev`."""

    def __init__(
        self,
        folder,
        nodes=3,
        brokers=3,
        partitions=8,
        prefix="berth",
        network=None,
        agents_for_all=False,
        node_settings=None,
        agent_settings=None,
        shared_brokers=None,
    ):
        self.folder = self.data = Path(folder)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        self.network = network or Loopback()
        self.partitions = partitions
        self.prefix = prefix
        self.agents_for_all = agents_for_all
        self.agent_settings = {**SETTINGS_OF_AGENTS, **(agent_settings or {})}
        self.node_settings = {**SETTINGS_OF_NODES, **(node_settings or {})}
        self.secret_path = self.folder / "secret"
        self.secret_path.write_text("a secret that the nodes share\n")
        self.secret_path.chmod(0o600)
        self.write_credentials()
        self.owns_brokers = shared_brokers is None
        self.brokers = shared_brokers or Brokers(
            self.folder / "brokers", brokers, self.network
        )
        self.nodes = [
            self.make_node(f"node-{number}") for number in range(1, nodes + 1)
        ]
        self.agents = []
        self.relay = Relay(self.addresses, self.on_answer)
        #: Starts and ends the agents of `agents_for_all`, one after another.
        self.steward = ThreadPoolExecutor(1)
        self.served = set()

    def write_credentials(self):
        self.credentials_path = self.folder / "credentials"
        self.credentials_path.write_text(
            f"[default]\naws_access_key_id = {ACCESS_KEY}\n"
            f"aws_secret_access_key = {SECRET_KEY}\naccount = {ACCOUNT}\n"
        )
        self.credentials_path.chmod(0o600)

    def make_node(self, name, **changes):
        """One that is not started; `changes` of options, None leaves out."""
        options = {
            "--brokers": self.brokers.addresses,
            "--topic-prefix": self.prefix,
            "--partitions": self.partitions,
            "--secret-file": self.secret_path,
            "--shared": self.folder / "shared",
            "--credentials": self.credentials_path,
            **changes,
        }
        words = []
        for option, value in options.items():
            words += [] if value is None else [option, value]
        place = self.network.place(name)
        if place.prefix:
            # Others can reach that address.
            words.append("--check-signatures")
        folder = self.folder / "nodes" / name
        return Node(name, folder, place, words, dict(self.node_settings))

    def make_agent(self, environment, name=None, account=ACCOUNT, region=REGION):
        name = name or f"agent-{len(self.agents) + 1}"
        options = [
            *("--brokers", self.brokers.addresses),
            *("--topic-prefix", self.prefix),
            *("--account", account, "--region", region),
        ]
        if not self.network.can_cut:
            options += ["--api", self.url]
        agent = Agent(
            name,
            self.folder / "agents" / name,
            self.network.place(name),
            environment,
            options,
            dict(self.agent_settings),
        )
        self.agents.append(agent)
        return agent

    # Life

    def start(self):
        if self.owns_brokers:
            self.brokers.start()
        self.relay.start()
        # The first one makes the topics.
        self.nodes[0].start()
        for node in self.nodes[1:]:
            node.launch()
        for node in self.nodes[1:]:
            node.wait_ready()
        self.write_about()
        return self

    def close(self):
        self.relay.close()
        self.steward.shutdown(cancel_futures=True)
        for process in [*self.agents, *self.nodes]:
            process.close()
        if self.owns_brokers:
            self.brokers.close()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    # Where it answers

    @property
    def url(self):
        return self.relay.url

    @property
    def address(self):
        return address_of(self.url)

    def addresses(self):
        """Of the nodes that have one; a paused one does not answer on it."""
        urls = [node.url for node in self.nodes if node.is_running]
        return [address_of(url) for url in urls if url]

    def write_about(self):
        """The folder is what --data and BERTH_CLUSTER may name."""
        about = {
            "url": self.url,
            "brokers": self.brokers.addresses,
            "prefix": self.prefix,
            "nodes": {node.name: node.url for node in self.nodes},
        }
        (self.folder / "cluster.json").write_text(json.dumps(about))
        (self.folder / "endpoint").write_text(self.url + "\n")

    # Agents of environments that come and go

    def on_answer(self, head, body, status):
        """Of the relay; another thread does the work. Who made an environment
        is not answered before its agent has joined: otherwise a job would go
        to whichever environment of its queue has one first."""
        if not self.agents_for_all or status != 200:
            return None
        if head.startswith(b"POST /v1/createcomputeenvironment "):
            name = json.loads(body)["computeEnvironmentName"]
            return self.steward.submit(
                self.add_agent_of, name, region_of(head)
            )
        elif head.startswith(b"POST /v1/deletecomputeenvironment "):
            name = json.loads(body)["computeEnvironment"].rpartition("/")[2]
            self.steward.submit(self.close_agents_of, [name])
        return None

    def add_agent_of(self, environment, region):
        if environment in self.served:
            return
        self.served.add(environment)
        if len(self.agents) >= AGENTS_MAX:
            self.agents.pop(0).close()
        name = f"agent-{len(self.served)}"
        agent = self.make_agent(environment, name, region=region)
        agent.launch()
        wait_for(agent.has_joined, what=agent.log_tail)

    def close_agents_of(self, environments):
        for agent in list(self.agents):
            if agent.compute_environment in environments:
                self.agents.remove(agent)
                agent.close()
        self.served.difference_update(environments)

    def not_ready(self):
        """Names of processes that are up and cannot do their work yet; one
        that ended by itself has failed."""
        for one in [*self.brokers, *self.nodes, *self.agents]:
            assert one.is_running, (
                f"{one.name} ended with {one.process.poll()}:\n"
                f"{one.log_tail()}"
            )
        return [
            one.name
            for one in [*self.brokers, *self.nodes]
            if not one.is_ready()
        ]

    def logs_of_all(self):
        return "\n".join(
            f"== {one.name}\n{one.log_tail()}"
            for one in [*self.nodes, *self.agents]
        )


def region_of(head):
    """From the signature's scope."""
    found = re.search(rb"Credential=[^/]+/\d+/([^/]+)/", head)
    return found[1].decode() if found else REGION

"""Where processes of a cluster run: all on loopback, or each on a host of its
own (a network namespace), so that the wires between them can be cut."""

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field

#: Set in a program that runs in a network of its own.
INSIDE = "BERTH_TEST_NETWORK"


@dataclass(frozen=True)
class Place:
    name: str
    address: str
    #: Words before a command so that it runs there.
    prefix: tuple = field(default=())


class Loopback:
    """One host for all of them; nothing can be cut."""

    can_cut = False

    def place(self, name):
        return Place(name, "127.0.0.1")

    def free_ports(self, place, count):
        """Ports that were free a moment ago."""
        sockets = [socket.socket() for _ in range(count)]
        try:
            for one in sockets:
                one.bind((place.address, 0))
            return [one.getsockname()[1] for one in sockets]
        finally:
            for one in sockets:
                one.close()


class Namespaces:
    """A bridge, and a namespace with an address for each name. Only inside a
    network of the program's own (`enter_own_network`), which vanishes with
    the program."""

    can_cut = True
    BRIDGE = "berth0"
    ADDRESS = "10.77.0.1"

    def __init__(self):
        assert os.environ.get(INSIDE), "not in a network of its own"
        self.places = {}
        self.used = {}
        run_ip("link", "set", "lo", "up")
        run_ip("link", "add", self.BRIDGE, "type", "bridge")
        run_ip("address", "add", f"{self.ADDRESS}/24", "dev", self.BRIDGE)
        run_ip("link", "set", self.BRIDGE, "up")

    def place(self, name):
        number = 10 + len(self.places)
        address, wire = f"10.77.0.{number}", f"wire{number}"
        run_ip("netns", "add", name)
        run_ip(
            *("link", "add", wire, "type", "veth"),
            *("peer", "name", "eth0", "netns", name),
        )
        run_ip("link", "set", wire, "master", self.BRIDGE, "up")
        inside = ("-n", name)
        run_ip(*inside, "address", "add", f"{address}/24", "dev", "eth0")
        run_ip(*inside, "link", "set", "eth0", "up")
        run_ip(*inside, "link", "set", "lo", "up")
        prefix = ("ip", "netns", "exec", name)
        self.places[name] = Place(name, address, prefix)
        return self.places[name]

    def free_ports(self, place, count):
        # Nobody else is on that host.
        first = self.used.get(place.name, 19000)
        self.used[place.name] = first + count
        return list(range(first, first + count))

    def isolate(self, place):
        """Cuts its wire: nothing reaches anybody."""
        run_ip("link", "set", self.wire_of(place), "down")

    def join(self, place):
        run_ip("link", "set", self.wire_of(place), "up")

    def cut(self, one, other):
        """These two do not hear each other; all others do."""
        for here, there in ((one, other), (other, one)):
            run_ip(
                *("-n", here.name, "route", "replace"),
                *("blackhole", f"{there.address}/32"),
            )

    def mend(self, one, other):
        for here, there in ((one, other), (other, one)):
            run_ip(
                *("-n", here.name, "route", "delete"),
                *("blackhole", f"{there.address}/32"),
            )

    def wire_of(self, place):
        return f"wire{place.address.rpartition('.')[2]}"


def run_ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def can_have_own_network():
    """Whether this machine lets us make network namespaces, and if not why
    (empty: it does)."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip") or not shutil.which("unshare"):
        return "network namespaces need the commands ip and unshare"
    done = subprocess.run(
        "unshare --net --mount sh -c 'mount -t tmpfs none /run &&"
        " ip link add berth0 type bridge && ip netns add one &&"
        " ip link add wire type veth peer name eth0 netns one'",
        shell=True,
        capture_output=True,
        text=True,
    )
    return "" if done.returncode == 0 else done.stderr.strip()


def enter_own_network():
    """Runs the program anew, with the same words, in a network of its own;
    does nothing when it is in one."""
    if os.environ.get(INSIDE):
        return
    # /run/netns is where `ip netns` keeps its names.
    script = 'mount -t tmpfs none /run && exec "$@"'
    os.environ[INSIDE] = "1"
    sys.stdout.flush()
    os.execvp(
        "unshare",
        [
            *("unshare", "--net", "--mount", "--propagation", "private"),
            *("sh", "-c", script, "sh", sys.executable, *sys.argv),
        ],
    )

"""`berth server` and `berth agent` as processes."""

import http.client
import os
import signal
from collections import defaultdict

from berth_server import (
    ACCESS_KEY,
    BERTH,
    SECRET_KEY,
    Clients,
    address_of,
)
from child_process import ChildProcess, is_alive
from waiting import wait_for


def named(option, values):
    """`--set a=1 --set b=2`"""
    words = []
    for name, value in values.items():
        words += [option, f"{name}={value}"]
    return words


class Node(ChildProcess, Clients):
    """`berth server`; `options` are words of its command line."""

    def __init__(self, name, folder, place, options, settings):
        super().__init__(name, folder, place)
        self.options = options
        self.settings = settings

    @property
    def data(self):
        return self.folder / "data"

    @property
    def endpoint_path(self):
        return self.data / "endpoint"

    def command(self):
        return [
            *(BERTH, "server", "--data", self.data, "--node", self.name),
            *("--listen", f"{self.place.address}:0"),
            *("--endpoint", f"{self.place.address}:0"),
            *self.options,
            *named("--set", self.settings),
        ]

    def launch(self):
        # One that was killed has left it there.
        self.endpoint_path.unlink(missing_ok=True)
        super().launch()

    @property
    def url(self):
        """Of its API; empty while it has none."""
        try:
            return self.endpoint_path.read_text().strip()
        except FileNotFoundError:
            return ""

    @property
    def address(self):
        return address_of(self.url)

    @property
    def environment(self):
        return {
            **self.variables(),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def metrics(self):
        """The values of /metrics, each a list by name."""
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode()
        finally:
            connection.close()
        found = defaultdict(list)
        for line in page.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name.partition("{")[0]].append(float(value))
        return found

    def is_ready(self):
        """Whether it has caught up with the log."""
        if not self.url:
            return False
        connection = http.client.HTTPConnection(*self.address, timeout=5)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


class Agent(ChildProcess):
    """`berth agent`, and the keeper that it starts and that outlives it."""

    def __init__(
        self, name, folder, place, environment, options, settings, vcpus=8
    ):
        super().__init__(name, folder, place)
        self.compute_environment = environment
        self.options = options
        self.settings = settings
        self.vcpus = vcpus

    @property
    def data(self):
        return self.folder / "data"

    def variables(self):
        # Handed to jobs.
        return {
            **super().variables(),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def command(self):
        return [
            *(BERTH, "agent", "--data", self.data, "--name", self.name),
            *("--environment", self.compute_environment),
            *("--vcpus", self.vcpus, "--memory", 16384),
            *self.options,
            *named("--set", self.settings),
        ]

    def keeper_pid(self):
        try:
            return int((self.data / "keeper.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def has_keeper(self):
        pid = self.keeper_pid()
        return pid is not None and is_alive(pid)

    def is_ready(self):
        return self.has_keeper()

    def has_joined(self):
        return "joined environment" in self.log_text()

    def signal_keeper(self, number):
        """False when there is none."""
        if not self.has_keeper():
            return False
        os.kill(self.keeper_pid(), number)
        return True

    def close(self):
        super().close()
        pid = self.keeper_pid()
        if self.signal_keeper(signal.SIGKILL):
            wait_for(lambda: not is_alive(pid))

"""A process that this program starts, watches and hurts."""

import os
import signal
import subprocess
from pathlib import Path

from waiting import wait_for


def is_alive(pid):
    """Whether the process exists and is more than a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class ChildProcess:
    """One process at a time, its output in `log_path`; subclasses say which
    command it is and when it is ready."""

    def __init__(self, name, folder, place):
        self.name = name
        self.folder = Path(folder)
        self.place = place
        self.log_path = self.folder / "log.txt"
        self.process = None
        self.is_paused = False
        #: As spdlog names it; for the next launch.
        self.log_level = "warning"

    def command(self):
        raise NotImplementedError

    def variables(self):
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "SPDLOG_LEVEL": self.log_level,
        }

    def is_ready(self):
        """Whether it can do its work; called again and again."""
        raise NotImplementedError

    # Life

    def launch(self):
        """Starts it without awaiting that it is ready."""
        assert not self.is_running, f"{self.name} runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.place.prefix, *map(str, self.command())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.variables(),
                start_new_session=True,
            )
        self.is_paused = False

    def wait_ready(self, seconds=120):
        def ready():
            code = self.process.poll()
            assert code is None, (
                f"{self.name} ended with {code}:\n{self.log_tail()}"
            )
            return self.is_ready()

        wait_for(
            ready, seconds, lambda: f"{self.name}:\n{self.log_tail()}"
        )
        return self

    def start(self):
        self.launch()
        return self.wait_ready()

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9, also of a paused one; returns when it is gone."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.is_paused = False

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.is_paused = True

    def go_on(self):
        if self.is_running:
            self.process.send_signal(signal.SIGCONT)
        self.is_paused = False

    def terminate(self, seconds=30):
        """Asks it to end (SIGTERM); its exit code, None after the deadline."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def close(self):
        """Ends what this object started."""
        self.kill()

    def log_text(self):
        try:
            return self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def log_tail(self):
        return self.log_text()[-4000:] or "(no output)"

"""A `berth dev` of a test's own: its life and its clients."""

import os
import signal
import subprocess
from pathlib import Path

import boto3
from botocore.config import Config

from waiting import wait_for

ACCOUNT = "123456789012"
REGION = "us-east-1"
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "secret"
BERTH = os.environ.get(
    "BERTH", str(Path(__file__).resolve().parents[2] / "build" / "berth")
)


def arn(kind, name):
    return f"arn:aws:batch:{REGION}:{ACCOUNT}:{kind}/{name}"


def address_of(url):
    host, _, port = url.rpartition("/")[2].partition(":")
    if not port:
        raise ConnectionError("the server is down")
    return host, int(port)


def is_alive(pid):
    """Whether the process exists and is more than a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Clients:
    """Programs that talk to what answers at `url`; needs also `folder` (their
    home), `data` (for --data) and `environment` (of `berth`)."""

    def client(self, service, **config):
        settings = {"retries": {"max_attempts": 0}, "max_pool_connections": 40}
        settings.update(config)
        return boto3.session.Session().client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(**settings),
        )

    def batch(self, **config):
        return self.client("batch", **config)

    def logs(self, **config):
        return self.client("logs", **config)

    def client_environment(self):
        """Variables for a client that is a program."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_PAGER": "",
            "NO_PROXY": "127.0.0.1",
            "BATCH_URL": self.url,
        }

    def run_berth(self, *words, timeout=60):
        """Another subcommand of the binary, told where this server is."""
        return subprocess.run(
            [BERTH, *words],
            env={
                **self.environment,
                "BERTH_ENDPOINT": self.url,
                "BERTH_DATA": str(self.data),
            },
            capture_output=True,
            text=True,
            timeout=timeout,
        )


class BerthServer(Clients):
    """One data folder and the `berth dev` that runs on it, if any."""

    def __init__(
        self, folder, vcpus=8, memory=16384, shards=None, settings=None
    ):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.log_path = self.folder / "berth.log"
        self.vcpus = vcpus
        self.memory = memory
        self.shards = shards or int(os.environ.get("BERTH_SHARDS", "1"))
        self.settings = {"attempt_timeout_min_s": 1, "stop_grace_ms": 1000}
        self.settings.update(settings or {})
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            # Must never be seen by a job.
            "BERTH_TEST_CANARY": "of the server's environment",
        }
        #: Variables of the next launch beside those.
        self.extra_environment = {}
        self.process = None

    # Life

    def command(self):
        words = [BERTH, "dev", "--data", str(self.data)]
        words += ["--listen", "127.0.0.1:0"]
        words += ["--vcpus", str(self.vcpus), "--memory", str(self.memory)]
        words += ["--shards", str(self.shards)]
        for name, value in self.settings.items():
            if value is not None:
                words += ["--set", f"{name}={value}"]
        return words

    def launch(self):
        """Starts the process without awaiting that it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.endpoint_path.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self.environment, **self.extra_environment},
                start_new_session=True,
            )

    def is_ready(self):
        code = self.process.poll()
        assert code is None, f"berth dev ended with {code}:\n{self.log_tail()}"
        return bool(self.read_endpoint())

    def start(self):
        self.launch()
        wait_for(self.is_ready, what=self.log_tail)
        return self

    def kill(self):
        """kill -9; the keeper and the jobs live on."""
        self.process.kill()
        self.process.wait()

    def interrupt(self):
        """One Ctrl-C: the server ends, jobs go on."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def kill_keeper(self):
        os.kill(self.keeper_pid(), signal.SIGKILL)

    def close(self):
        """Ends everything that this object started."""
        keeper = self.keeper_pid()
        if self.process and self.process.poll() is None:
            try:
                stopped = self.run_berth("stop", timeout=20)
                self.process.wait(20 if stopped.returncode == 0 else 0)
            except subprocess.TimeoutExpired:
                self.kill()
        if keeper and is_alive(keeper):
            os.kill(keeper, signal.SIGKILL)
            wait_for(lambda: not is_alive(keeper))

    # What it left in its folder

    @property
    def endpoint_path(self):
        return self.data / "endpoint"

    def read_endpoint(self):
        try:
            return self.endpoint_path.read_text().strip()
        except FileNotFoundError:
            return ""

    @property
    def url(self):
        return self.read_endpoint()

    @property
    def address(self):
        """(host, port) of the API; ConnectionError when there is none."""
        return address_of(self.url)

    def keeper_pid(self):
        try:
            return int((self.data / "keeper.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def log_tail(self):
        try:
            return self.log_path.read_text(errors="replace")[-4000:]
        except FileNotFoundError:
            return "(no output)"

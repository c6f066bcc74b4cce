"""The disk of the data folder fills while jobs are submitted: what is answered
then is clear, and what was accepted ends as it should once there is room.

The data folder is a tmpfs of its own, really filled. That needs the right to
mount, which root has on most machines.
"""

import http.client
import os
import subprocess
from collections import Counter

import pytest

from berth_server import BerthServer
from waiting import wait_for
from wire import call
from workbench import TERMINAL, Workbench, shell

#: The embedded log keeps 64 MiB free (docs/architecture.md).
DISK_MIB = 160
NO_ANSWER = (OSError, http.client.HTTPException)


class SmallDisk:
    """A file system with little room, and a file that takes it."""

    def __init__(self, path):
        self.path = path
        self.filler = path / "filler"

    def free(self):
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, leave):
        """Takes all but this many bytes."""
        with open(self.filler, "ab", buffering=0) as file:
            while (more := self.free() - leave) > 0:
                try:
                    file.write(b"\0" * min(more, 1 << 20))
                except OSError:
                    # Someone else took the last of it.
                    return

    def clear(self):
        self.filler.unlink()


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "berth-test", path],
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    yield SmallDisk(path)
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
def server(disk):
    # The data folder and the output of `berth dev` are both on it.
    server = BerthServer(disk.path / "server")
    server.log_path = disk.path.parent / "berth.log"
    yield server.start()
    if disk.filler.exists():
        disk.clear()
    server.close()


class Load:
    """Submits jobs one by one and knows which were accepted."""

    def __init__(self, server, ledger):
        self.server = server
        bench = Workbench(server)
        self.queue = bench.slots(4)
        self.definition = bench.definition(["true"], vcpus=1, memory=32)
        self.ledger = ledger
        self.accepted = []
        self.unknown = []
        self.refusals = []

    def submit(self, script="exit 0"):
        note = self.ledger.write("$AWS_BATCH_JOB_ID:$AWS_BATCH_JOB_ATTEMPT")
        name = f"job-{len(self.accepted)}-{len(self.refusals)}"
        body = {
            "jobName": name,
            "jobQueue": self.queue,
            "jobDefinition": self.definition,
            "containerOverrides": {"command": shell(f"{note}; {script}")},
            # Makes the log grow.
            "parameters": {"filling": "x" * 10_000},
        }
        try:
            answer = call(self.server, "SubmitJob", body, timeout=20)
        except NO_ANSWER as error:
            # What became of it is not known.
            self.unknown.append((name, error))
            return None
        if answer.status == 200:
            assert answer.json["jobName"] == name
            self.accepted.append(answer.json["jobId"])
            return self.accepted[-1]
        self.refusals.append(answer)
        return None

    def check_refusals(self):
        for answer in self.refusals:
            assert answer.status in (429, 500, 503), answer
            assert answer.json["message"], answer

    def check_end(self):
        """Every accepted job is there once, has succeeded and ran once."""
        bench = Workbench(self.server)
        found = {}

        def ended():
            for job in bench.describe_all(self.accepted):
                found[job["jobId"]] = job
            assert set(found) == set(self.accepted)
            return all(job["status"] in TERMINAL for job in found.values())

        wait_for(ended, 120, lambda: list(found.values())[-1:])
        assert {job["status"] for job in found.values()} == {"SUCCEEDED"}
        listed = Counter()
        for page in bench.batch.get_paginator("list_jobs").paginate(
            jobQueue=self.queue, jobStatus="SUCCEEDED"
        ):
            listed.update(job["jobId"] for job in page["jobSummaryList"])
        assert set(listed.values()) == {1}
        assert set(self.accepted) <= set(listed)
        assert len(listed) <= len(self.accepted) + len(self.unknown)
        started = Counter(self.ledger.lines())
        assert set(started.values()) == {1}, "an attempt ran twice"
        assert {line.partition(":")[0] for line in started} == set(listed)


@pytest.fixture
def load(server, ledger):
    return Load(server, ledger)


def fill_while_submitting(disk, load, leave):
    """The disk fills step by step, until submissions are refused."""
    step = 4 << 20
    while disk.free() - step > leave:
        load.submit()
        disk.fill(max(leave, disk.free() - step))
    disk.fill(leave)
    for _ in range(10):
        load.submit()
    assert load.refusals, "a full disk takes everything"


def go_on(load):
    """With room again: takes jobs, after a restart if it had stopped. It may
    only stop with a message that says what to do."""
    server = load.server
    wait_for(
        lambda: server.process.poll() is not None or load.submit(),
        what=server.log_tail,
    )
    if server.process.poll() is not None:
        assert "Free some space" in server.log_tail(), server.log_tail()
        server.start()
        wait_for(load.submit, what=server.log_tail)


LEAVES = pytest.mark.parametrize(
    "leave", [32 << 20, 0], ids=["nearly full", "not a byte left"]
)


@LEAVES
def test_a_full_disk_refuses_jobs_and_takes_them_again_when_it_has_room(
    disk, load, gate, leave
):
    for _ in range(20):
        load.submit()
    for _ in range(3):
        load.submit(f"echo up; {gate.hold}; echo down")
    fill_while_submitting(disk, load, leave)
    load.check_refusals()
    # What runs goes on and ends, though that cannot be written yet.
    gate.open()
    disk.clear()
    go_on(load)
    load.check_end()
    load.server.interrupt()
    load.server.start()
    load.check_end()


@LEAVES
def test_a_server_that_is_killed_on_a_full_disk_loses_nothing(
    disk, load, gate, leave
):
    for _ in range(20):
        load.submit()
    for _ in range(3):
        load.submit(gate.hold)
    fill_while_submitting(disk, load, leave)
    gate.open()
    load.server.kill()
    # There is no room to start in.
    load.server.launch()
    assert load.server.process.wait(60) != 0
    told = load.server.log_tail()
    assert str(load.server.data) in told and "Free some space" in told, told
    disk.clear()
    load.server.start()
    wait_for(load.submit, what=load.server.log_tail)
    load.check_end()
    verified = load.server.run_berth("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr

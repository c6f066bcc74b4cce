"""kill -9 at random moments under load: no job is lost, none starts twice.

BERTH_KILLS says how often (default 100), BERTH_SEED which moments.
"""

import os
import random
import time

import pytest

from berth_server import is_alive
from slow_disk import slow_environment
from storm import Storm
from waiting import wait_for
from workbench import TERMINAL, Workbench

KILLS = int(os.environ.get("BERTH_KILLS", "100"))
#: Calls of the load per kill.
LOAD = 5


def choose_disk(server, rng, library):
    """Half of the servers write to a disk that is slow, some to one that is
    very slow."""
    longest_ms = rng.choice([0, 0, 30, 300])
    server.extra_environment = (
        slow_environment(library, longest_ms) if longest_ms else {}
    )


def kill_server(server, rng):
    """Comes and leaves with the server down."""
    server.launch()
    if rng.random() < 0.3:
        # While it starts.
        time.sleep(rng.uniform(0, 0.3))
    else:
        wait_for(server.is_ready, what=server.log_tail)
        time.sleep(rng.uniform(0, 0.6))
    server.kill()


def kill_keeper(server, rng):
    """Comes and leaves with the server up and a keeper at work."""
    time.sleep(rng.uniform(0, 0.5))
    old = server.keeper_pid()
    server.kill_keeper()

    def replaced():
        assert server.process.poll() is None, server.log_tail()
        pid = server.keeper_pid()
        return pid not in (None, old) and is_alive(pid)

    wait_for(replaced, what=server.log_tail)


def kill_both(server, rng):
    """As when the machine goes down. Comes and leaves with both down."""
    server.launch()
    wait_for(server.is_ready, what=server.log_tail)
    wait_for(lambda: is_alive(server.keeper_pid() or 0))
    time.sleep(rng.uniform(0, 0.6))
    keeper = server.keeper_pid()
    server.kill()
    if keeper and is_alive(keeper):
        server.kill_keeper()
        wait_for(lambda: not is_alive(keeper))


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("shards", [1, 3], ids=["one-shard", "three-shards"])
@pytest.mark.parametrize(
    "victim, kills",
    [
        (kill_server, KILLS),
        (kill_keeper, KILLS),
        (kill_both, max(1, KILLS // 10)),
    ],
    ids=["server", "keeper", "both"],
)
def test_every_accepted_job_ends_as_it_should(
    make_server, ledger, slow_disk, victim, kills, shards
):
    seed = os.environ.get("BERTH_SEED") or str(random.randrange(10**9))
    print(f"BERTH_SEED={seed}")
    rng = random.Random(seed)
    server = make_server(shards=shards)
    lossy = victim is not kill_server
    storm = Storm(server, Workbench(server), ledger, seed, lossy)
    try:
        if victim is not kill_keeper:
            server.kill()
        else:
            server.interrupt()
            server.extra_environment = slow_environment(slow_disk, 30)
            server.start()
        for _ in range(kills):
            storm.feed(LOAD)
            if victim is not kill_keeper:
                choose_disk(server, rng, slow_disk)
            victim(server, rng)
        if victim is not kill_keeper:
            server.extra_environment = {}
            server.start()
        storm.finish()
        bench = Workbench(server)
        jobs = {}

        def all_ended():
            jobs.update(
                (job["jobId"], job) for job in bench.describe_all(storm.ids())
            )
            missing = set(storm.ids()) - set(jobs)
            assert not missing, f"lost: {missing}"
            return all(job["status"] in TERMINAL for job in jobs.values())

        def left():
            return [j for j in jobs.values() if j["status"] not in TERMINAL]

        wait_for(all_ended, 300, left)
        assert len(storm.expected) >= kills
        storm.check(jobs, bench.stream_lines)
        verified = server.run_berth("audit", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
    finally:
        storm.abandon()


def test_the_slow_disk_of_these_tests_is_slow(make_server, slow_disk):
    server = make_server()
    server.interrupt()
    server.extra_environment = slow_environment(slow_disk, 600)
    server.start()
    bench = Workbench(server)
    queue = bench.slots(1)
    slowest = 0
    for _ in range(4):
        begun = time.monotonic()
        bench.submit(queue, "exit 0")
        slowest = max(slowest, time.monotonic() - begun)
    # Each answer waits for a sync, and one sync in four takes this long.
    assert slowest > 0.55

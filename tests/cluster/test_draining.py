"""An agent that drains finishes what it has and is given no more."""

import signal

import pytest

from waiting import wait_for
from workbench import Workbench


@pytest.fixture
def fleet(make_cluster):
    """(cluster, bench, its one agent, queue)"""
    cluster = make_cluster(nodes=1, partitions=2).start()
    bench = Workbench(cluster)
    environment = bench.environment(16)
    agent = cluster.make_agent(environment).start()
    return cluster, bench, agent, bench.queue(environment)


def drain(agent):
    agent.process.send_signal(signal.SIGUSR1)
    wait_for(lambda: "draining" in agent.log_text(), what=agent.log_tail)


def submit_waiting(cluster, bench, queue):
    """A job that waits because the agent drains: those that it was given just
    before it was known to drain run to their ends."""
    (node,) = cluster.nodes
    waiting = []

    def waits():
        job = bench.submit(queue, "true")

        def told():
            if bench.status(job) == "SUCCEEDED":
                return "ran"
            why = node.run_berth("why", job)
            return "only agents that drain" in why.stdout and "waits"

        if wait_for(told) == "waits":
            waiting.append(job)
        return waiting

    wait_for(waits)
    return waiting[0]


def test_a_draining_agent_ends_when_its_jobs_have_ended(fleet, gate):
    cluster, bench, agent, queue = fleet
    held = bench.submit(queue, f"{gate.hold}; echo the end")
    bench.wait_status(held, "RUNNING")
    drain(agent)
    waiting = submit_waiting(cluster, bench, queue)
    assert bench.status(held) == "RUNNING"
    assert agent.is_running
    gate.open()
    done = bench.wait_succeeded(held)
    assert len(done["attempts"]) == 1
    assert bench.output(held) == ["the end"]
    assert agent.process.wait(60) == 0, agent.log_tail()
    assert not agent.has_keeper()
    assert bench.status(waiting) == "RUNNABLE"
    # Started again it takes work again.
    agent.start()
    bench.wait_succeeded(waiting)


def test_an_agent_stopped_while_it_drains_takes_work_again(fleet, gate):
    cluster, bench, agent, queue = fleet
    held = bench.submit(queue, gate.hold)
    bench.wait_status(held, "RUNNING")
    drain(agent)
    waiting = submit_waiting(cluster, bench, queue)
    assert agent.terminate() == 0
    agent.start()
    bench.wait_succeeded(waiting)
    assert bench.status(held) == "RUNNING"
    gate.open()
    assert len(bench.wait_succeeded(held)["attempts"]) == 1


def test_an_idle_agent_that_drains_leaves(fleet):
    _, bench, agent, queue = fleet
    bench.wait_succeeded(bench.submit(queue, "true"))
    drain(agent)
    assert agent.process.wait(60) == 0, agent.log_tail()
    assert not agent.has_keeper()

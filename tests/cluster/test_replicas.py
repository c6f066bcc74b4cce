"""Every node resolves submissions by a replica of the catalog of its own. What
was answered of a change holds at all of them, without waiting."""

import itertools

import pytest

from berth_server import arn
from workbench import Workbench, unique

ROUNDS = 10


@pytest.fixture(scope="module")
def turns(cluster):
    """Three benches of three nodes, in every order, again and again."""
    benches = [Workbench(node) for node in cluster.nodes]
    return list(itertools.permutations(benches)) * ROUNDS


def test_a_deregistered_definition_is_refused_everywhere(turns, queue):
    for one, another, third in turns:
        definition = one.definition()
        one.batch.deregister_job_definition(jobDefinition=definition)
        for bench in (another, third):
            bench.refused(
                "submit_job",
                "not in ACTIVE status",
                jobName="late",
                jobQueue=queue,
                jobDefinition=definition,
            )


def test_a_bare_name_is_the_newest_revision_everywhere(turns, queue):
    for one, another, third in turns:
        name = one.definition().partition(":")[0]
        another.definition(name=name)
        job = third.describe(third.submit(queue, definition=name))
        assert job["jobDefinition"] == arn("job-definition", f"{name}:2")
        another.batch.deregister_job_definition(jobDefinition=f"{name}:2")
        job = one.describe(one.submit(queue, definition=name))
        assert job["jobDefinition"] == arn("job-definition", f"{name}:1")


def test_a_queue_that_was_disabled_is_closed_everywhere(turns, bench):
    environment = bench.environment(1)
    name = bench.queue(environment)
    definition = bench.definition()
    for one, another, third in turns:
        one.batch.update_job_queue(jobQueue=name, state="DISABLED")
        another.refused(
            "submit_job",
            "disabled",
            jobName="late",
            jobQueue=name,
            jobDefinition=definition,
        )
        another.batch.update_job_queue(jobQueue=name, state="ENABLED")
        assert third.submit(name, definition=definition)


@pytest.mark.parametrize("fate", ["kill", "pause"])
def test_a_change_is_answered_although_a_node_does_not(make_cluster, fate):
    cluster = make_cluster().start()
    one, another, third = cluster.nodes
    bench = Workbench(one)
    queue = bench.queue(bench.environment(1))
    definition = bench.definition(name=unique("of-three"))
    getattr(third, fate)()
    bench.batch.deregister_job_definition(jobDefinition=definition)
    Workbench(another).refused(
        "submit_job",
        "not in ACTIVE status",
        jobName="late",
        jobQueue=queue,
        jobDefinition=definition,
    )

"""Any node answers any call, and what one has answered all know."""

import json
import uuid

import pytest

from waiting import wait_for
from wire import call, send, signed_headers
from workbench import Workbench


@pytest.fixture(scope="module")
def benches(cluster):
    """One that speaks to each node alone."""
    return [Workbench(node) for node in cluster.nodes]


def test_what_one_node_was_told_each_other_knows_at_once(benches):
    """No waiting: an answer is not older than its question."""
    for number, bench in enumerate(benches):
        name = bench.environment(1)
        other = benches[(number + 1) % 3].batch
        (found,) = other.describe_compute_environments(
            computeEnvironments=[name]
        )["computeEnvironments"]
        assert found["status"] in ("VALID", "CREATING")


def test_a_job_runs_whichever_node_it_was_given_to(benches, queue):
    jobs = [bench.submit(queue, "echo hello") for bench in benches]
    for bench in benches:
        for job in jobs:
            bench.wait_succeeded(job)
    for bench in benches:
        for job in jobs:
            assert bench.output(job) == ["hello"]


def test_a_repeat_at_another_node_is_the_same_job(cluster, bench, queue):
    body = {
        "jobName": "repeated",
        "jobQueue": queue,
        "jobDefinition": bench.definition(),
    }
    invocation = str(uuid.uuid4())
    answers = [
        call(node, "SubmitJob", body, invocation, attempt)
        for attempt, node in enumerate([*cluster.nodes, *cluster.nodes], 1)
    ]
    assert [answer.status for answer in answers] == [200] * 6
    assert len({answer.json["jobId"] for answer in answers}) == 1


def test_a_repeated_change_at_another_node_is_answered_alike(cluster, bench):
    body = {"computeEnvironmentName": "repeated", "type": "UNMANAGED"}
    invocation = str(uuid.uuid4())
    answers = [
        call(node, "CreateComputeEnvironment", body, invocation)
        for node in cluster.nodes
    ]
    assert [answer.status for answer in answers] == [200] * 3, answers
    assert len({json.dumps(answer.json) for answer in answers}) == 1


def test_queues_of_one_name_are_made_once(benches):
    """Two nodes are asked; one of them has to refuse."""
    name = benches[0].environment(1)
    benches[0].queue(name, name="only-once")
    benches[1].refused(
        "create_job_queue",
        ["only-once"],
        jobQueueName="only-once",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": name}],
    )


def test_jobs_of_different_shards_depend_on_each_other(cluster, benches):
    """Environments are spread over shards, and their owners over nodes."""
    queues = []
    for bench in benches:
        name = bench.environment(2)
        cluster.make_agent(name).launch()
        queues.append(bench.queue(name))
    before = None
    for bench, queue in zip(benches * 2, queues * 2):
        after = [{"jobId": before}] if before else []
        before = bench.submit(queue, "exit 0", dependsOn=after)
    assert benches[0].wait_succeeded(before)


def test_every_node_is_alive_and_measures_the_cluster(cluster, queue):
    for node in cluster.nodes:
        assert send(node, "GET", "/health").status == 200
        metrics = node.metrics()
        assert metrics["berth_cluster_known"] == [1]
        assert metrics["berth_cluster_nodes"] == [len(cluster.nodes)]
        assert metrics["berth_cluster_shard_owned"] == [1] * cluster.partitions
        assert min(metrics["berth_shard_lag_records"]) >= 0
        # An agent that is up joins in its own time.
        wait_for(
            lambda: len(node.metrics()["berth_agent_silent_seconds"]) >= 2
        )
    owned = [
        owns
        for node in cluster.nodes
        for owns in node.metrics()["berth_shard_owned"]
    ]
    assert sum(owned) == cluster.partitions


def test_a_shard_is_folded_by_two_nodes_and_the_catalog_by_all(cluster):
    def folded():
        return sum(
            len(node.metrics()["berth_shard_lag_records"])
            for node in cluster.nodes
        )

    expected = len(cluster.nodes) + 2 * (cluster.partitions - 1)
    wait_for(lambda: folded() == expected, what=folded)


def test_each_node_tells_of_the_whole_cluster(cluster, queue):
    for node in cluster.nodes:
        path = "/v1/cluster"
        answer = send(
            node,
            "GET",
            path,
            headers=signed_headers(node, "GET", path, b""),
        )
        assert answer.status == 200, answer
        text = answer.body.decode()
        for other in cluster.nodes:
            assert other.name in text


def test_the_command_line_shows_the_cluster(cluster, queue):
    done = cluster.run_berth("cluster")
    assert done.returncode == 0, done.stderr
    for node in cluster.nodes:
        assert node.name in done.stdout
    done = cluster.run_berth("cluster", "--json")
    assert json.loads(done.stdout)

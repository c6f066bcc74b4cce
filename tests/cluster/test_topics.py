"""Submissions that come through the topic, and events that go out."""

import json
import subprocess
import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from brokers import Silent
from shard_log import read_topic
from waiting import wait_for
from workbench import Workbench, shell, unique


def submission(bench, script="exit 0", **extra):
    return {
        "jobName": unique("from-topic"),
        "jobDefinition": bench.definition(),
        "containerOverrides": {"command": shell(script)},
        **extra,
    }


def jobs_named(bench, queue, name):
    return [
        job
        for page in bench.batch.get_paginator("list_jobs").paginate(
            jobQueue=queue,
            filters=[{"name": "JOB_NAME", "values": [name]}],
        )
        for job in page["jobSummaryList"]
    ]


def wait_job(bench, queue, name):
    """The id of the one job of that name."""
    (job,) = wait_for(lambda: jobs_named(bench, queue, name), what=name)
    return job["jobId"]


@pytest.fixture
def producer(brokers):
    return Producer(
        {"bootstrap.servers": brokers.addresses, "log_level": 0},
        logger=Silent(),
    )


def test_a_submission_by_kcat_runs(cluster, bench, queue, ledger):
    wanted = submission(bench, ledger.write("ran"), jobQueue=queue)
    subprocess.run(
        [
            *("kcat", "-P", "-b", cluster.brokers.addresses, "-q"),
            *("-t", f"{cluster.prefix}.submissions", "-k", queue),
        ],
        input=json.dumps(wanted),
        text=True,
        check=True,
        timeout=60,
    )
    job = wait_job(bench, queue, wanted["jobName"])
    bench.wait_succeeded(job)
    assert ledger.lines() == ["ran"]


def test_submissions_by_a_python_client_run_once_each(
    cluster, bench, queue, producer, ledger
):
    wanted = [
        submission(bench, ledger.write(f"ran {number}"), jobQueue=queue)
        for number in range(20)
    ]
    for one in wanted:
        producer.produce(
            f"{cluster.prefix}.submissions", json.dumps(one), key=queue
        )
    assert producer.flush(30) == 0
    for one in wanted:
        bench.wait_succeeded(wait_job(bench, queue, one["jobName"]))
    assert sorted(ledger.lines()) == sorted(f"ran {n}" for n in range(20))


def test_an_array_with_retries_comes_through_the_topic_too(
    cluster, bench, queue, producer
):
    wanted = submission(
        bench,
        "[ $AWS_BATCH_JOB_ATTEMPT -ge 2 ]",
        jobQueue=queue,
        arrayProperties={"size": 3},
        retryStrategy={"attempts": 3},
    )
    producer.produce(
        f"{cluster.prefix}.submissions", json.dumps(wanted), key=queue
    )
    assert producer.flush(30) == 0
    job = bench.wait_succeeded(wait_job(bench, queue, wanted["jobName"]))
    assert job["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3


@pytest.mark.parametrize(
    "broken, why",
    [
        (b"this is no JSON", ""),
        (b"", ""),
        (b'{"jobName": "no-queue"}', "jobQueue"),
        (
            b'{"jobName": "x", "jobQueue": "no-such-queue",'
            b' "jobDefinition": "none"}',
            "no-such-queue",
        ),
    ],
    ids=["no JSON", "empty", "no queue", "unknown queue"],
)
def test_what_cannot_be_is_rejected_with_reason_and_original(
    cluster, bench, queue, producer, broken, why
):
    mark = str(uuid.uuid4())
    producer.produce(
        f"{cluster.prefix}.submissions",
        broken,
        key=mark,
        # All go through one partition, so what follows was behind it.
        partition=0,
    )
    follower = submission(bench, jobQueue=queue)
    producer.produce(
        f"{cluster.prefix}.submissions", json.dumps(follower), partition=0
    )
    assert producer.flush(30) == 0
    # It holds up nobody.
    bench.wait_succeeded(wait_job(bench, queue, follower["jobName"]))

    def rejected():
        topic = f"{cluster.prefix}.rejections"
        return [
            (key, value)
            for _, _, _, key, value in read_topic(
                cluster.brokers.addresses, topic
            )
            if mark.encode() in (key or b"") + value
        ]

    ((_, value),) = wait_for(rejected)
    assert why.encode() in value


def test_state_changes_of_a_job_arrive_in_order(cluster, bench, queue):
    job = bench.submit(queue, "exit 0")
    bench.wait_succeeded(job)

    def seen():
        events = [
            json.loads(value)
            for _, _, _, key, value in read_topic(
                cluster.brokers.addresses,
                f"{cluster.prefix}.job-state-changes",
            )
            if key == job.encode()
        ]
        statuses = [event["detail"]["status"] for event in events]
        return "SUCCEEDED" in statuses and events

    events = wait_for(seen)
    statuses = [event["detail"]["status"] for event in events]
    # At least once: repeats may be there, and nothing else.
    order = list(dict.fromkeys(statuses))
    assert order == [
        "SUBMITTED",
        "RUNNABLE",
        "STARTING",
        "RUNNING",
        "SUCCEEDED",
    ]
    for event in events:
        assert event["detail-type"] == "Batch Job State Change"
        assert event["source"] == "aws.batch"
        assert event["detail"]["jobId"] == job


def test_a_consumer_at_the_end_sees_events_as_they_come(
    cluster, bench, queue, gate
):
    topic = f"{cluster.prefix}.job-state-changes"
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.brokers.addresses,
            "group.id": "berth-tests-live",
            "log_level": 0,
        },
        logger=Silent(),
    )
    try:
        partitions = consumer.list_topics(topic, 10).topics[topic].partitions
        consumer.assign(
            [
                TopicPartition(
                    topic,
                    number,
                    consumer.get_watermark_offsets(
                        TopicPartition(topic, number), 10
                    )[1],
                )
                for number in partitions
            ]
        )
        job = bench.submit(queue, gate.hold)
        found = []

        def running():
            record = consumer.poll(0.1)
            if record is not None and not record.error():
                event = json.loads(record.value())
                if event["detail"]["jobId"] == job:
                    found.append(event["detail"]["status"])
            return "RUNNING" in found

        wait_for(running, what=lambda: found)
    finally:
        consumer.close()


def test_submissions_made_while_no_node_is_up_are_not_lost(
    make_cluster, ledger, brokers
):
    cluster = make_cluster(nodes=1, partitions=2).start()
    bench = Workbench(cluster)
    environment = bench.environment(2)
    cluster.make_agent(environment).start()
    queue = bench.queue(environment)
    wanted = submission(bench, ledger.write("ran"), jobQueue=queue)
    (node,) = cluster.nodes
    node.kill()
    producer = Producer({"bootstrap.servers": brokers.addresses})
    producer.produce(
        f"{cluster.prefix}.submissions", json.dumps(wanted), key=queue
    )
    assert producer.flush(30) == 0
    node.start()
    bench.wait_succeeded(wait_job(bench, queue, wanted["jobName"]))
    # Nor taken twice when the reading begins anew.
    node.kill()
    node.start()
    assert len(jobs_named(bench, queue, wanted["jobName"])) == 1
    assert ledger.lines() == ["ran"]

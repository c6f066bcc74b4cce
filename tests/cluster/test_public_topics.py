"""What docs/kafka.md promises of the public topics: schemas, exactly once in,
at least once and in order out, whatever is killed meanwhile."""

import json
import random
import threading
from collections import Counter, defaultdict
from pathlib import Path

import msgpack
import pytest
from confluent_kafka import Producer
from jsonschema import Draft202012Validator

from shard_log import read_topic
from waiting import wait_for
from workbench import Workbench, shell, unique

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
SUBMISSIONS = 120


def validator(name):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def records_of(cluster, topic):
    return list(
        read_topic(cluster.brokers.addresses, f"{cluster.prefix}.{topic}")
    )


def producer_of(cluster):
    return Producer(
        {
            "bootstrap.servers": cluster.brokers.addresses,
            "enable.idempotence": True,
        }
    )


def submission(bench, queue, script="exit 0", **extra):
    return {
        "jobName": unique("public"),
        "jobQueue": queue,
        "jobDefinition": bench.definition(),
        "containerOverrides": {"command": shell(script)},
        **extra,
    }


def events_of(cluster, names):
    """Of the jobs of these names, as they came."""
    found = []
    for partition, offset, _, key, value in records_of(
        cluster, "job-state-changes"
    ):
        event = json.loads(value)
        if event["detail"]["jobName"] in names:
            found.append((partition, offset, key.decode(), event))
    return sorted(found, key=lambda one: one[:2])


def without_repeats(events):
    """As docs/kafka.md tells readers to do it."""
    seen = defaultdict(lambda: (-1, 0))
    for _, _, _, event in events:
        sequence = event["sequence"]
        place = (sequence["offset"], sequence["number"])
        if place > seen[sequence["shard"]]:
            seen[sequence["shard"]] = place
            yield event


def test_the_records_are_as_their_schemas_say(cluster, bench, queue):
    wanted = submission(
        bench,
        queue,
        tags={"team": "a"},
        account="123456789012",
        region="us-east-1",
    )
    nowhere = {**wanted, "jobQueue": "nowhere", "jobName": unique("nowhere")}
    for one in (wanted, nowhere):
        validator("submission").validate(one)
    producer = producer_of(cluster)
    topic = f"{cluster.prefix}.submissions"
    producer.produce(topic, msgpack.packb(wanted), key=queue)
    producer.produce(topic, json.dumps(nowhere), key=nowhere["jobName"])
    # {"\xff": 1}: msgpack whose key is no text.
    producer.produce(topic, b"\x81\xa1\xff\x01", key=nowhere["jobName"])
    assert producer.flush(30) == 0

    name = wanted["jobName"]
    wait_for(
        lambda: "SUCCEEDED"
        in [e["detail"]["status"] for *_, e in events_of(cluster, {name})]
    )
    for *_, key, event in events_of(cluster, {name}):
        validator("job_state_change").validate(event)
        assert key == event["detail"]["jobId"]
        assert event["detail"]["tags"]["team"] == "a"

    def rejected():
        found = [
            json.loads(value)
            for *_, key, value in records_of(cluster, "rejections")
            if key == nowhere["jobName"].encode()
        ]
        return len(found) >= 2 and found

    rejections = wait_for(rejected)
    for rejection in rejections:
        validator("rejection").validate(rejection)
    assert any(
        rejection["reason"] == "JobQueue nowhere not found."
        and json.loads(rejection["original"]) == nowhere
        for rejection in rejections
        if rejection["original"] is not None
    )
    assert any("originalBase64" in rejection for rejection in rejections)

    # A read of the topics may be quicker than their acknowledgement.
    def counted(name, at_least):
        return sum(sum(n.metrics()[name]) for n in cluster.nodes) >= at_least

    wait_for(lambda: counted("berth_state_changes_published_total", 4))
    wait_for(lambda: counted("berth_rejections_published_total", 2))
    assert any(
        max(node.metrics()["berth_submissions_taken_offset"], default=-1) >= 0
        for node in cluster.nodes
    )


@pytest.mark.timeout(600)
def test_each_submission_is_one_job_whoever_is_killed(make_cluster, ledger):
    cluster = make_cluster(nodes=3, partitions=4).start()
    bench = Workbench(cluster)
    environment = bench.environment(8)
    cluster.make_agent(environment).start()
    queue = bench.queue(environment)
    wanted = [
        submission(bench, queue, ledger.write(f"ran {number}"))
        for number in range(SUBMISSIONS)
    ]
    producer = producer_of(cluster)
    ended = threading.Event()

    def produce():
        for one in wanted:
            producer.produce(
                f"{cluster.prefix}.submissions", json.dumps(one)
            )
            producer.poll(0)
            # Load over the whole time of the faults, not before them.
            ended.wait(0.15)

    load = threading.Thread(target=produce)
    load.start()
    try:
        for _ in range(4):
            node = random.choice(cluster.nodes)
            node.kill()
            node.start()
    finally:
        load.join()
    assert producer.flush(60) == 0

    names = {one["jobName"] for one in wanted}

    def all_ran():
        return len(ledger.lines()) >= SUBMISSIONS

    wait_for(all_ran, seconds=180, what=lambda: len(ledger.lines()))

    def all_told():
        ends = [
            e["detail"]["jobName"]
            for *_, e in events_of(cluster, names)
            if e["detail"]["status"] == "SUCCEEDED"
        ]
        return set(ends) == names

    wait_for(all_told, seconds=60)
    # Once each: nothing was lost, nothing ran twice.
    assert Counter(ledger.lines()) == Counter(
        f"ran {number}" for number in range(SUBMISSIONS)
    )
    by_job = defaultdict(list)
    jobs_of = defaultdict(set)
    for event in without_repeats(events_of(cluster, names)):
        detail = event["detail"]
        by_job[detail["jobId"]].append(detail["status"])
        jobs_of[detail["jobName"]].add(detail["jobId"])
    assert all(len(jobs) == 1 for jobs in jobs_of.values())
    for statuses in by_job.values():
        assert statuses == [
            "SUBMITTED",
            "RUNNABLE",
            "STARTING",
            "RUNNING",
            "SUCCEEDED",
        ]

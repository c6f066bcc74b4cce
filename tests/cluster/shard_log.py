"""What the log itself says: who claimed which shard, and when."""

import time
from collections import defaultdict
from dataclasses import dataclass

import msgpack
from confluent_kafka import Consumer, TopicPartition

from brokers import Silent

MESSAGE, CLAIM, DECISION = 1, 2, 3
PATIENCE_S = 60


@dataclass
class Claim:
    shard: int
    offset: int
    at_ms: int
    node: str


def read_topic(brokers, topic, seconds=PATIENCE_S):
    """Every record there is now, of all partitions: (partition, offset,
    timestamp, key, value)."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "berth-tests",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "log_level": 0,
        },
        logger=Silent(),
    )
    try:
        partitions = consumer.list_topics(topic, 10).topics[topic].partitions
        left = {}
        for number in partitions:
            place = TopicPartition(topic, number)
            first, end = consumer.get_watermark_offsets(place, 10)
            if end > first:
                left[number] = (first, end)
        consumer.assign(
            [TopicPartition(topic, n, first) for n, (first, _) in left.items()]
        )
        deadline = time.monotonic() + seconds
        while left:
            record = consumer.poll(1.0)
            assert time.monotonic() < deadline, f"{topic} is not read: {left}"
            if record is None:
                continue
            assert not record.error(), record.error()
            number = record.partition()
            yield (
                number,
                record.offset(),
                record.timestamp()[1],
                record.key(),
                record.value(),
            )
            if number in left and record.offset() + 1 >= left[number][1]:
                del left[number]
    finally:
        consumer.close()


def read_claims(brokers, prefix):
    claims = []
    for shard, offset, at_ms, _, value in read_topic(brokers, f"{prefix}.log"):
        _, (kind, body) = msgpack.unpackb(value, strict_map_key=False)
        if kind == CLAIM:
            claims.append(Claim(shard, offset, at_ms, body[0]))
    return sorted(claims, key=lambda one: (one.shard, one.offset))


def longest_without_owner(claims, impaired):
    """(milliseconds, shard): from when an owner was killed, paused or cut off
    until somebody's claim, or until the paused or cut owner is back."""
    by_shard = defaultdict(list)
    for claim in claims:
        by_shard[claim.shard].append(claim)
    longest = (0, None)
    for shard, own in by_shard.items():
        for claim, following in zip(own, [*own[1:], None]):
            end_ms = following.at_ms if following else float("inf")
            for one in impaired:
                if one.node != claim.node:
                    continue
                if not claim.at_ms <= one.since_ms < end_ms:
                    continue
                # One that was killed comes back as nobody's owner.
                back_ms = end_ms if one.killed else min(end_ms, one.until_ms)
                longest = max(longest, (back_ms - one.since_ms, shard))
    return longest

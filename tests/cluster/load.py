"""The load of the chaos: the storm of tests/conformance through any node, and
jobs submitted through the topic, all of whose ends are known beforehand.

Beside what the storm notes, each attempt holds a lock of its job while it
runs, and notes it when it finds it held: two attempts at one time.
"""

import json

from confluent_kafka import Producer

from brokers import Silent
from storm import Expected, Storm
from workbench import Workbench, shell

#: A frozen node takes a call and never answers it.
READ_TIMEOUT_S = 20


def patient_bench(cluster, read_timeout=READ_TIMEOUT_S):
    """Its calls are repeated as SDKs repeat them, at any node."""
    bench = Workbench(cluster)
    patient = {
        "retries": {"mode": "standard", "max_attempts": 10},
        "read_timeout": read_timeout,
    }
    bench.batch = cluster.batch(**patient)
    bench.logs = cluster.logs(**patient)
    return bench


class TopicSubmissions:
    """Produces submissions; each is named by a token until the log has made
    an id of its place in the topic."""

    def __init__(self, brokers, topic):
        self.topic = topic
        # Never given up: a record of unknown outcome would be one more case.
        self.producer = Producer(
            {
                "bootstrap.servers": brokers,
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "log_level": 0,
            },
            logger=Silent(),
        )
        self.produced = 0
        self.delivered = set()
        self.failures = []

    def submit(self, queue, token, body):
        self.produced += 1
        self.producer.produce(
            self.topic,
            json.dumps({**body, "jobName": token, "jobQueue": queue}),
            key=queue,
            on_delivery=lambda error, _: self.noted(token, error),
        )
        self.producer.poll(0)

    def noted(self, token, error):
        if error:
            self.failures.append((token, str(error)))
        else:
            self.delivered.add(token)

    def flush(self, seconds):
        left = self.producer.flush(seconds)
        assert left == 0, f"{left} submissions are not in the topic"
        assert not self.failures, self.failures


class ClusterStorm(Storm):
    """`queues` exist already; of a hundred pieces of load `topic_share` go
    through the topic."""

    def __init__(self, cluster, bench, ledger, seed, queues, topic_share=30):
        self.given_queues = queues
        self.topic_share = topic_share
        self.topic = TopicSubmissions(
            cluster.brokers.addresses, f"{cluster.prefix}.submissions"
        )
        self.locks = ledger.path.parent / "locks"
        self.locks.mkdir()
        #: Expectations by token, until the ids are known.
        self.tokens_expected = {}
        #: Ids that the API gave.
        self.accepted = []
        super().__init__(cluster, bench, ledger, seed, lossy=True)

    def make_queues(self, bench):
        return self.given_queues

    def script(self, script):
        if not isinstance(script, str):
            return script
        note = "$AWS_BATCH_JOB_ID:$AWS_BATCH_JOB_ATTEMPT"
        return shell(
            f"exec 9>{self.locks}/$AWS_BATCH_JOB_ID\n"
            f"flock -n 9 || {self.ledger.write(note + ':overlap')}\n"
            f"{self.ledger.write(note + ':start')}\n"
            f"end() {{ {self.ledger.write(note + ':end')}; }}\n{script}"
        )

    def body(self, rng, script, attempts=1, array=0, **extra):
        body = {
            "jobName": "storm",
            "jobQueue": rng.choice(self.queues),
            "jobDefinition": self.definition,
            "containerOverrides": {"command": self.script(script)},
            "retryStrategy": {"attempts": attempts},
            **extra,
        }
        if array:
            body["arrayProperties"] = {"size": array}
        return body

    def submit(self, rng, script, attempts=1, after=(), array=0, **extra):
        if after:
            extra["dependsOn"] = [
                dict(zip(("jobId", "type"), entry)) for entry in after
            ]
        body = self.body(rng, script, attempts, array, **extra)
        job = self.answered("SubmitJob", body)["jobId"]
        self.accepted.append(job)
        if array:
            self.note_array(job, array)
        return job

    def through_topic(self, rng, expected, script, array=0):
        """`expected`: what becomes of the job, or of each child."""
        with self.lock:
            token = f"topic-{len(self.tokens_expected) + 1}"
            self.tokens_expected[token] = (expected, array)
        body = self.body(rng, script, expected.attempts, array)
        self.topic.submit(body.pop("jobQueue"), token, body)

    # What is submitted through the topic.

    def topic_good(self, rng):
        script = f"sleep {rng.uniform(0, 0.5):.2f}; end"
        expected = Expected(None, "topic good", attempts=self.many)
        self.through_topic(rng, expected, script)

    def topic_flaky(self, rng):
        expected = Expected(
            None, "topic flaky", lambda n: 0 if n >= 3 else 5, attempts=10
        )
        script = "end; [ $AWS_BATCH_JOB_ATTEMPT -ge 3 ] || exit 5"
        self.through_topic(rng, expected, script)

    def topic_bad(self, rng):
        expected = Expected(None, "topic bad", lambda n: 3, attempts=2)
        self.through_topic(rng, expected, "end; exit 3")

    def topic_array(self, rng):
        expected = Expected(None, "topic child", attempts=self.many)
        self.through_topic(rng, expected, "sleep 0.1; end", array=4)

    def long(self, rng):
        """Runs across several faults."""
        script = f"sleep {rng.uniform(3, 12):.1f}; end"
        job = self.submit(rng, script, self.many)
        self.expect(Expected(job, "long", attempts=self.many))

    KINDS_OF_TOPIC = [
        *[topic_good] * 2,
        topic_flaky,
        topic_bad,
        topic_array,
    ]
    KINDS = [*Storm.KINDS, long, long]

    def one(self, rng):
        """One piece of load."""
        of_topic = rng.randrange(100) < self.topic_share
        kinds = self.KINDS_OF_TOPIC if of_topic else self.KINDS
        rng.choice(kinds)(self, rng)

    # In the end

    def resolve_tokens(self, ids):
        """`ids`: job ids by token. Expects of each what was said when it was
        submitted; tokens with none are returned."""
        missing = []
        for token, (expected, array) in self.tokens_expected.items():
            found = ids.get(token, [])
            if not found:
                missing.append(token)
            for job in found:
                if array:
                    self.note_array(job, array)
                names = (
                    [f"{job}:{index}" for index in range(array)]
                    if array
                    else [job]
                )
                self.expect(
                    *(
                        Expected(
                            name,
                            expected.kind,
                            expected.outcome,
                            expected.attempts,
                        )
                        for name in names
                    )
                )
        return missing

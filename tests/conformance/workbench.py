"""Environments, queues, definitions and shell jobs, in a line each."""

import fcntl
import itertools
import os
import re

from waiting import wait_for

STATUSES = [
    "SUBMITTED",
    "PENDING",
    "RUNNABLE",
    "STARTING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
]
TERMINAL = {"SUCCEEDED", "FAILED"}
MESSAGE_OF_EXIT = "Essential container in task exited"

numbers = itertools.count(1)


def unique(prefix):
    return f"{prefix}-{os.getpid()}-{next(numbers)}"


def shell(script):
    return ["/bin/sh", "-c", script]


def needs(vcpus, memory):
    return [
        {"type": "VCPU", "value": str(vcpus)},
        {"type": "MEMORY", "value": str(memory)},
    ]


def pairs(mapping):
    return [{"name": k, "value": str(v)} for k, v in mapping.items()]


def unpaired(items):
    return {item["name"]: item["value"] for item in items}


def needs_of(container):
    """resourceRequirements as a mapping."""
    return {
        item["type"]: item["value"]
        for item in container["resourceRequirements"]
    }


class Gate:
    """A file that jobs await; `hold` is the line of shell that does it."""

    def __init__(self, path):
        self.path = path
        self.hold = f"until [ -e {path} ]; do sleep 0.05; done"

    def open(self):
        self.path.touch()


class Ledger:
    """A file to which jobs append lines (O_APPEND, one write each)."""

    def __init__(self, path):
        self.path = path
        self.path.touch()

    def write(self, text):
        """The shell that appends `text`, in which $VARIABLES are replaced."""
        return f'echo "{text}" >> {self.path}'

    def lines(self):
        return self.path.read_text().splitlines()


class Lock:
    """Held by a process tree for as long as one process of it lives."""

    def __init__(self, path):
        self.path = path
        self.path.touch()
        self.take = f"exec 9>{path}; flock 9"

    def is_free(self):
        with open(self.path, "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True


class Workbench:
    """What a test needs of one server."""

    def __init__(self, server):
        self.server = server
        self.batch = server.batch()
        self.logs = server.logs()

    # Objects

    def environment(self, vcpus=8, **extra):
        """A managed environment that holds this many vCPUs; its name."""
        name = extra.pop("name", None) or unique("env")
        self.batch.create_compute_environment(
            computeEnvironmentName=name,
            type="MANAGED",
            computeResources={
                "type": "EC2",
                "minvCpus": 0,
                "maxvCpus": vcpus,
                "instanceTypes": ["optimal"],
                "subnets": ["subnet-1"],
                "securityGroupIds": ["sg-1"],
                "instanceRole": "ecsInstanceRole",
            },
            **extra,
        )
        return name

    def queue(self, *environments, priority=1, **extra):
        """A queue on these environments, in this order; its name."""
        name = extra.pop("name", None) or unique("queue")
        self.batch.create_job_queue(
            jobQueueName=name,
            priority=priority,
            computeEnvironmentOrder=[
                {"order": number, "computeEnvironment": environment}
                for number, environment in enumerate(environments, 1)
            ],
            **extra,
        )
        return name

    def slots(self, vcpus, **extra):
        """A queue with an environment of its own."""
        return self.queue(self.environment(vcpus), **extra)

    def definition(
        self, command=None, vcpus=1, memory=64, container=None, **extra
    ):
        """Registers a definition; `name:revision`."""
        name = extra.pop("name", None) or unique("def")
        properties = {
            "image": "busybox",
            "command": command or ["true"],
            "resourceRequirements": needs(vcpus, memory),
        }
        properties.update(container or {})
        answer = self.batch.register_job_definition(
            jobDefinitionName=name,
            type="container",
            containerProperties={
                k: v for k, v in properties.items() if v is not None
            },
            **extra,
        )
        return f"{name}:{answer['revision']}"

    # Jobs

    def submit(self, queue, script=None, definition=None, **extra):
        """Submits a job that runs this shell script; its id."""
        extra.setdefault("jobName", unique("job"))
        vcpus, memory = extra.pop("vcpus", 1), extra.pop("memory", 64)
        if definition is None:
            command = shell(script) if isinstance(script, str) else script
            definition = self.definition(command, vcpus, memory)
        return self.batch.submit_job(
            jobQueue=queue, jobDefinition=definition, **extra
        )["jobId"]

    def describe(self, job):
        (found,) = self.batch.describe_jobs(jobs=[job])["jobs"]
        return found

    def describe_all(self, jobs):
        jobs = list(jobs)
        found = []
        for start in range(0, len(jobs), 100):
            found += self.batch.describe_jobs(jobs=jobs[start : start + 100])[
                "jobs"
            ]
        return found

    def status(self, job):
        return self.describe(job)["status"]

    def wait_status(self, job, *statuses, seconds=60):
        """Awaits one of the statuses; the job as described then."""
        seen = {}

        def arrived():
            seen.update(job=self.describe(job))
            reached = seen["job"]["status"]
            assert reached in statuses or reached not in TERMINAL, (
                f"awaited {statuses}: {seen['job']}"
            )
            return reached in statuses and seen["job"]

        return wait_for(arrived, seconds, lambda: f"{statuses}: {seen}")

    def wait_succeeded(self, job, seconds=60):
        return self.wait_status(job, "SUCCEEDED", seconds=seconds)

    def wait_failed(self, job, seconds=60):
        return self.wait_status(job, "FAILED", seconds=seconds)

    def wait_all(self, jobs, *statuses, seconds=60):
        """Awaits that each of the jobs has one of the statuses."""
        jobs = list(jobs)
        left = {}

        def arrived():
            left.clear()
            for job in self.describe_all(jobs):
                if job["status"] not in statuses:
                    left[job["jobId"]] = job["status"]
            return not left

        wait_for(arrived, seconds, lambda: f"{statuses}: {left}")
        return self.describe_all(jobs)

    def run(self, queue, script=None, **extra):
        """Submits and awaits SUCCEEDED; the job as described."""
        return self.wait_succeeded(self.submit(queue, script, **extra))

    def output(self, job):
        """All lines that the latest attempt of an ended job printed."""
        stream = self.describe(job)["container"]["logStreamName"]
        return self.stream_lines(stream)

    def stream_lines(self, stream):
        lines, token = [], None
        while True:
            more = {"nextToken": token} if token else {}
            answer = self.logs.get_log_events(
                logGroupName="/aws/batch/job",
                logStreamName=stream,
                startFromHead=True,
                **more,
            )
            lines += [event["message"] for event in answer["events"]]
            if answer["nextForwardToken"] == token:
                return lines
            token = answer["nextForwardToken"]

    def refused(self, operation, words, **request):
        """The call answers ClientException with all of these words (regular
        expressions, any case); the message."""
        try:
            answer = getattr(self.batch, operation)(**request)
        except self.batch.exceptions.ClientException as error:
            details = error.response
        else:
            raise AssertionError(f"{operation} was accepted: {answer}")
        assert details["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert details["Error"]["Code"] == "ClientException"
        message = details["Error"]["Message"]
        for word in [words] if isinstance(words, str) else words:
            assert re.search(word, message, re.IGNORECASE), (
                f"{word!r} not in {message!r}"
            )
        return message

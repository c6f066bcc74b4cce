"""The accounts after a chaos: from the jobs' own side effects, the API and
the log alone."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from load import patient_bench
from shard_log import longest_without_owner, read_claims, read_topic
from storm import ExpectedArray
from waiting import wait_for
from workbench import TERMINAL

DRAIN_S = 300
#: Of each kind of finding, so many are printed.
PRINTED = 10


@dataclass
class Accounts:
    """Each list holds what was found wrong, in words."""

    lost: list = field(default_factory=list)
    started_twice: list = field(default_factory=list)
    diverged: list = field(default_factory=list)
    not_drained: list = field(default_factory=list)
    submitted_twice: list = field(default_factory=list)
    overlapped: list = field(default_factory=list)
    wrong_ends: list = field(default_factory=list)
    rejected: list = field(default_factory=list)
    #: Of the load and of the faults, for people.
    jobs: Counter = field(default_factory=Counter)
    unowned_ms: float = 0
    unowned_shard: int = None

    def findings(self):
        return {
            "accepted jobs lost": self.lost,
            "attempts started twice": self.started_twice,
            "hashes diverged": self.diverged,
            "jobs not drained": self.not_drained,
            "submissions made twice": self.submitted_twice,
            "attempts of one job at one time": self.overlapped,
            "jobs that ended otherwise than they had to": self.wrong_ends,
            "submissions rejected": self.rejected,
        }

    @property
    def is_good(self):
        return not any(self.findings().values())

    def print(self, say=print):
        for what, found in self.findings().items():
            say(f"{len(found):5}  {what}")
            for one in found[:PRINTED]:
                say(f"         {one}")


def ids_of_tokens(bench, queues):
    """Job ids by the name that a submission in the topic bore."""
    found = defaultdict(list)
    pages = bench.batch.get_paginator("list_jobs")
    for queue in queues:
        for page in pages.paginate(
            jobQueue=queue,
            filters=[{"name": "JOB_NAME", "values": ["topic-*"]}],
        ):
            for job in page["jobSummaryList"]:
                found[job["jobName"]].append(job["jobId"])
    return found


def await_topic(bench, storm, seconds):
    """Awaits that every submission of the topic is a job; job ids by token."""
    ids = {}

    def all_there():
        ids.update(ids_of_tokens(bench, storm.queues))
        return len(ids) >= len(storm.tokens_expected)

    try:
        wait_for(all_there, seconds)
    except AssertionError:
        # Told by the accounts.
        pass
    return ids


def await_drained(bench, storm, seconds):
    """Every job by id, as described when all had ended, or at the deadline."""
    jobs = {}

    def all_ended():
        ids = storm.ids()
        jobs.update((job["jobId"], job) for job in bench.describe_all(ids))
        return all(
            jobs[one]["status"] in TERMINAL for one in ids if one in jobs
        )

    try:
        wait_for(all_ended, seconds)
    except AssertionError:
        # Told by the accounts.
        pass
    return jobs


def take_accounts(cluster, storm, impaired, drain_s=DRAIN_S):
    """After the last fault; nothing is submitted any more."""
    accounts = Accounts()
    bench = patient_bench(cluster)
    ids = await_topic(bench, storm, drain_s)
    for token in storm.resolve_tokens(ids):
        accounts.lost.append(f"{token}: in the topic, and no job")
    accounts.submitted_twice += [
        f"{token}: {found}" for token, found in ids.items() if len(found) > 1
    ]
    jobs = await_drained(bench, storm, drain_s)
    account_for_ledger(accounts, storm, jobs)
    account_for_ends(accounts, storm, jobs)
    account_for_log(accounts, cluster, impaired)
    accounts.jobs = Counter(
        {
            "through the API": len(storm.accepted),
            "through the topic": len(storm.tokens_expected),
            "with children": len(storm.ids()),
        }
    )
    return accounts


def account_for_ledger(accounts, storm, jobs):
    starts = Counter()
    for line in storm.ledger.lines():
        job, attempt, what = line.rsplit(":", 2)
        if what == "start":
            starts[(job, attempt)] += 1
        elif what == "overlap":
            accounts.overlapped.append(f"{job}, found by attempt {attempt}")
        if job not in jobs:
            accounts.wrong_ends.append(f"{job} ran, and is no job")
    accounts.started_twice += [
        f"{job}, attempt {attempt}: {count} times"
        for (job, attempt), count in starts.items()
        if count > 1
    ]


def account_for_ends(accounts, storm, jobs):
    starts, ends = defaultdict(set), defaultdict(set)
    for line in storm.ledger.lines():
        job, attempt, what = line.rsplit(":", 2)
        if what in ("start", "end"):
            (starts if what == "start" else ends)[job].add(int(attempt))
    for expected in [*storm.expected, *storm.arrays]:
        job = jobs.get(expected.job)
        if job is None:
            accounts.lost.append(f"{expected.job}: {expected}")
        elif job["status"] not in TERMINAL:
            accounts.not_drained.append(
                f"{expected.job}: {job['status']}: {expected}"
            )
        else:
            check(accounts, storm, expected, job, jobs, starts, ends)


def check(accounts, storm, expected, job, jobs, starts, ends):
    try:
        if isinstance(expected, ExpectedArray):
            storm.check_array(expected, jobs)
            return
        told = f"{expected}: {job}"
        storm.check_attempts(expected, job, starts, ends, told)
        storm.check_end(expected, job, jobs, told)
    except (AssertionError, KeyError, AttributeError) as problem:
        accounts.wrong_ends.append(f"{type(problem).__name__}: {problem}")


def account_for_log(accounts, cluster, impaired):
    brokers = cluster.brokers.addresses
    accounts.rejected += [
        value.decode(errors="replace")
        for *_, value in read_topic(brokers, f"{cluster.prefix}.rejections")
    ]
    whole = cluster.run_berth(
        *("audit", "verify", "--brokers", brokers),
        *("--topic-prefix", cluster.prefix),
        timeout=600,
    )
    if whole.returncode != 0:
        accounts.diverged.append(whole.stdout + whole.stderr)
    # Each node folds the whole log anew and compares it with what it holds.
    for node in cluster.nodes:
        verified = node.run_berth("audit", "verify", timeout=600)
        if verified.returncode != 0:
            said = verified.stdout + verified.stderr
            accounts.diverged.append(f"{node.name}: {said}")
    claims = read_claims(brokers, cluster.prefix)
    accounts.unowned_ms, accounts.unowned_shard = longest_without_owner(
        claims, impaired
    )

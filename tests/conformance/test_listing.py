"""ListJobs with its selectors and filters, and pagination everywhere."""

import pytest

from berth_server import arn
from workbench import unique


def listed(bench, **request):
    """All pages; the summaries."""
    pages = bench.batch.get_paginator("list_jobs").paginate(**request)
    return [job for page in pages for job in page["jobSummaryList"]]


def ids(summaries):
    return [job["jobId"] for job in summaries]


def filtered(bench, queue, name, value):
    return listed(
        bench, jobQueue=queue, filters=[{"name": name, "values": [value]}]
    )


class Population:
    """A queue with jobs of several names, definitions and ends."""

    def __init__(self, bench):
        self.queue = bench.slots(4)
        self.first = bench.definition(["true"], name=unique("first"))
        name = self.first.partition(":")[0]
        self.second = bench.definition(["false"], name=name)
        self.other = bench.definition(["true"], name=unique("other"))
        self.jobs = []
        for job_name, definition in [
            ("Align-1", self.first),
            ("align-2", self.second),
            ("Align-1", self.other),
            ("merge", self.first),
            ("alignment", self.other),
        ]:
            self.jobs.append(
                bench.submit(
                    self.queue, jobName=job_name, definition=definition
                )
            )
        self.created = [
            job["createdAt"]
            for job in bench.wait_all(self.jobs, "SUCCEEDED", "FAILED")
        ]


@pytest.fixture(scope="module")
def population(bench):
    return Population(bench)


def test_a_summary_has_every_field(bench, population):
    (job,) = listed(bench, jobQueue=population.queue, jobStatus="FAILED")
    described = bench.describe(population.jobs[1])
    assert job["jobId"] == population.jobs[1]
    assert job["jobArn"] == arn("job", population.jobs[1])
    assert job["jobName"] == "align-2"
    assert job["jobDefinition"] == arn("job-definition", population.second)
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Essential container in task exited"
    assert job["container"] == {"exitCode": 1}
    for time in ["createdAt", "startedAt", "stoppedAt"]:
        assert job[time] == described[time], time


def test_jobs_are_listed_by_status(bench, population):
    found = listed(bench, jobQueue=population.queue, jobStatus="SUCCEEDED")
    assert sorted(ids(found)) == sorted(
        population.jobs[:1] + population.jobs[2:]
    )
    by_arn = listed(
        bench,
        jobQueue=arn("job-queue", population.queue),
        jobStatus="SUCCEEDED",
    )
    assert ids(by_arn) == ids(found)


def test_every_status_lists_the_jobs_that_have_it(bench, gate):
    queue = bench.slots(1)
    running = bench.submit(queue, gate.hold)
    bench.wait_status(running, "RUNNING")
    runnable = bench.submit(queue, "exit 0")
    pending = bench.submit(queue, "exit 0", dependsOn=[{"jobId": runnable}])
    bench.wait_status(runnable, "RUNNABLE")
    bench.wait_status(pending, "PENDING")
    for status, expected in [
        ("SUBMITTED", []),
        ("PENDING", [pending]),
        ("RUNNABLE", [runnable]),
        ("STARTING", []),
        ("RUNNING", [running]),
        ("SUCCEEDED", []),
        ("FAILED", []),
    ]:
        found = listed(bench, jobQueue=queue, jobStatus=status)
        assert ids(found) == expected, status
        assert all(job["status"] == status for job in found)
    gate.open()
    bench.wait_succeeded(pending)


def test_without_a_status_the_running_ones_are_listed(bench, gate):
    queue = bench.slots(1)
    running = bench.submit(queue, gate.hold)
    bench.wait_status(running, "RUNNING")
    bench.submit(queue, "exit 0")
    (job,) = listed(bench, jobQueue=queue)
    assert job["jobId"] == running
    assert job["startedAt"] >= job["createdAt"]
    assert "stoppedAt" not in job
    assert job.get("container", {}) == {}
    gate.open()


@pytest.mark.parametrize(
    "value, expected",
    [
        ("Align-1", [2, 0]),
        ("ALIGN-1", [2, 0]),
        ("merge", [3]),
        ("merg", []),
        ("align*", [4, 2, 1, 0]),
        ("ALIGN-*", [2, 1, 0]),
        ("*", [4, 3, 2, 1, 0]),
    ],
)
def test_names_are_filtered_in_any_case_and_by_prefix(
    bench, population, value, expected
):
    found = ids(filtered(bench, population.queue, "JOB_NAME", value))
    # Grouped by name, so only the sets are compared.
    assert sorted(found) == sorted(population.jobs[at] for at in expected)


def test_definitions_are_filtered_by_name_prefix_and_arn(bench, population):
    def found(value):
        return ids(
            filtered(bench, population.queue, "JOB_DEFINITION", value)
        )

    jobs = population.jobs
    first = population.first.partition(":")[0]
    other = population.other.partition(":")[0]
    # Newest first.
    assert found(first) == [jobs[3], jobs[1], jobs[0]]
    assert found(other) == [jobs[4], jobs[2]]
    assert found(first[:5] + "*") == [jobs[3], jobs[1], jobs[0]]
    # Case matters here.
    assert found(first.upper()) == []
    assert found(arn("job-definition", population.second)) == [jobs[1]]
    assert found(arn("job-definition", population.first)) == [
        jobs[3],
        jobs[0],
    ]


def test_jobs_are_filtered_by_the_time_of_their_creation(bench, population):
    times = population.created
    middle = times[2]
    after = filtered(
        bench, population.queue, "AFTER_CREATED_AT", str(middle)
    )
    before = filtered(
        bench, population.queue, "BEFORE_CREATED_AT", str(middle)
    )
    assert {job["jobId"] for job in after} >= {
        job for job, at in zip(population.jobs, times) if at > middle
    }
    assert {job["jobId"] for job in before} >= {
        job for job, at in zip(population.jobs, times) if at < middle
    }
    assert all(job["createdAt"] >= middle for job in after)
    assert all(job["createdAt"] <= middle for job in before)
    created = [job["createdAt"] for job in after]
    assert created == sorted(created, reverse=True)
    assert (
        filtered(bench, population.queue, "AFTER_CREATED_AT", "9999999999999")
        == []
    )
    everything = filtered(bench, population.queue, "AFTER_CREATED_AT", "0")
    assert ids(everything) == population.jobs[::-1]


def test_a_filter_takes_jobs_of_every_status(bench, population):
    found = bench.batch.list_jobs(
        jobQueue=population.queue,
        jobStatus="RUNNING",
        filters=[{"name": "JOB_NAME", "values": ["*"]}],
    )["jobSummaryList"]
    assert {job["status"] for job in found} == {"SUCCEEDED", "FAILED"}
    assert len(found) == 5


def test_a_filter_finds_jobs_that_have_not_ended(bench, gate):
    queue = bench.slots(1)
    running = bench.submit(queue, gate.hold, jobName="live-running")
    bench.wait_status(running, "RUNNING")
    waiting = bench.submit(queue, "exit 0", jobName="live-waiting")
    array = bench.submit(
        queue, "exit 0", jobName="live-array", arrayProperties={"size": 2}
    )
    found = filtered(bench, queue, "JOB_NAME", "live-*")
    # No children among them.
    assert sorted(ids(found)) == sorted([running, waiting, array])
    gate.open()
    bench.wait_all([running, waiting, array], "SUCCEEDED")


def test_filters_out_of_bounds_are_refused(bench, population):
    for filters, word in [
        ([{"name": "COLOUR", "values": ["red"]}], "COLOUR"),
        ([{"name": "job_name", "values": ["x"]}], "job_name"),
        ([{"name": "AFTER_CREATED_AT", "values": ["soon"]}], "soon|CREATED"),
        (
            [
                {"name": "JOB_NAME", "values": ["x"]},
                {"name": "JOB_DEFINITION", "values": ["x"]},
            ],
            "filter",
        ),
    ]:
        bench.refused(
            "list_jobs", [word], jobQueue=population.queue, filters=filters
        )


def test_exactly_one_selector_has_to_be_given(bench, population):
    bench.refused("list_jobs", ["jobQueue"], jobStatus="RUNNING")
    bench.refused(
        "list_jobs",
        ["jobQueue|arrayJobId"],
        jobQueue=population.queue,
        arrayJobId=population.jobs[0],
    )


def test_an_unknown_queue_or_status_is_refused_by_name(bench, population):
    bench.refused("list_jobs", ["nowhere"], jobQueue="nowhere")
    bench.refused(
        "list_jobs",
        ["jobStatus|ASLEEP"],
        jobQueue=population.queue,
        jobStatus="ASLEEP",
    )


# Pagination


def test_jobs_are_listed_page_by_page(bench, population):
    for more in [
        {"filters": [{"name": "JOB_NAME", "values": ["*"]}]},
        {"filters": [{"name": "AFTER_CREATED_AT", "values": ["0"]}]},
        {"jobStatus": "SUCCEEDED"},
    ]:
        request = {"jobQueue": population.queue, **more}
        whole = ids(listed(bench, **request))
        pages = list(
            bench.batch.get_paginator("list_jobs").paginate(
                **request, PaginationConfig={"PageSize": 2}
            )
        )
        assert all(len(page["jobSummaryList"]) <= 2 for page in pages)
        assert len(pages) >= len(whole) / 2
        found = [job["jobId"] for p in pages for job in p["jobSummaryList"]]
        assert found == whole


def test_an_empty_token_is_the_first_page(bench, population):
    answer = bench.batch.list_jobs(
        jobQueue=population.queue, jobStatus="SUCCEEDED", nextToken=""
    )
    assert len(answer["jobSummaryList"]) == 4
    assert not answer.get("nextToken")


@pytest.mark.parametrize(
    "operation, key, member",
    [
        (
            "describe_compute_environments",
            "computeEnvironments",
            "computeEnvironmentName",
        ),
        ("describe_job_queues", "jobQueues", "jobQueueName"),
        ("describe_job_definitions", "jobDefinitions", "jobDefinitionArn"),
    ],
)
def test_objects_are_described_page_by_page(bench, operation, key, member):
    for _ in range(3):
        bench.slots(1)
        bench.definition()
    paginator = bench.batch.get_paginator(operation)
    pages = list(paginator.paginate(PaginationConfig={"PageSize": 2}))
    assert all(len(page[key]) <= 2 for page in pages)
    names = [item[member] for page in pages for item in page[key]]
    assert len(names) == len(set(names))
    call = getattr(bench.batch, operation)
    whole = [
        item[member] for page in paginator.paginate() for item in page[key]
    ]
    assert names == whole
    assert len(call()[key]) <= 100
    assert len(call(maxResults=1)[key]) == 1


def test_the_children_of_an_array_are_listed_page_by_page(bench):
    queue = bench.slots(8)
    array = bench.submit(
        queue, "exit 0", vcpus=0.5, arrayProperties={"size": 25}
    )
    bench.wait_succeeded(array)
    found, token, pages = [], None, 0
    while pages == 0 or token:
        more = {"nextToken": token} if token else {}
        answer = bench.batch.list_jobs(
            arrayJobId=array, jobStatus="SUCCEEDED", maxResults=10, **more
        )
        found += ids(answer["jobSummaryList"])
        token = answer.get("nextToken")
        pages += 1
    assert pages >= 3
    assert sorted(found) == sorted(f"{array}:{i}" for i in range(25))


@pytest.mark.parametrize(
    "operation",
    [
        "describe_compute_environments",
        "describe_job_queues",
        "describe_job_definitions",
    ],
)
def test_an_unintelligible_token_is_refused(bench, operation):
    bench.refused(operation, ["nextToken"], nextToken="not one of ours")


def test_an_unintelligible_token_of_list_jobs_is_refused(bench, population):
    bench.refused(
        "list_jobs",
        ["nextToken"],
        jobQueue=population.queue,
        nextToken="not one of ours",
    )


@pytest.mark.parametrize("count", [0, -1])
def test_a_page_size_below_one_is_refused(bench, population, count):
    bench.refused(
        "list_jobs",
        ["maxResults"],
        jobQueue=population.queue,
        maxResults=count,
    )
    bench.refused("describe_job_queues", ["maxResults"], maxResults=count)

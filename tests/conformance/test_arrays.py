"""Array jobs: parents, children, their listing and their sizes."""

import pytest

from berth_server import arn
from workbench import STATUSES, shell


@pytest.fixture(scope="module")
def ended_array(bench, queue, tmp_path_factory):
    """An array of 5 whose odd children failed."""
    job = bench.submit(
        queue,
        "echo child $AWS_BATCH_JOB_ARRAY_INDEX;"
        " exit $((AWS_BATCH_JOB_ARRAY_INDEX % 2))",
        jobName="odd-ones-fail",
        arrayProperties={"size": 5},
        tags={"team": "x"},
    )
    bench.wait_failed(job)
    return job


def test_the_parent_fails_when_a_child_has_failed(bench, ended_array):
    parent = bench.describe(ended_array)
    assert parent["statusReason"] == "Array Child Job failed"
    assert parent["attempts"] == []
    assert parent["stoppedAt"] >= parent["createdAt"]
    assert parent["container"]["image"] == "busybox"
    assert "exitCode" not in parent["container"]


def test_the_parent_counts_its_children_in_all_seven_states(
    bench, ended_array
):
    properties = bench.describe(ended_array)["arrayProperties"]
    assert properties["size"] == 5
    assert "index" not in properties
    assert properties["statusSummary"] == {
        **{status: 0 for status in STATUSES},
        "SUCCEEDED": 3,
        "FAILED": 2,
    }
    assert properties["statusSummaryLastUpdatedAt"] > 0


def test_a_child_is_described_with_its_index(bench, ended_array):
    parent = bench.describe(ended_array)
    for index in range(5):
        child = bench.describe(f"{ended_array}:{index}")
        assert child["jobId"] == f"{ended_array}:{index}"
        assert child["jobArn"] == arn("job", f"{ended_array}:{index}")
        assert child["jobName"] == "odd-ones-fail"
        assert child["status"] == ("FAILED" if index % 2 else "SUCCEEDED")
        assert child["container"]["exitCode"] == index % 2
        assert child["arrayProperties"]["index"] == index
        assert child["arrayProperties"]["statusSummary"] == {}
        assert "size" not in child["arrayProperties"]
        for same in ["jobQueue", "jobDefinition", "parameters"]:
            assert child[same] == parent[same], same
        assert len(child["attempts"]) == 1
        assert bench.output(child["jobId"]) == [f"child {index}"]


def test_a_child_that_is_not_there_is_unknown(bench, ended_array):
    asked = [f"{ended_array}:5", f"{ended_array}:-1", f"{ended_array}:x"]
    assert bench.batch.describe_jobs(jobs=asked)["jobs"] == []


def test_children_are_listed_by_the_array_and_a_status(bench, ended_array):
    def listed(status):
        found = bench.batch.list_jobs(
            arrayJobId=ended_array, jobStatus=status
        )["jobSummaryList"]
        return {job["jobId"]: job for job in found}

    succeeded = listed("SUCCEEDED")
    assert sorted(succeeded) == [f"{ended_array}:{i}" for i in (0, 2, 4)]
    failed = listed("FAILED")
    assert sorted(failed) == [f"{ended_array}:{i}" for i in (1, 3)]
    child = failed[f"{ended_array}:3"]
    assert child["jobName"] == "odd-ones-fail"
    assert child["arrayProperties"]["index"] == 3
    assert child["container"]["exitCode"] == 1
    assert child["createdAt"] <= child["startedAt"] <= child["stoppedAt"]
    assert listed("RUNNING") == {}


def test_children_never_appear_in_the_listing_of_a_queue(
    bench, queue, ended_array
):
    found = []
    for status in STATUSES:
        pages = bench.batch.get_paginator("list_jobs").paginate(
            jobQueue=queue, jobStatus=status
        )
        for page in pages:
            found += [job["jobId"] for job in page["jobSummaryList"]]
    assert ended_array in found
    assert not [job for job in found if ":" in job]


def test_listing_the_children_of_an_unknown_array_is_refused_or_empty(bench):
    unknown = "00000000-0000-4000-8000-000000000000"
    try:
        answer = bench.batch.list_jobs(
            arrayJobId=unknown, jobStatus="SUCCEEDED"
        )
    except bench.batch.exceptions.ClientException as error:
        assert unknown in str(error)
    else:
        assert answer["jobSummaryList"] == []


def test_a_parent_in_flight_is_pending_and_counts(bench, gate):
    queue = bench.slots(1)
    array = bench.submit(queue, gate.hold, arrayProperties={"size": 3})
    bench.wait_status(f"{array}:0", "RUNNING")
    parent = bench.describe(array)
    assert parent["status"] == "PENDING"
    assert parent["startedAt"] == 0
    assert parent["attempts"] == []
    assert parent["arrayProperties"]["statusSummary"] == {
        **{status: 0 for status in STATUSES},
        "RUNNABLE": 2,
        "RUNNING": 1,
    }
    pending = bench.batch.list_jobs(jobQueue=queue, jobStatus="PENDING")
    (summary,) = pending["jobSummaryList"]
    assert summary["jobId"] == array
    assert summary["arrayProperties"]["size"] == 3
    gate.open()
    parent = bench.wait_succeeded(array)
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3


def test_children_see_their_index_and_size(bench, queue, ledger):
    array = bench.submit(
        queue,
        ledger.write(
            "$AWS_BATCH_JOB_ID $AWS_BATCH_JOB_ARRAY_INDEX"
            " $AWS_BATCH_JOB_ARRAY_SIZE $AWS_BATCH_JOB_ATTEMPT"
        ),
        arrayProperties={"size": 2},
    )
    bench.wait_succeeded(array)
    assert sorted(ledger.lines()) == [f"{array}:0 0 2 1", f"{array}:1 1 2 1"]


def test_children_start_in_the_order_of_their_indexes(bench, ledger):
    queue = bench.slots(1)
    array = bench.submit(
        queue,
        ledger.write("$AWS_BATCH_JOB_ARRAY_INDEX"),
        arrayProperties={"size": 12},
    )
    bench.wait_succeeded(array)
    assert ledger.lines() == [str(index) for index in range(12)]


def test_overrides_count_for_every_child(bench, queue, ledger):
    definition = bench.definition(
        [*shell(ledger.write("$WORD $0")), "Ref::n"], parameters={"n": "1"}
    )
    array = bench.submit(
        queue,
        definition=definition,
        parameters={"n": "2"},
        containerOverrides={
            "environment": [{"name": "WORD", "value": "hello"}]
        },
        arrayProperties={"size": 3},
    )
    bench.wait_succeeded(array)
    assert ledger.lines() == ["hello 2"] * 3


@pytest.fixture(scope="module")
def large_array(bench, tmp_path_factory):
    """10,000 children, each of which has noted its index; (id, notes)."""
    notes = tmp_path_factory.mktemp("large") / "notes"
    queue = bench.slots(8)
    job = bench.submit(
        queue,
        f"echo $AWS_BATCH_JOB_ARRAY_INDEX >> {notes}",
        vcpus=0.5,
        arrayProperties={"size": 10_000},
    )
    bench.wait_succeeded(job, seconds=280)
    return job, notes


def test_ten_thousand_children_run_once_each(bench, large_array):
    array, notes = large_array
    summary = bench.describe(array)["arrayProperties"]["statusSummary"]
    assert summary["SUCCEEDED"] == 10_000
    indexes = sorted(int(line) for line in notes.read_text().splitlines())
    assert indexes == list(range(10_000))


def test_ten_thousand_children_are_listed_page_by_page(bench, large_array):
    array, _ = large_array
    pages = list(
        bench.batch.get_paginator("list_jobs").paginate(
            arrayJobId=array, jobStatus="SUCCEEDED"
        )
    )
    sizes = [len(page["jobSummaryList"]) for page in pages]
    assert max(sizes) <= 1000
    found = {
        job["arrayProperties"]["index"]
        for page in pages
        for job in page["jobSummaryList"]
    }
    assert sum(sizes) == len(found) == 10_000


def test_the_first_and_the_last_child_of_ten_thousand_are_described(
    bench, large_array
):
    array, _ = large_array
    found = bench.batch.describe_jobs(jobs=[f"{array}:0", f"{array}:9999"])
    assert [job["status"] for job in found["jobs"]] == ["SUCCEEDED"] * 2


def test_terminating_ten_thousand_waiting_children_ends_them_all(bench, gate):
    queue = bench.slots(1)
    holder = bench.submit(queue, gate.hold)
    bench.wait_status(holder, "RUNNING")
    array = bench.submit(queue, "exit 0", arrayProperties={"size": 10_000})
    bench.wait_status(array, "PENDING")
    bench.batch.terminate_job(jobId=array, reason="too many")
    parent = bench.wait_failed(array)
    assert parent["arrayProperties"]["statusSummary"]["FAILED"] == 10_000
    last = bench.describe(f"{array}:9999")
    assert last["statusReason"] == "too many"
    gate.open()
    bench.wait_succeeded(holder)

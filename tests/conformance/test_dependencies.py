"""dependsOn: plain, SEQUENTIAL, N_TO_N, chains and failures."""

import pytest

from workbench import unique

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def after(*jobs, **more):
    return [{"jobId": job, **more} for job in jobs]


def test_a_job_waits_for_the_one_it_depends_on(bench, queue, gate, ledger):
    first = bench.submit(queue, f"{gate.hold}; {ledger.write('first')}")
    second = bench.submit(
        queue, ledger.write("second"), dependsOn=after(first)
    )
    bench.wait_status(first, "RUNNING")
    found = bench.wait_status(second, "PENDING")
    assert found["dependsOn"] == [{"jobId": first}]
    gate.open()
    bench.wait_succeeded(second)
    assert ledger.lines() == ["first", "second"]


def test_a_chain_runs_link_by_link(bench, queue, ledger):
    jobs, depends_on = [], []
    for number in range(6):
        job = bench.submit(
            queue, ledger.write(f"{number}"), dependsOn=depends_on
        )
        jobs.append(job)
        depends_on = after(job)
    bench.wait_all(jobs, "SUCCEEDED")
    assert ledger.lines() == ["0", "1", "2", "3", "4", "5"]


def test_a_job_waits_for_all_of_twenty(bench, queue, gate, ledger):
    firsts = [
        bench.submit(queue, f"{gate.hold}; {ledger.write('first')}", vcpus=0.25)
        for _ in range(20)
    ]
    last = bench.submit(queue, ledger.write("last"), dependsOn=after(*firsts))
    bench.wait_status(last, "PENDING")
    gate.open()
    bench.wait_succeeded(last)
    assert ledger.lines() == ["first"] * 20 + ["last"]


def test_more_than_twenty_dependencies_are_refused(bench, queue):
    job = bench.submit(queue, "exit 0")
    bench.refused(
        "submit_job",
        ["dependsOn|dependenc", "20"],
        jobName=unique("job"),
        jobQueue=queue,
        jobDefinition=bench.definition(),
        dependsOn=after(*[job] * 21),
    )


def test_dependencies_cross_queues(bench, queue, gate):
    first = bench.submit(bench.slots(1), gate.hold)
    second = bench.submit(queue, "exit 0", dependsOn=after(first))
    bench.wait_status(second, "PENDING")
    gate.open()
    bench.wait_succeeded(second)


def test_a_dependency_that_has_succeeded_is_met_at_once(bench, queue):
    first = bench.run(queue, "exit 0")["jobId"]
    bench.run(queue, "exit 0", dependsOn=after(first))


def test_a_failed_dependency_fails_all_that_follow(bench, queue, gate, ledger):
    first = bench.submit(queue, f"{gate.hold}; exit 1")
    second = bench.submit(queue, ledger.write("2"), dependsOn=after(first))
    third = bench.submit(queue, ledger.write("3"), dependsOn=after(second))
    bench.wait_all([second, third], "PENDING")
    gate.open()
    for job in bench.wait_all([second, third], "FAILED"):
        assert job["statusReason"] == "Dependent Job failed"
        assert job["attempts"] == []
        assert job["startedAt"] == 0
    assert ledger.lines() == []


def test_a_dependency_that_has_failed_fails_the_job(bench, queue, ledger):
    first = bench.submit(queue, "exit 1")
    bench.wait_failed(first)
    job = bench.submit(queue, ledger.write("ran"), dependsOn=after(first))
    assert bench.wait_failed(job)["statusReason"] == "Dependent Job failed"
    assert ledger.lines() == []


def test_retries_of_a_dependency_are_awaited(bench, queue):
    first = bench.submit(
        queue,
        "[ $AWS_BATCH_JOB_ATTEMPT = 2 ]",
        retryStrategy={"attempts": 2},
    )
    second = bench.submit(queue, "exit 0", dependsOn=after(first))
    bench.wait_succeeded(second)
    assert len(bench.describe(first)["attempts"]) == 2


def test_a_terminated_dependency_fails_the_job(bench, queue):
    first = bench.submit(queue, "exec sleep 600")
    second = bench.submit(queue, "exit 0", dependsOn=after(first))
    bench.wait_status(first, "RUNNING")
    bench.batch.terminate_job(jobId=first, reason="enough")
    assert bench.wait_failed(second)["statusReason"] == "Dependent Job failed"


@pytest.mark.parametrize("job", [UNKNOWN, "not-an-id", UNKNOWN + ":0"])
def test_an_unknown_dependency_is_refused_by_id(bench, queue, job):
    bench.refused(
        "submit_job",
        [job],
        jobName=unique("job"),
        jobQueue=queue,
        jobDefinition=bench.definition(),
        dependsOn=after(job),
    )


def test_a_plain_dependency_on_an_array_waits_for_the_whole(
    bench, queue, gate
):
    array = bench.submit(
        queue,
        f"[ $AWS_BATCH_JOB_ARRAY_INDEX = 0 ] || {{ {gate.hold}; }}",
        arrayProperties={"size": 2},
    )
    last = bench.submit(queue, "exit 0", dependsOn=after(array))
    bench.wait_succeeded(f"{array}:0")
    bench.wait_status(last, "PENDING")
    gate.open()
    bench.wait_succeeded(last)


def test_a_dependency_on_one_child_waits_for_that_child(bench, queue, gate):
    array = bench.submit(
        queue,
        f"[ $AWS_BATCH_JOB_ARRAY_INDEX = 0 ] || {{ {gate.hold}; }}",
        arrayProperties={"size": 2},
    )
    bench.run(queue, "exit 0", dependsOn=after(f"{array}:0"))
    assert bench.status(f"{array}:1") in ("RUNNABLE", "STARTING", "RUNNING")
    gate.open()
    bench.wait_succeeded(array)


def test_sequential_alone_runs_the_children_one_after_another(
    bench, queue, ledger
):
    script = f"""
        {ledger.write("start $AWS_BATCH_JOB_ARRAY_INDEX")}
        {ledger.write("end $AWS_BATCH_JOB_ARRAY_INDEX")}
    """
    array = bench.submit(
        queue,
        script,
        arrayProperties={"size": 5},
        dependsOn=[{"type": "SEQUENTIAL"}],
    )
    bench.wait_succeeded(array)
    assert ledger.lines() == [
        f"{what} {index}" for index in range(5) for what in ("start", "end")
    ]


def test_a_failed_link_of_a_sequential_array_fails_the_rest(
    bench, queue, ledger
):
    array = bench.submit(
        queue,
        f"""
            {ledger.write("$AWS_BATCH_JOB_ARRAY_INDEX")}
            [ $AWS_BATCH_JOB_ARRAY_INDEX != 1 ]
        """,
        arrayProperties={"size": 4},
        dependsOn=[{"type": "SEQUENTIAL"}],
    )
    parent = bench.wait_failed(array)
    assert ledger.lines() == ["0", "1"]
    summary = parent["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"]) == (1, 3)
    last = bench.describe(f"{array}:3")
    assert last["statusReason"] == "Dependent Job failed"
    assert last["attempts"] == []


def test_sequential_without_an_id_needs_an_array(bench, queue):
    bench.refused(
        "submit_job",
        ["SEQUENTIAL|array|jobId"],
        jobName=unique("job"),
        jobQueue=queue,
        jobDefinition=bench.definition(),
        dependsOn=[{"type": "SEQUENTIAL"}],
    )


def test_sequential_on_an_ordinary_job_means_after_it(
    bench, queue, gate, ledger
):
    first = bench.submit(queue, f"{gate.hold}; {ledger.write('first')}")
    second = bench.submit(
        queue,
        ledger.write("second"),
        dependsOn=after(first, type="SEQUENTIAL"),
    )
    found = bench.wait_status(second, "PENDING")
    assert found["dependsOn"] == [{"jobId": first, "type": "SEQUENTIAL"}]
    gate.open()
    bench.wait_succeeded(second)
    assert ledger.lines() == ["first", "second"]


def test_sequential_on_another_array_waits_for_the_whole_of_it(
    bench, queue, gate, ledger
):
    first = bench.submit(
        queue,
        f"""
            [ $AWS_BATCH_JOB_ARRAY_INDEX = 0 ] || {{ {gate.hold}; }}
            {ledger.write("X")}
        """,
        arrayProperties={"size": 3},
    )
    second = bench.submit(
        queue,
        ledger.write("Y"),
        arrayProperties={"size": 2},
        dependsOn=after(first, type="SEQUENTIAL"),
    )
    bench.wait_succeeded(f"{first}:0")
    bench.wait_status(second, "PENDING")
    assert ledger.lines() == ["X"]
    gate.open()
    bench.wait_succeeded(second)
    assert ledger.lines() == ["X", "X", "X", "Y", "Y"]


def test_n_to_n_waits_for_the_child_of_the_same_index(
    bench, queue, gates, ledger
):
    first_gates = [gates(), gates()]
    hold = "".join(
        f"if [ $AWS_BATCH_JOB_ARRAY_INDEX = {index} ]; then {gate.hold}; fi\n"
        for index, gate in enumerate(first_gates)
    )
    first = bench.submit(
        queue,
        f"{hold}{ledger.write('X:$AWS_BATCH_JOB_ARRAY_INDEX')}",
        arrayProperties={"size": 2},
    )
    second = bench.submit(
        queue,
        ledger.write("Y:$AWS_BATCH_JOB_ARRAY_INDEX"),
        arrayProperties={"size": 2},
        dependsOn=after(first, type="N_TO_N"),
    )
    bench.wait_all([f"{first}:0", f"{first}:1"], "RUNNING")
    first_gates[1].open()
    bench.wait_succeeded(f"{second}:1")
    # The other pair has not moved.
    assert ledger.lines() == ["X:1", "Y:1"]
    assert bench.status(f"{second}:0") == "PENDING"
    first_gates[0].open()
    bench.wait_succeeded(second)
    assert ledger.lines() == ["X:1", "Y:1", "X:0", "Y:0"]


def test_n_to_n_fails_only_the_child_whose_counterpart_failed(
    bench, queue, ledger
):
    first = bench.submit(
        queue,
        "[ $AWS_BATCH_JOB_ARRAY_INDEX != 1 ]",
        arrayProperties={"size": 3},
    )
    second = bench.submit(
        queue,
        ledger.write("$AWS_BATCH_JOB_ARRAY_INDEX"),
        arrayProperties={"size": 3},
        dependsOn=after(first, type="N_TO_N"),
    )
    parent = bench.wait_failed(second)
    assert parent["statusReason"] == "Array Child Job failed"
    assert sorted(ledger.lines()) == ["0", "2"]
    failed = bench.describe(f"{second}:1")
    assert failed["statusReason"] == "Dependent Job failed"


def test_n_to_n_needs_arrays_of_the_same_size(bench, queue):
    array = bench.submit(queue, "exit 0", arrayProperties={"size": 3})
    single = bench.submit(queue, "exit 0")
    definition = bench.definition()
    for on, more in [
        (array, {"arrayProperties": {"size": 2}}),
        (array, {}),
        (single, {"arrayProperties": {"size": 2}}),
    ]:
        bench.refused(
            "submit_job",
            ["N_TO_N"],
            jobName=unique("job"),
            jobQueue=queue,
            jobDefinition=definition,
            dependsOn=after(on, type="N_TO_N"),
            **more,
        )


def test_an_unknown_type_of_dependency_is_refused(bench, queue):
    job = bench.submit(queue, "exit 0")
    bench.refused(
        "submit_job",
        ["type|SIDEWAYS"],
        jobName=unique("job"),
        jobQueue=queue,
        jobDefinition=bench.definition(),
        dependsOn=after(job, type="SIDEWAYS"),
    )


def test_an_array_waits_for_its_dependency_as_a_whole(bench, queue, gate):
    first = bench.submit(queue, gate.hold)
    array = bench.submit(
        queue, "exit 0", arrayProperties={"size": 2}, dependsOn=after(first)
    )
    found = bench.wait_status(array, "PENDING")
    assert found["arrayProperties"]["size"] == 2
    gate.open()
    bench.wait_succeeded(array)


def test_a_failed_dependency_fails_an_array(bench, queue, gate, ledger):
    first = bench.submit(queue, f"{gate.hold}; exit 1")
    array = bench.submit(
        queue,
        ledger.write("ran"),
        arrayProperties={"size": 3},
        dependsOn=after(first),
    )
    bench.wait_status(array, "PENDING")
    gate.open()
    assert bench.wait_failed(array)["statusReason"] == "Dependent Job failed"
    assert ledger.lines() == []

"""What a job finds around it, and what is left of it afterwards."""

import os
from pathlib import Path

from waiting import wait_for
from workbench import pairs, unpaired

ALWAYS = {
    "BERTH_ENDPOINT",
    "AWS_BATCH_JOB_ID",
    "AWS_BATCH_JOB_ATTEMPT",
    "AWS_BATCH_CE_NAME",
    "AWS_BATCH_JQ_NAME",
    "AWS_ENDPOINT_URL_BATCH",
    "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_EXECUTION_ENV",
    "PATH",
    "HOME",
}
OF_CHILDREN = {"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"}
ENV = ["/usr/bin/env"]


def environment_of(bench, job):
    return dict(line.split("=", 1) for line in bench.output(job))


def test_a_job_sees_its_own_environment_and_nothing_else(bench, server):
    environment = bench.environment(1)
    queue = bench.queue(environment)
    job = bench.run(queue, ENV)
    found = environment_of(bench, job["jobId"])
    assert set(found) == ALWAYS
    assert found["AWS_BATCH_JOB_ID"] == job["jobId"]
    assert found["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert found["AWS_BATCH_CE_NAME"] == environment
    assert found["AWS_BATCH_JQ_NAME"] == queue
    assert found["AWS_ENDPOINT_URL_BATCH"] == server.url
    assert found["AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] == server.url
    assert found["BERTH_ENDPOINT"] == server.url
    assert found["AWS_DEFAULT_REGION"] == "us-east-1"
    assert found["AWS_REGION"] == "us-east-1"
    assert found["AWS_ACCESS_KEY_ID"] and found["AWS_SECRET_ACCESS_KEY"]
    assert found["AWS_EXECUTION_ENV"].startswith("AWS_ECS")
    # The variables of the job's making are shown, Berth's own are not.
    assert job["container"]["environment"] == []


def test_children_of_arrays_see_index_and_size_too(bench, queue):
    array = bench.submit(queue, ENV, arrayProperties={"size": 2})
    bench.wait_succeeded(array)
    found = environment_of(bench, f"{array}:1")
    assert set(found) == ALWAYS | OF_CHILDREN
    assert found["AWS_BATCH_JOB_ID"] == f"{array}:1"
    assert found["AWS_BATCH_JOB_ARRAY_INDEX"] == "1"
    assert found["AWS_BATCH_JOB_ARRAY_SIZE"] == "2"


def test_what_the_job_sets_itself_counts(bench, queue):
    own = {
        "PATH": "/usr/bin:/bin:/own",
        "HOME": "/own/home",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_BATCH": "http://elsewhere",
        "OWN": "a=b c",
    }
    definition = bench.definition(ENV, container={"environment": pairs(own)})
    job = bench.run(queue, definition=definition)
    found = environment_of(bench, job["jobId"])
    for name, value in own.items():
        assert found[name] == value
    assert unpaired(job["container"]["environment"]) == own


def test_a_command_is_found_in_the_path_of_the_job(bench, queue, tmp_path):
    program = tmp_path / "own-program"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    definition = bench.definition(
        ["own-program"],
        container={"environment": pairs({"PATH": f"{tmp_path}:/bin"})},
    )
    job = bench.run(queue, definition=definition)
    assert bench.output(job["jobId"]) == ["found"]


def test_every_attempt_has_a_working_folder_that_is_removed(
    bench, queue, gate
):
    script = f"pwd; echo data > file; mkdir -p deep/er; {gate.hold}; ls"
    jobs = [bench.submit(queue, script) for _ in range(2)]
    found = bench.wait_all(jobs, "RUNNING")
    folders = []
    for job in found:
        stream = job["container"]["logStreamName"]
        (folder,) = wait_for(lambda: bench.stream_lines(stream))
        folders.append(Path(folder))
    assert folders[0] != folders[1]
    assert all(folder.is_dir() for folder in folders)
    gate.open()
    bench.wait_all(jobs, "SUCCEEDED")
    for job, folder in zip(jobs, folders):
        assert bench.output(job)[1:] == ["deep", "file"]
        assert not folder.exists()


def test_standard_input_is_empty(bench, queue):
    job = bench.run(queue, "cat; echo end")
    assert bench.output(job["jobId"]) == ["end"]


def test_no_descriptor_of_the_server_reaches_a_job(bench, queue):
    job = bench.run(queue, ["/bin/ls", "-1", "/proc/self/fd"])
    # The last one is ls's own look at the folder.
    assert bench.output(job["jobId"]) == ["0", "1", "2", "3"]


def test_terminate_ends_the_whole_tree(bench, queue, lock, ledger):
    """Children that ignore SIGTERM, also in sessions of their own."""
    deaf = "trap \"\" TERM HUP; while :; do sleep 0.1; done"
    job = bench.submit(
        queue,
        f"""
            {lock.take}
            ( {deaf} ) &
            setsid sh -c '{deaf}' &
            setsid setsid sh -c '{deaf}' </dev/null >/dev/null 2>&1 &
            {ledger.write("up")}
            wait
        """,
    )
    wait_for(ledger.lines)
    assert not lock.is_free()
    bench.batch.terminate_job(jobId=job, reason="enough")
    bench.wait_failed(job)
    assert lock.is_free()


def test_what_a_job_leaves_behind_ends_with_it(bench, queue, lock):
    """An attempt ends when its main process does, and its tree with it."""
    job = bench.submit(
        queue,
        f"""
            {lock.take}
            trap "" TERM
            sleep 600 &
            setsid sleep 600 </dev/null >/dev/null 2>&1 &
            exit 0
        """,
    )
    found = bench.wait_succeeded(job)
    assert found["container"]["exitCode"] == 0
    assert lock.is_free()


def test_a_fork_tree_is_ended_by_a_timeout_too(bench, queue, lock):
    job = bench.submit(
        queue,
        f"""
            {lock.take}
            for i in 1 2 3 4 5; do ( trap "" TERM; sleep 600 ) & done
            wait
        """,
        timeout={"attemptDurationSeconds": 1},
    )
    bench.wait_failed(job)
    assert lock.is_free()


def test_output_is_cut_at_a_limit_with_a_marker(bench, server, queue):
    """A job that prints a gigabyte ends well, and the disk is spared."""
    job = bench.submit(
        queue, "yes 0123456789abcdef | head -c 1000000000; echo the end"
    )
    bench.wait_succeeded(job, seconds=200)
    stream = bench.describe(job)["container"]["logStreamName"]
    # Read from the end: the marker is the last event.
    answer = bench.logs.get_log_events(
        logGroupName="/aws/batch/job", logStreamName=stream, limit=10
    )
    assert "output cut here" in answer["events"][-1]["message"]
    # Blocks: brokers keep files that are mostly holes.
    stored = sum(
        path.stat().st_blocks * 512
        for path in server.data.rglob("*")
        if path.is_file()
    )
    assert stored < 500_000_000


def test_memory_beyond_the_jobs_need_is_not_to_be_had(bench, queue):
    """By cgroup or by rlimit: the job fails, the server lives."""
    job = bench.submit(
        queue,
        "[ $(head -c 700M /dev/zero | tail -c 700M | wc -c) = 734003200 ]",
        memory=128,
    )
    bench.wait_failed(job)
    bench.run(queue, "exit 0")


def test_a_job_runs_as_the_user_of_the_server_unless_told(bench, queue):
    job = bench.run(queue, ["id", "-u"])
    assert bench.output(job["jobId"]) == [str(os.getuid())]

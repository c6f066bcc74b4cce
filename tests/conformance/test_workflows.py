"""The worked examples: an environment picture, a workflow of six jobs, and a
master job that submits others."""

import sys

from workbench import Workbench, shell, unique


def test_environment_picture(bench, gates):
    """Two slots in each of three environments: jobs 1 and 2 run in the
    first, 3 and 4 in the second, 5 in the third. Job 1 ends; job 6 then runs
    in the first, although the third has room."""
    environments = [bench.environment(2) for _ in range(3)]
    queue = bench.queue(*environments)
    jobs, their_gates = [], []

    def submit():
        gate = gates()
        their_gates.append(gate)
        jobs.append(
            bench.submit(
                queue,
                f"echo $AWS_BATCH_CE_NAME; {gate.hold}",
                jobName=f"job-{len(jobs) + 1}",
            )
        )
        bench.wait_status(jobs[-1], "RUNNING")

    for _ in range(5):
        submit()
    their_gates[0].open()
    bench.wait_succeeded(jobs[0])
    submit()
    for gate in their_gates:
        gate.open()
    bench.wait_all(jobs, "SUCCEEDED")
    first, second, third = environments
    assert [bench.output(job) for job in jobs] == [
        [first],
        [first],
        [second],
        [second],
        [third],
        [first],
    ]


WORKFLOW = {
    "A": "",
    "B": "A",
    "C": "A",
    "D": "AB",
    "E": "C",
    "F": "DE",
}


def assert_in_workflow_order(lines):
    """Every job started after those that it depends on had ended."""
    assert sorted(lines) == sorted(
        f"{what} {name}" for name in WORKFLOW for what in ("start", "end")
    )
    for name, others in WORKFLOW.items():
        for other in others:
            assert lines.index(f"end {other}") < lines.index(f"start {name}")


def test_workflow_a_to_f(bench, queue, ledger):
    """B, C and D depend on A; D also on B; E on C; F on D and E."""
    ids = {}
    for name, others in WORKFLOW.items():
        ids[name] = bench.submit(
            queue,
            f"{ledger.write('start ' + name)}; {ledger.write('end ' + name)}",
            jobName=name,
            dependsOn=[{"jobId": ids[other]} for other in others],
        )
    bench.wait_all(ids.values(), "SUCCEEDED")
    assert_in_workflow_order(ledger.lines())
    described = bench.describe(ids["F"])
    assert described["dependsOn"] == [
        {"jobId": ids["D"]},
        {"jobId": ids["E"]},
    ]


def test_workflow_a_to_f_stops_where_a_job_fails(bench, queue, ledger):
    ids = {}
    for name, others in WORKFLOW.items():
        ids[name] = bench.submit(
            queue,
            f"{ledger.write(name)}; {'exit 1' if name == 'C' else 'exit 0'}",
            jobName=name,
            dependsOn=[{"jobId": ids[other]} for other in others],
        )
    ended = bench.wait_all(ids.values(), "SUCCEEDED", "FAILED")
    outcome = {job["jobName"]: job["status"] for job in ended}
    assert outcome == {
        "A": "SUCCEEDED",
        "B": "SUCCEEDED",
        "C": "FAILED",
        "D": "SUCCEEDED",
        "E": "FAILED",
        "F": "FAILED",
    }
    assert sorted(ledger.lines()) == ["A", "B", "C", "D"]


# What it knows of the server it knows from its environment alone.
MASTER = """
import sys
import boto3

client = boto3.client("batch")
queue, definition = sys.argv[1:3]
workflow = {"A": "", "B": "A", "C": "A", "D": "AB", "E": "C", "F": "DE"}
ids = {}
for name, others in workflow.items():
    response = client.submit_job(
        jobDefinition=definition,
        jobName=name,
        jobQueue=queue,
        parameters={"name": name},
        dependsOn=[
            {"jobId": ids[other], "type": "SEQUENTIAL"} for other in others
        ],
    )
    ids[name] = response["jobId"]
    print(name, ids[name], flush=True)
"""


def test_master_job(bench, queue, ledger):
    """A job of little need submits the workflow with boto3."""
    step = bench.definition(
        [
            *shell(f"{ledger.write('start $0')}; {ledger.write('end $0')}"),
            "Ref::name",
        ]
    )
    master = bench.run(
        queue,
        [sys.executable, "-c", MASTER, queue, step],
        vcpus=0.25,
        memory=512,
        jobName="master",
    )
    ids = dict(line.split() for line in bench.output(master["jobId"]))
    assert list(ids) == list(WORKFLOW)
    bench.wait_all(ids.values(), "SUCCEEDED")
    assert_in_workflow_order(ledger.lines())


MASTER_READS_LOGS = """
import boto3, os

job = os.environ["AWS_BATCH_JOB_ID"]
(me,) = boto3.client("batch").describe_jobs(jobs=[job])["jobs"]
groups = boto3.client("logs").describe_log_groups()["logGroups"]
print(me["status"], [group["logGroupName"] for group in groups])
"""


def test_a_job_may_ask_about_itself_and_read_logs(bench, queue):
    job = bench.run(
        queue, [sys.executable, "-c", MASTER_READS_LOGS], memory=512
    )
    (line,) = bench.output(job["jobId"])
    assert line == "RUNNING ['/aws/batch/job']"


def test_one_step_of_each_kind_of_array_dependency(bench, queue, ledger):
    """Y waits for the whole of array X when it is SEQUENTIAL, and child by
    child when it is N_TO_N."""
    first = bench.submit(
        queue,
        ledger.write("X $AWS_BATCH_JOB_ARRAY_INDEX"),
        jobName="X",
        arrayProperties={"size": 4},
    )
    whole = bench.submit(
        queue,
        ledger.write("Y whole"),
        jobName="Y-sequential",
        dependsOn=[{"jobId": first, "type": "SEQUENTIAL"}],
    )
    pairwise = bench.submit(
        queue,
        ledger.write("Y $AWS_BATCH_JOB_ARRAY_INDEX"),
        jobName="Y-n-to-n",
        arrayProperties={"size": 4},
        dependsOn=[{"jobId": first, "type": "N_TO_N"}],
    )
    bench.wait_all([whole, pairwise], "SUCCEEDED")
    lines = ledger.lines()
    for index in range(4):
        assert lines.index(f"X {index}") < lines.index(f"Y {index}")
        assert lines.index(f"X {index}") < lines.index("Y whole")


def test_the_workflow_runs_with_several_shards(make_server, ledger):
    bench = Workbench(make_server(shards=3))
    queues = [bench.slots(2) for _ in range(3)]
    ids = {}
    for number, (name, others) in enumerate(WORKFLOW.items()):
        ids[name] = bench.submit(
            queues[number % 3],
            f"{ledger.write('start ' + name)}; {ledger.write('end ' + name)}",
            jobName=unique(name),
            dependsOn=[{"jobId": ids[other]} for other in others],
        )
    bench.wait_all(ids.values(), "SUCCEEDED")
    assert_in_workflow_order(ledger.lines())

"""A short chaos; `make chaos MINUTES=n` is a longer one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).with_name("chaos.py")
MINUTES = os.environ.get("BERTH_CHAOS_MINUTES", "2")


@pytest.mark.timeout(1500)
def test_nothing_is_lost_and_nothing_starts_twice_in_a_short_chaos(tmp_path):
    log = tmp_path / "chaos.txt"
    with open(log, "w") as output:
        done = subprocess.run(
            [sys.executable, CHAOS, "--minutes", MINUTES],
            stdout=output,
            stderr=output,
        )
    said = log.read_text()
    assert done.returncode == 0, said[-8000:]
    # For the record of the run.
    print(said.splitlines()[-1])

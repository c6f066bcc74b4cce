#!/usr/bin/env python3
"""Counts test cases in what test tools have printed; prints `PASSED FAILED`.

    scripts/count_tests.py ctest LASTTEST_LOG
    scripts/count_tests.py pytest LOG EXIT_STATUS

What crashed, timed out or said nothing counts as one failed at least.
"""

import re
import sys
from pathlib import Path


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def catch_or_unittest(output):
    """(passed, failed) as the program itself says, or None."""
    all_passed = re.search(
        r"^All tests passed \(.* in (\d+) test cases?\)", output, re.M)
    if all_passed:
        return int(all_passed[1]), 0
    some = re.search(r"^test cases: +(\d+)(.*)$", output, re.M)
    if some:
        failed = last_number(r"(\d+) failed", some[2])
        # Without a `passed` column none has passed.
        return last_number(r"(\d+) passed", some[2]), failed
    ran = re.search(r"^Ran (\d+) tests? in ", output, re.M)
    if ran:
        bad = sum(int(n) for n in re.findall(
            r"(?:failures|errors|unexpected successes)=(\d+)",
            output[ran.end():]))
        # Failed subtests can outnumber the tests they are in.
        bad = min(bad, int(ran[1]))
        return int(ran[1]) - bad, bad
    return None


def count_ctest(log):
    passed = failed = 0
    for block in re.split(r"^\d+/\d+ Testing: ", log, flags=re.M)[1:]:
        ok = re.search(r"^Test Passed\.$", block, re.M) is not None
        good, bad = catch_or_unittest(block) or (1 if ok else 0, 0)
        if ok and good == 0:
            bad = max(bad, 1)  # A program without tests proves nothing.
        if not ok:
            bad = max(bad, 1)
        passed += good
        failed += bad
    return passed, failed


def count_pytest(log, status):
    # Keep to the last summary: "=== 3 failed, 20 passed, 1 error in 9.1s ===".
    lines = [line for line in log.splitlines()
             if re.search(r"\b\d+ (passed|failed|errors?)\b.* in [\d.:]+", line)]
    last = lines[-1] if lines else ""
    passed = last_number(r"(\d+) passed", last)
    failed = (last_number(r"(\d+) failed", last)
              + last_number(r"(\d+) errors?", last))
    if (status != 0 or passed == 0) and failed == 0:
        failed = 1
    return passed, failed


def main(arguments):
    kind, path = arguments[:2]
    log = Path(path).read_text(encoding="utf-8", errors="replace")
    if kind == "ctest":
        passed, failed = count_ctest(log)
        if passed + failed == 0:
            failed = 1
    else:
        passed, failed = count_pytest(log, int(arguments[2]))
    print(passed, failed)


if __name__ == "__main__":
    main(sys.argv[1:])

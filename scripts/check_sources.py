#!/usr/bin/env python3
"""Checks words, names and sizes in the sources.

    scripts/check_sources.py [ROOT]

Prints `file:line: what is wrong and what to do instead`; exits 1 if anything
but warnings was found.
"""

import re
import subprocess
import sys
from pathlib import Path

FILE_LINES_WARN = 400
FILE_LINES_MAX = 600  # of tests, which are lists, it is only a warning
FUNCTION_LINES_MAX = 70  # outside of tests

TEXT = {".cpp", ".hpp", ".py", ".sh", ".cmake", ".md", ".mjs", ".txt"}
CPP = {".cpp", ".hpp"}

# Written in two parts, so that this file does not contain them.
UNFINISHED = re.compile(r"\b(" + "TO" "DO|FIX" "ME|XX" r"X)\b")
SLEEPING = re.compile(r"\b(sleep_" r"for|sleep_" r"until|usle" r"ep)\b")
VAGUE_NAME = re.compile(r"(^|_)(utils?|common|helpers?|managers?|misc)(_|$)")

NOT_A_FUNCTION = re.compile(
    r"^\s*(namespace|class|struct|enum|union|extern|template\s*<.*>\s*"
    r"(class|struct))\b")


def files(root):
    """Tracked and new files, without what git ignores."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"],
        capture_output=True, text=True)
    if listed.returncode == 0:
        names = listed.stdout.splitlines()
    else:
        names = [p.relative_to(root).as_posix() for p in root.rglob("*")
                 if p.is_file()]
    hidden = {"node_modules", ".venv", ".git"}
    for name in sorted(set(names)):
        path = root / name
        if path.is_file() and not hidden & set(Path(name).parts):
            yield name, path


def check_words(name, suffix, lines):
    for number, line in enumerate(lines, 1):
        found = UNFINISHED.search(line)
        if found:
            yield (f"{name}:{number}: '{found.group()}': finish it, or say in "
                   "docs/ what does not exist yet")
        found = suffix in CPP and SLEEPING.search(line)
        if found:
            yield (f"{name}:{number}: '{found.group()}': wait for the event "
                   "itself; time that passes proves nothing")


def check_name(name):
    stem = Path(name).name.split(".")[0]
    if VAGUE_NAME.search(stem):
        yield (f"{name}:1: the name says nothing about what is inside; name "
               "the concept")


def long_functions(lines):
    """(line, length) of functions over the limit, by clang-format's shape:
    a body opens with a line that ends in `{` and closes at its indentation."""
    opened = None
    for number, line in enumerate(lines, 1):
        if opened:
            start, indent = opened
            if line.startswith(indent + "}"):
                if number - start + 1 > FUNCTION_LINES_MAX:
                    yield start, number - start + 1
                opened = None
            continue
        if not line.endswith("{") or line.endswith("= {"):
            continue
        # The statement may have begun some lines above.
        start = number
        while start > 1 and re.match(r"\s{4,}\S", lines[start - 1]):
            start -= 1
        first = lines[start - 1]
        indent = re.match(r"\s*", first).group()
        statement = " ".join(lines[start - 1:number])
        if len(indent) > 2 or "(" not in statement:
            continue
        if NOT_A_FUNCTION.match(first):
            continue
        opened = (start, indent)


def check_sizes(name, lines, warnings):
    is_test = name.startswith("tests/")
    if len(lines) > FILE_LINES_MAX and not is_test:
        yield (f"{name}:1: {len(lines)} lines, more than {FILE_LINES_MAX}: it "
               "holds more than one concept")
    elif len(lines) > FILE_LINES_WARN:
        warnings.append(f"{name}:1: warning: {len(lines)} lines, more than "
                        f"{FILE_LINES_WARN}")
    if is_test:
        return
    for start, length in long_functions(lines):
        yield (f"{name}:{start}: a function of {length} lines, more than "
               f"{FUNCTION_LINES_MAX}: name its steps")


def main(arguments):
    root = Path(arguments[0] if arguments else __file__ + "/../..").resolve()
    findings, warnings, count = [], [], 0
    for name, path in files(root):
        suffix = path.suffix
        if suffix not in TEXT and path.name not in ("Makefile", "run"):
            continue
        count += 1
        lines = path.read_text(encoding="utf-8",
                               errors="replace").splitlines()
        findings += check_words(name, suffix, lines)
        findings += check_name(name)
        if suffix in CPP:
            findings += check_sizes(name, lines, warnings)
    for line in warnings + findings:
        print(line)
    print(f"sources: {count} files, {len(findings)} findings, "
          f"{len(warnings)} warnings")
    return 1 if findings or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Enforces which folder may include what, and that what decides is pure.

    scripts/check_layering.py [ROOT]

Reads the #include lines and the code (without comments and strings) of every
C++ file under ROOT. Prints `file:line: what is wrong` and the reason of the
rule; exits 1 if anything was found. The table is that of docs/architecture.md.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path


EVERYTHING = (
    "messages", "actors", "storage", "runtime", "api", "client", "bin",
    "tests", "bench",
)

# folder: (project folders it may include, why no others)
ARROWS = {
    "messages": (
        ("messages",),
        "messages/ is the vocabulary of all; a word that knew its speakers "
        "would tie every folder to every other",
    ),
    "actors": (
        ("messages", "actors"),
        "what decides must be replayable and simulable in one thread, so it "
        "knows only messages, never where they are stored or who carries them",
    ),
    "storage": (
        ("messages", "storage"),
        "storage remembers bytes for anyone; if it knew the actors, a log "
        "could not be read without them",
    ),
    "runtime": (
        ("messages", "actors", "storage", "runtime"),
        "the runtime hosts the machines for any dialect; bin/ hands it the "
        "dialects it speaks",
    ),
    "api": (
        ("messages", "api"),
        "a dialect only parses and prints; it reaches the system through "
        "messages/gateway_interface.hpp, so that a submission from anywhere "
        "is read by the same code",
    ),
    "client": (
        ("messages", "client"),
        "the command line is a client like any other; it may know only what "
        "can be seen over HTTP",
    ),
    "bin": (EVERYTHING[:7], "the binary is not made of tests or benchmarks"),
    "tests": (EVERYTHING, ""),
    "bench": (EVERYTHING[:7] + ("bench", "tests"), ""),
}



@dataclass
class Library:
    """Headers that only some files may include."""

    name: str
    header: str  # regex on the path between <> or ""
    allowed: str  # regex on the including file
    where: str
    why: str


ANY_TEST = r"(tests|bench)/"

LIBRARIES = (
    Library(
        "msgpack", r"msgpack(\.hpp|\.h|/)",
        r"messages/codec_impl\.hpp$|" + ANY_TEST,
        "messages/codec_impl.hpp",
        "one file decides how a value looks in bytes; records of format 1 "
        "must be readable for ever",
    ),
    Library(
        "the codec's templates", r"messages/codec_impl\.hpp$",
        r"(messages|storage)/[^/]*\.cpp$|" + ANY_TEST,
        "the .cpp files of messages/ and storage/ that instantiate the codec",
        "they are slow to compile; all others use messages/codec.hpp",
    ),
    Library(
        "librdkafka", r"librdkafka/|rdkafka",
        r"storage/kafka_|" + ANY_TEST,
        "storage/kafka_*",
        "the log is an interface with twins; whoever saw Kafka behind it "
        "could no longer run on the embedded one",
    ),
    Library(
        "RocksDB", r"rocksdb/", r"storage/|" + ANY_TEST, "storage/",
        "the store and the embedded log are interfaces with twins in memory; "
        "the rest must not see which one it has",
    ),
    Library(
        "CAF", r"caf/", r"(runtime|bin)/|" + ANY_TEST, "runtime/ and bin/",
        "CAF hosts shards and moves bytes; what decides, parses or remembers "
        "must run without it, and its headers take seconds to compile",
    ),
    Library(
        "spdlog", r"spdlog/", r"(runtime|bin)/|" + ANY_TEST,
        "runtime/ and bin/",
        "pure code returns its reasons as values; printing them is for those "
        "who run it",
    ),
    Library(
        "Beast", r"boost/beast",
        r"(api|client)/http_\w+\.cpp$|" + ANY_TEST,
        "the insides of the HTTP server and client, api/http_*.cpp and "
        "client/http_*.cpp",
        "a file with Beast takes 20 seconds to compile, so it stays behind "
        "our own small interfaces, api/http_server.hpp and "
        "client/http_client.hpp",
    ),
    Library(
        "Asio", r"boost/asio",
        r"api/http_\w+\.cpp$|api/http_(connection|worker)\.hpp$"
        r"|(client|bin)/\w+\.cpp$|" + ANY_TEST,
        "api/http_*.cpp, their inner headers, and .cpp files of client/ and "
        "bin/",
        "it is slow to compile, so no header that others include has it",
    ),
    Library(
        "the HTTP server's insides", r"api/http_(connection|worker)\.hpp$",
        r"api/http_\w+\.(cpp|hpp)$|" + ANY_TEST,
        "api/http_*",
        "they bring Beast with them; use api/http_server.hpp",
    ),
    Library(
        "JSON", r"nlohmann/", r"(api|client|bin)/|" + ANY_TEST,
        "api/, client/ and bin/",
        "JSON is how the world speaks to us; inside, values have types",
    ),
    Library(
        "the command line's parser", r"CLI/", r"(bin|client)/|" + ANY_TEST,
        "bin/ and client/", "only who starts reads the command line",
    ),
)



@dataclass
class Impurity:
    """Something that pure code must not touch."""

    what: str
    headers: str | None
    code: str | None
    why: str


CLOCK_WHY = (
    "a decision's time is the argument `now`, part of the record (rule 8, "
    "Time); one that looks at a clock cannot be replayed or simulated"
)
RANDOM_WHY = (
    "replay must come to the same decision; randomness is drawn outside and "
    "arrives in a message"
)
THREAD_WHY = (
    "machines run in one thread and act only by messages; concurrency belongs "
    "to runtime/"
)
IO_WHY = (
    "what decides is a pure function of state and message; bytes are moved by "
    "storage/ and runtime/"
)

IMPURITIES = (
    Impurity(
        "a clock",
        r"chrono|ctime|time\.h|sys/time\.h",
        r"\b(system_clock|steady_clock|high_resolution_clock|clock_gettime"
        r"|gettimeofday|CLOCK_\w+|std::time|localtime\w*|gmtime\w*)\b",
        CLOCK_WHY,
    ),
    Impurity(
        "sleeping", None, r"\b(u|nano)?sleep(_for|_until)?\b", CLOCK_WHY,
    ),
    Impurity(
        "randomness",
        r"random",
        r"\b(random_device|mt19937(_64)?|default_random_engine|s?rand"
        r"|arc4random\w*|getrandom)\b",
        RANDOM_WHY,
    ),
    Impurity(
        "threads",
        r"thread|mutex|shared_mutex|condition_variable|future|semaphore|latch"
        r"|barrier|stop_token|pthread\.h",
        r"\bstd::(j?thread|(shared_|recursive_)?mutex|condition_variable"
        r"|async|future|promise|this_thread)\b|\bthread_local\b",
        THREAD_WHY,
    ),
    Impurity(
        "input or output",
        r"iostream|fstream|filesystem|syncstream|unistd\.h|fcntl\.h|signal\.h"
        r"|csignal|poll\.h|sys/.*|netinet/.*|arpa/.*",
        r"\bstd::(cout|cerr|clog|cin|[io]?fstream|filesystem)\b"
        r"|\bf(re)?open\(|(?<!\w)::open\(",
        IO_WHY,
    ),
    Impurity(
        "the process's environment", None, r"\b(secure_)?getenv\b",
        "what decides depends on its messages alone, not on the process that "
        "it happens to run in",
    ),
    Impurity("CAF", None, r"\bcaf::", "CAF hosts machines; it is not in them"),
    Impurity(
        "logging", None, r"\bspdlog::",
        "reasons are values that are returned; runtime/ prints them",
    ),
)

# Pure: no clock, thread, random, I/O. The dialect of AWS Batch is too, so that
# a submission means the same wherever it comes from.
PURE = re.compile(r"(messages|actors)/|api/aws_batch/")
# Of other people's headers these see none at all but for the codec's.
STD_ONLY = re.compile(r"(messages|actors)/")


INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"'
    r'|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


@dataclass
class Finding:
    file: str
    line: int
    rule: str
    why: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.rule}\n    why: {self.why}"


def code_lines(text):
    """The text without comments and literals, line by line."""
    blank = lambda m: "\n" * m.group().count("\n")
    return COMMENT_OR_STRING.sub(blank, text).splitlines()


def check_include(file, line, mark, path):
    folder = file.split("/")[0]
    if mark == '"':
        target = path.split("/")[0]
        if target not in EVERYTHING or "/" not in path:
            yield Finding(
                file, line, f'"{path}" does not start at the repository\'s '
                "root", "one file has one name, wherever it is included")
            return
        allowed, why = ARROWS[folder]
        if target not in allowed:
            yield Finding(
                file, line, f"{folder}/ includes {path}, but may include of "
                f"ours only {', '.join(f + '/' for f in allowed)}", why)
    for library in LIBRARIES:
        if re.match(library.header, path) and not re.match(
                library.allowed, file):
            yield Finding(
                file, line,
                f"{path} is included; {library.name} may be included only in "
                f"{library.where}", library.why)
            return
    if mark != "<":
        return
    if PURE.match(file):
        for impurity in IMPURITIES:
            if impurity.headers and re.fullmatch(impurity.headers, path):
                yield Finding(
                    file, line, f"<{path}> brings {impurity.what} into "
                    f"{folder}/, which is pure", impurity.why)
                return
    if (STD_ONLY.match(file) and ("/" in path or "." in path)
            and file != "messages/codec_impl.hpp"):
        yield Finding(
            file, line, f"<{path}> is not of the standard library, the only "
            f"one that {folder}/ may use", IO_WHY)


def check_code(file, line, text):
    if not PURE.match(file):
        return
    for impurity in IMPURITIES:
        found = impurity.code and re.search(impurity.code, text)
        if found:
            yield Finding(
                file, line, f"`{found.group()}` brings {impurity.what} into "
                f"{file.split('/')[0]}/, which is pure", impurity.why)


def check_file(root, path):
    file = path.relative_to(root).as_posix()
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        include = INCLUDE.match(line)
        if include:
            yield from check_include(file, number, *include.groups())
    for number, line in enumerate(code_lines(text), 1):
        if not INCLUDE.match(line):
            yield from check_code(file, number, line)


def sources(root):
    for folder in ARROWS:
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            if not {"node_modules", ".venv"} & set(path.parts):
                yield path


def main(arguments):
    root = Path(arguments[0] if arguments else __file__ + "/../..").resolve()
    files = list(sources(root))
    findings = [f for path in files for f in check_file(root, path)]
    for finding in findings:
        print(finding)
    print(f"layering: {len(files)} files, {len(findings)} findings")
    return 1 if findings or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

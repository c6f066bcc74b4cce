"""Proves that the layering check finds what it is there to find: the finding
names file and line, and gives the reason of its rule.
"""

import contextlib
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "scripts" / "check_layering.py"
FOLDERS = ("messages", "actors", "storage", "runtime", "api", "client", "bin",
           "tests", "bench")


def load_check():
    spec = importlib.util.spec_from_file_location("check_layering", CHECK)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run_check(root):
    """As scripts/check.sh runs it: exit code and output."""
    result = subprocess.run([sys.executable, str(CHECK), str(root)],
                            capture_output=True, text=True)
    return result.returncode, result.stdout


class TheSources(unittest.TestCase):
    def copy_sources(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in FOLDERS:
            for path in (ROOT / name).rglob("*.[ch]pp"):
                if {"node_modules", ".venv"} & set(path.parts):
                    continue
                target = Path(folder.name) / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        return Path(folder.name)

    def test_follow_their_own_rules(self):
        code, output = run_check(ROOT)
        self.assertEqual(code, 0, output)

    def test_of_no_file_at_all_are_not_taken_for_clean(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertNotEqual(run_check(folder)[0], 0)

    def assert_fails_with(self, file, line, rule, why):
        """When `line` is added at the end of a copy's `file`."""
        copy = self.copy_sources() / file
        root = copy.parents[len(Path(file).parts) - 1]
        self.assertNotIn(rule, run_check(root)[1])
        number = len(copy.read_text().splitlines()) + 1
        with copy.open("a") as text:
            text.write(line + "\n")
        code, output = run_check(root)
        self.assertEqual(code, 1, output)
        self.assertRegex(output, re.escape(f"{file}:{number}: ") + "[^\n]*"
                         + re.escape(rule) + "[^\n]*\n    why: [^\n]*"
                         + re.escape(why))

    def test_fail_when_an_include_crosses_the_wrong_way(self):
        self.assert_fails_with(
            "actors/draft.cpp", '#include "storage/log.hpp"',
            "actors/ includes storage/log.hpp", "replayable and simulable")

    def test_fail_when_an_actor_touches_a_clock(self):
        self.assert_fails_with(
            "actors/draft.cpp",
            "auto now = std::chrono::steady_clock::now();",
            "`steady_clock` brings a clock into actors/",
            "cannot be replayed or simulated")


class AFileOfItsOwn(unittest.TestCase):
    """Each case is one file alone in its tree."""

    @classmethod
    def setUpClass(cls):
        cls.check = load_check()

    def findings_of(self, file, *lines):
        with tempfile.TemporaryDirectory() as root:
            path = Path(root) / file
            path.parent.mkdir(parents=True)
            path.write_text("\n".join(("#pragma once", *lines)) + "\n")
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                code = self.check.main([root])
        return code, output.getvalue()

    def assert_forbidden(self, file, line, rule, why):
        code, output = self.findings_of(file, line)
        self.assertEqual(code, 1, output)
        self.assertRegex(output, re.escape(f"{file}:2: ") + "[^\n]*"
                         + re.escape(rule) + "[^\n]*\n    why: [^\n]*"
                         + re.escape(why))
        self.assertIn(" 1 findings", output)

    def assert_allowed(self, file, *lines):
        code, output = self.findings_of(file, *lines)
        self.assertEqual(code, 0, output)

    # Arrows.

    def test_fails_when_an_actor_includes_storage(self):
        self.assert_forbidden(
            "actors/probe.hpp", '#include "storage/log.hpp"',
            "actors/ includes storage/log.hpp", "replayable and simulable")

    def test_fails_when_messages_include_an_actor(self):
        self.assert_forbidden(
            "messages/probe.hpp", '#include "actors/draft.hpp"',
            "messages/ includes actors/draft.hpp", "vocabulary of all")

    def test_fails_when_storage_includes_an_actor(self):
        self.assert_forbidden(
            "storage/probe.hpp", '#  include "actors/draft.hpp"',
            "storage/ includes actors/draft.hpp", "storage remembers")

    def test_fails_when_a_dialect_includes_the_runtime(self):
        self.assert_forbidden(
            "api/aws_batch/probe.hpp", '#include "runtime/gateway.hpp"',
            "api/ includes runtime/gateway.hpp", "gateway_interface.hpp")

    def test_fails_when_the_runtime_includes_a_dialect(self):
        self.assert_forbidden(
            "runtime/probe.hpp", '#include "api/uri.hpp"',
            "runtime/ includes api/uri.hpp", "bin/ hands it")

    def test_fails_when_the_client_includes_storage(self):
        self.assert_forbidden(
            "client/probe.hpp", '#include "storage/keys.hpp"',
            "client/ includes storage/keys.hpp", "over HTTP")

    def test_fails_when_the_binary_includes_a_test(self):
        self.assert_forbidden(
            "bin/probe.hpp", '#include "tests/support/temporary_folder.hpp"',
            "bin/ includes tests/", "not made of tests")

    def test_fails_when_an_include_is_relative(self):
        self.assert_forbidden(
            "actors/probe.hpp", '#include "draft.hpp"',
            "does not start at the repository's root", "one name")

    def test_allows_the_arrows_as_they_point(self):
        self.assert_allowed("actors/probe.hpp", '#include "messages/ids.hpp"')
        self.assert_allowed("storage/probe.hpp", '#include "messages/ids.hpp"')
        self.assert_allowed("runtime/probe.hpp", '#include "actors/draft.hpp"',
                            '#include "storage/log.hpp"')
        self.assert_allowed("bin/probe.hpp", '#include "api/uri.hpp"',
                            '#include "storage/log.hpp"')

    # Other people's libraries.

    def test_fails_when_a_library_is_included_outside_its_place(self):
        cases = (
            ("actors/probe.hpp", "<caf/all.hpp>", "CAF hosts shards"),
            ("api/probe.hpp", "<caf/actor.hpp>", "CAF hosts shards"),
            ("runtime/probe.hpp", "<rocksdb/db.h>", "twins in memory"),
            ("storage/local_probe.hpp", "<librdkafka/rdkafkacpp.h>",
             "embedded one"),
            ("runtime/probe.hpp", "<msgpack.hpp>", "readable for ever"),
            ("messages/probe.hpp", "<msgpack.hpp>", "readable for ever"),
            ("messages/probe.hpp", '"messages/codec_impl.hpp"', "slow"),
            ("api/http_probe.hpp", "<boost/beast/http.hpp>", "20 seconds"),
            ("bin/probe.cpp", "<boost/beast/http.hpp>", "20 seconds"),
            ("client/probe.hpp", "<boost/asio.hpp>", "no header"),
            ("runtime/probe.cpp", "<boost/asio.hpp>", "no header"),
            ("bin/probe.hpp", '"api/http_connection.hpp"', "Beast"),
            ("storage/probe.hpp", "<spdlog/spdlog.h>", "reasons as values"),
            ("actors/probe.hpp", "<nlohmann/json.hpp>", "values have types"),
        )
        for file, header, why in cases:
            with self.subTest(file=file, header=header):
                self.assert_forbidden(file, f"#include {header}",
                                      header.strip('<>"'), why)

    def test_allows_a_library_in_its_place(self):
        self.assert_allowed("runtime/probe.hpp", "#include <caf/all.hpp>",
                            "#include <spdlog/spdlog.h>")
        self.assert_allowed("storage/kafka_probe.hpp",
                            "#include <librdkafka/rdkafkacpp.h>")
        self.assert_allowed("storage/probe.hpp", "#include <rocksdb/db.h>")
        self.assert_allowed("messages/probe_codec.cpp",
                            '#include "messages/codec_impl.hpp"')

    # Purity.

    def test_fails_when_an_actor_touches_a_clock(self):
        why = "cannot be replayed or simulated"
        for line in ("auto now = std::chrono::steady_clock::now();",
                     "auto now = std::chrono::system_clock::now();",
                     "clock_gettime(CLOCK_BOOTTIME, &now);",
                     "auto now = std::time(nullptr);"):
            with self.subTest(line=line):
                self.assert_forbidden("actors/probe.hpp", line, "a clock", why)
        for header in ("chrono", "ctime", "time.h"):
            with self.subTest(header=header):
                self.assert_forbidden("actors/probe.hpp",
                                      f"#include <{header}>", "a clock", why)

    def test_fails_when_pure_code_touches_the_world(self):
        cases = (
            ("#include <random>", "randomness", "same decision"),
            ("std::mt19937 numbers;", "randomness", "same decision"),
            ("std::random_device seed;", "randomness", "same decision"),
            ("#include <thread>", "threads", "one thread"),
            ("#include <mutex>", "threads", "one thread"),
            ("std::mutex lock;", "threads", "one thread"),
            ("#include <iostream>", "input or output", "pure function"),
            ("#include <fstream>", "input or output", "pure function"),
            ("std::cout << 1;", "input or output", "pure function"),
            ("#include <unistd.h>", "input or output", "pure function"),
            ("auto home = getenv(name);", "environment", "messages alone"),
            ("std::this_thread::sleep_" "for(second);", "sleeping",
             "cannot be replayed"),
            ("caf::actor other;", "CAF", "hosts machines"),
            ("spdlog::info(text);", "logging", "reasons are values"),
        )
        for line, rule, why in cases:
            for folder in ("actors", "messages"):
                with self.subTest(folder=folder, line=line):
                    code, output = self.findings_of(f"{folder}/probe.hpp",
                                                    line)
                    self.assertEqual(code, 1, output)
                    self.assertIn(f"{folder}/probe.hpp:2: ", output)
                    self.assertIn(rule, output)
                    self.assertIn(why, output)

    def test_takes_comments_and_texts_for_what_they_are(self):
        self.assert_allowed(
            "actors/probe.hpp",
            "// A steady_clock would not survive a replay.",
            "/* nor would a std::mutex,", "   nor a random_device */",
            'inline const char* word = "getenv";',
            "inline constexpr int thousand = 1'000;",
            "int count_sleepers(int asleep);")

    def test_does_not_lose_code_behind_a_digit_separator(self):
        self.assert_forbidden(
            "actors/probe.hpp",
            "inline int limit = 1'000; std::mutex lock; char c = 'x';",
            "threads", "one thread")


if __name__ == "__main__":
    unittest.main()

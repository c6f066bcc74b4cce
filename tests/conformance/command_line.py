"""The `berth` binary's client commands, as a person or a script uses them."""

import json
import os
import subprocess

from berth_server import BERTH

# Exit codes that docs/cli.md promises.
DONE = 0
FAILED = 1
USAGE = 2
UNREACHABLE = 3


class CommandLine:
    """Runs commands in a folder of their own, told of a server by variables."""

    def __init__(self, folder, server=None):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NO_COLOR": "1",
        }
        if server:
            self.environment["BERTH_DATA"] = str(server.data)

    def start(self, *words, **variables):
        return subprocess.Popen(
            [BERTH, *map(str, words)],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words, timeout=60, **variables):
        """(exit code, stdout, stderr)"""
        process = self.start(*words, **variables)
        try:
            out, messages = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, messages = process.communicate()
            raise AssertionError(
                f"berth {words} goes on: {out!r} {messages!r}"
            ) from None
        return process.returncode, out, messages

    def ok(self, *words, **options):
        """stdout of a command that is done."""
        code, out, messages = self.run(*words, **options)
        assert code == DONE, (words, code, out, messages)
        return out

    def json(self, *words, code=DONE):
        """The one document that a command prints with --json."""
        found, out, messages = self.run(*words[:1], "--json", *words[1:])
        assert found == code, (words, found, out, messages)
        return json.loads(out)

    def json_audit(self, what, *words):
        return json.loads(self.ok("audit", what, "--json", *words))

    def submit(self, *words):
        """The id, which must be all of stdout."""
        (job,) = self.ok("submit", *words).splitlines()
        return job

    def refused(self, code, *words, **options):
        """stderr of a command that ends with this code and prints nothing."""
        found, out, messages = self.run(*words, **options)
        assert found == code, (words, found, out, messages)
        assert out == "", out
        return messages

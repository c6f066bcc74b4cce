"""Servers whose log is slow to write: their syncs are held up (slow_disk.c)."""

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("slow_disk.c")


def build_slow_disk(folder):
    """The library to preload, built in this folder."""
    library = folder / "slow_disk.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"],
        check=True,
    )
    return library


def slow_environment(library, longest_ms):
    """Variables of a server whose syncs take up to so long."""
    return {
        "LD_PRELOAD": str(library),
        "SLOW_DISK_MS": str(longest_ms),
        # Of a server with AddressSanitizer, which wants to be loaded first.
        "ASAN_OPTIONS": "verify_asan_link_order=0",
    }

"""Awaiting what a server promises to happen, with a deadline."""

import time

DEADLINE_S = 60.0
PAUSE_S = 0.05


def wait_for(predicate, seconds=DEADLINE_S, what=None):
    """Returns the first true value of predicate(); fails after the deadline.

    `what` is a text, or a function that makes one, for the failure.
    """
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            text = what() if callable(what) else what or predicate
            raise AssertionError(f"not so within {seconds} s: {text}")
        time.sleep(PAUSE_S)

"""How a process of a cluster ends by itself."""

import subprocess

PATIENCE_S = 60


def ended(node, seconds=PATIENCE_S):
    """Launches it; (exit code, what it said) when it has ended by itself."""
    node.launch()
    return code_and_words(node, seconds)


def code_and_words(node, seconds=PATIENCE_S):
    try:
        code = node.process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"it goes on: {node.log_text()}") from None
    return code, node.log_text()

"""A cluster that runs already (tests/cluster/start.py), in the place of a
`berth dev`: its one address sends each call to a random node."""

import os
from pathlib import Path

import pytest

from berth_server import BerthServer

#: The folder of the cluster; None: the tests use `berth dev`.
CLUSTER = os.environ.get("BERTH_CLUSTER")

OWN_SERVER = "BERTH_CLUSTER: needs a server of its own (make_server)"


class JoinedCluster(BerthServer):
    def __init__(self, folder):
        super().__init__(folder)
        # Of the command line's --data.
        self.data = Path(CLUSTER)

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        assert self.url, f"BERTH_CLUSTER: no cluster runs in {CLUSTER}"
        return self

    def close(self):
        """It is not ours."""


def skip_in_cluster(why):
    """Marks a test of what `berth dev` alone has."""
    return pytest.mark.skipif(
        CLUSTER is not None, reason=f"BERTH_CLUSTER: {why}"
    )

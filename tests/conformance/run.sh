#!/bin/sh
# Runs the conformance tests: real AWS clients against `berth dev`.
#
#   tests/conformance/run.sh [pytest arguments]
#
# BERTH          path of the binary (default: build/berth)
# BERTH_SHARDS   shards of the servers that do not choose themselves (default 1)
# BERTH_KILLS    kills per test of test_kill9.py (default 100)
# BERTH_WORKERS  modules run side by side (default 2; on a cluster none)
# BERTH_CLUSTER  folder of a running cluster (tests/cluster/start.py): then each
#                call goes to a random node of it, not to `berth dev`
#
# Clients are pinned and installed beside this script on first use. Exits
# non-zero when a test fails; the last line is pytest's summary.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

BERTH=${BERTH:-$root/build/berth}
case $BERTH in
  /*) ;;
  *) BERTH=$(pwd)/$BERTH ;;
esac
export BERTH
if [ ! -x "$BERTH" ]; then
  echo "run.sh: $BERTH is not there; build it first (make build) or set" \
    "BERTH to its path" >&2
  exit 2
fi

"$here/install.sh"

# Everything speaks to 127.0.0.1; nothing of the caller's AWS set-up counts.
for name in $(env | sed -n 's/^\(AWS_[A-Z_]*\)=.*/\1/p'); do
  unset "$name"
done
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 PYTHONDONTWRITEBYTECODE=1

# Modules side by side have servers of their own, but one cluster.
workers=${BERTH_WORKERS:-${BERTH_CLUSTER:+0}}
workers=${workers:-2}
cd "$here"
exec "$here/.venv/bin/python" -m pytest -n "$workers" --dist loadfile \
  -p no:cacheprovider "$@"

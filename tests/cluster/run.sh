#!/bin/sh
# Clusters of real processes on this machine: Apache Kafka brokers, `berth
# server` nodes, `berth agent` agents.
#
#   tests/cluster/run.sh [test] [pytest arguments]     the tests
#   tests/cluster/run.sh start [--help] [...]          a cluster to use
#   tests/cluster/run.sh chaos [--help] [...]          load and faults
#   tests/cluster/run.sh takeover [--help] [...]       of a million live jobs
#   tests/cluster/run.sh conformance [pytest arguments]
#       tests/conformance through a cluster, each call to a random node
#
# BERTH   path of the binary (default: build/berth)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
conformance=$root/tests/conformance

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

"$conformance/install.sh"
"$root/tests/kafka/broker/install.sh"

# Everything speaks to this machine; nothing of the caller's AWS set-up counts.
for name in $(env | sed -n 's/^\(AWS_[A-Z_]*\)=.*/\1/p'); do
  unset "$name"
done
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH="$here:$conformance"
python=$conformance/.venv/bin/python

what=test
case ${1:-} in
  test | start | chaos | takeover | conformance)
    what=$1
    shift
    ;;
esac
case $what in
  test)
    cd "$here"
    exec "$python" -m pytest -p no:cacheprovider "$@"
    ;;
  conformance)
    exec "$python" "$here/start.py" --agents 0 --agents-for-all -- \
      "$conformance/run.sh" "$@"
    ;;
  *)
    exec "$python" "$here/$what.py" "$@"
    ;;
esac

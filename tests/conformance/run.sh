#!/bin/sh
# Runs the conformance tests: real AWS clients against `berth dev`.
#
#   tests/conformance/run.sh [pytest arguments]
#
# BERTH          path of the binary (default: build/berth)
# BERTH_SHARDS   shards of the servers that do not choose themselves (default 1)
# BERTH_KILLS    kills per test of test_kill9.py (default 100)
# BERTH_WORKERS  modules run side by side (default 2)
#
# Clients are pinned (requirements.txt, js/package-lock.json) and installed
# beside this script on first use. Exits non-zero when a test fails; the last
# line is pytest's summary.
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

# Debian's own packages. Its aws has `logs tail`, the one from PyPI has not.
missing=
[ -x /usr/bin/aws ] || missing="$missing awscli"
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
python3 -c 'import ensurepip, venv' 2>/dev/null ||
  missing="$missing python3-venv"
if [ -n "$missing" ]; then
  echo "run.sh: installing$missing" >&2
  if [ "$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi
  # shellcheck disable=SC2086 # words are meant to split
  $as_root apt-get install -y -q --no-install-recommends $missing >&2
fi

venv=$here/.venv
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check \
    -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/installed.txt"
fi
modules=$here/js/node_modules
if ! cmp -s "$here/js/package-lock.json" "$modules/installed.json"; then
  (cd "$here/js" && npm ci --no-audit --no-fund --loglevel=error >&2)
  cp "$here/js/package-lock.json" "$modules/installed.json"
fi

# Everything speaks to 127.0.0.1; nothing of the caller's AWS set-up counts.
for name in $(env | sed -n 's/^\(AWS_[A-Z_]*\)=.*/\1/p'); do
  unset "$name"
done
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 PYTHONDONTWRITEBYTECODE=1

cd "$here"
exec "$venv/bin/python" -m pytest -n "${BERTH_WORKERS:-2}" --dist loadfile \
  -p no:cacheprovider "$@"

#!/bin/sh
# Installs what the conformance and cluster tests use: Debian's aws and node,
# and the pinned clients beside this script (requirements.txt in .venv,
# js/package-lock.json in js/node_modules). Quick when all is there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# Debian's own packages. Its aws has `logs tail`, the one from PyPI has not.
missing=
[ -x /usr/bin/aws ] || missing="$missing awscli"
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
python3 -c 'import ensurepip, venv' 2>/dev/null ||
  missing="$missing python3-venv"
if [ -n "$missing" ]; then
  echo "install.sh: installing$missing" >&2
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

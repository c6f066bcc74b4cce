#!/usr/bin/env bash
# Lets clang-format write the sources; with `--check`, only says what differs.
set -euo pipefail
cd "$(dirname "$0")/.."

action=(-i)
if [[ ${1:-} == --check ]]; then
  action=(--dry-run --Werror)
fi
find messages actors storage runtime api client bin tests bench examples \
  \( -name node_modules -o -name .venv \) -prune \
  -o \( -name '*.cpp' -o -name '*.hpp' \) -print0 |
  xargs -0 -r clang-format-14 "${action[@]}"

#!/usr/bin/env bash
# What can be said of the sources without compiling them: format, layering,
# words and sizes. Prints each finding with its place; exits non-zero if any.
#
#   scripts/check.sh           all
#   scripts/check.sh format    one of: format, layering, sources
set -uo pipefail
cd "$(dirname "$0")/.."

check_format() {
  scripts/format.sh --check
}
check_layering() {
  python3 scripts/check_layering.py
}
check_sources() {
  python3 scripts/check_sources.py
}

failed=0
for check in "${@:-format layering sources}"; do
  for name in $check; do
    if "check_$name"; then
      echo "check $name: ok"
    else
      echo "check $name: FAILED"
      failed=1
    fi
  done
done
exit $failed

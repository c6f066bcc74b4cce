#!/usr/bin/env bash
# Feeds parsers with bytes that libFuzzer makes up (tests/fuzz).
#
#   scripts/fuzz.sh --build                 builds the targets
#   scripts/fuzz.sh --list                  names them
#   scripts/fuzz.sh SECONDS [TARGET...]     runs each so long; default: all
#
# Every run begins with the kept corpus, tests/fuzz/corpus/TARGET; what it finds
# beside that stays in build-fuzz/corpus/TARGET. Exits 1 when a target crashed,
# hung or ran out of memory; the input is kept and named.
set -uo pipefail
cd "$(dirname "$0")/.."

built=${BERTH_FUZZ_BUILD:-build-fuzz}
crashes=build-fuzz/crashes
input_bytes_max=4096
memory_mib_max=2048
input_seconds_max=10

targets() {
  local source
  for source in tests/fuzz/*.cpp; do
    basename "$source" .cpp
  done
}

build() {
  local log=build-fuzz/build.log
  mkdir -p build-fuzz
  cmake --preset fuzz >"$log" 2>&1 &&
    cmake --build --preset fuzz -- -k 0 >>"$log" 2>&1 || {
    grep -v '^\[[0-9]*/[0-9]*\] [A-Z][a-z]* ' "$log"
    return 1
  }
}

# run TARGET SECONDS
run() {
  local target=$1 seconds=$2 kept=tests/fuzz/corpus/$1 found=build-fuzz/corpus/$1
  local log=build-fuzz/$1.log before after input
  mkdir -p "$found" "$crashes"
  if [[ -z $(ls -A "$kept" 2>/dev/null) ]]; then
    echo "fuzz $target: $kept has no inputs; put a valid one there"
    return 1
  fi
  before=$(find "$crashes" -name "$target-*" | sort)
  if "$built/berth_fuzz_$target" -max_total_time="$seconds" \
    -max_len="$input_bytes_max" -rss_limit_mb="$memory_mib_max" \
    -timeout="$input_seconds_max" -print_final_stats=1 \
    -artifact_prefix="$crashes/$target-" "$found" "$kept" >"$log" 2>&1; then
    echo "fuzz $target: $(sed -n \
      's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s," \
      "none harmful; $(find "$found" -type f | wc -l) found that reach more" \
      "than the $(find "$kept" -type f | wc -l) kept"
    return 0
  fi
  grep -v '^#[0-9]*[[:space:]]*\(NEW\|REDUCE\|pulse\|INITED\|DONE\|RELOAD\)' \
    "$log" | tail -n 60
  echo "fuzz $target: FAILED; what it said is in $log"
  after=$(find "$crashes" -name "$target-*" | sort)
  for input in $(comm -13 <(echo "$before") <(echo "$after")); do
    echo "  harmful input: $input"
    echo "  to see it again: $built/berth_fuzz_$target $input"
    echo "  once it is harmless, keep it: cp $input $kept/"
  done
  return 1
}

case ${1:-} in
  --build)
    build
    ;;
  --list)
    targets
    ;;
  '' | *[!0-9]*)
    echo "fuzz.sh: give --build, --list, or the seconds that each target runs" \
      "and the targets" >&2
    exit 2
    ;;
  *)
    seconds=$1
    shift
    # shellcheck disable=SC2046 # words are meant to split
    [[ $# -gt 0 ]] || set -- $(targets)
    failed=0
    for target in "$@"; do
      run "$target" "$seconds" || failed=1
    done
    exit $failed
    ;;
esac

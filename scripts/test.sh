#!/usr/bin/env bash
# Runs every test. The last line is `N passed, N failed`; exits 1 if any failed
# or could not be built or run.
#
#   scripts/test.sh [PART...]    default: all, in this order
#
#   sources       format, layering, words and sizes
#   dev           unit and integration tests, preset dev
#   sim           simulated clusters: past failures, repeats, the seeds 1 to
#                 1,000, 1,000 fresh ones, and whether breakages are noticed
#   asan          the same under AddressSanitizer and UBSan
#   fuzz          each parser fed by libFuzzer for ten seconds
#   conformance   real AWS clients against the binary of preset dev
#   cluster       brokers, nodes and agents as processes: tests, a short chaos
#   relayed       the conformance tests through a cluster, each call to a random
#                 node
#
# What each part printed stays in build/test-logs/.
set -uo pipefail
cd "$(dirname "$0")/.."

logs=build/test-logs
mkdir -p "$logs"
passed=0
failed=0

# count PASSED FAILED WHAT
count() {
  passed=$((passed + $1))
  failed=$((failed + $2))
  printf '%s: %d passed, %d failed\n\n' "$3" "$1" "$2"
}

finish() {
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [[ $failed -eq 0 ]]
  exit
}

# step NAME COMMAND...: one test that passes when the command does.
step() {
  local name=$1
  shift
  printf '== %s\n' "$name"
  if "$@" 2>&1 | tee "$logs/${name// /-}.log"; then
    count 1 0 "$name"
  else
    count 0 1 "$name"
    return 1
  fi
}

# build PRESET [TARGET]: prints only what went wrong.
build() {
  cmake --preset "$1" >"$logs/configure-$1.log" 2>&1 || {
    cat "$logs/configure-$1.log"
    return 1
  }
  cmake --build --preset "$1" --target "${2:-all}" -- -k 0 \
    >"$logs/compile-$1.log" 2>&1 || {
    grep -v '^\[[0-9]*/[0-9]*\] [A-Z][a-z]* ' "$logs/compile-$1.log"
    return 1
  }
}

# ctest_of FOLDER [ARGUMENT...]: runs what the preset's folder has, counts Catch2's cases.
ctest_of() {
  local folder=$1 counts
  printf '== tests of %s\n' "$folder"
  rm -f "$folder/Testing/Temporary/LastTest.log"
  ctest --test-dir "$folder" --output-on-failure --parallel 2 "${@:2}" \
    2>&1 | tee "$logs/ctest-$folder.log"
  counts=$(python3 scripts/count_tests.py ctest \
    "$folder/Testing/Temporary/LastTest.log") || counts="0 1"
  # shellcheck disable=SC2086 # two numbers
  count $counts "tests of $folder"
}

part_sources() {
  for check in format layering sources; do
    step "check $check" scripts/check.sh "$check"
  done
}

part_dev() {
  step "build dev" build dev && ctest_of build
}

# sim_of NAME ARGUMENT...: counts the runs that the last line tells of.
sim_of() {
  local name=$1 log status last good=0 bad=1
  log=$logs/${name// /-}.log
  printf '== %s\n' "$name"
  build/berth_sim --jobs "$(nproc)" "${@:2}" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  last=$(tail -n 1 "$log")
  if [[ $last =~ ^([0-9]+)\ seeds,\ ([0-9]+)\ violations ]]; then
    bad=${BASH_REMATCH[2]}
    good=$((BASH_REMATCH[1] - bad))
  elif [[ $last =~ ^([0-9]+)\ of\ ([0-9]+)\ breakages\ caught ]]; then
    good=${BASH_REMATCH[1]}
    bad=$((BASH_REMATCH[2] - good))
  fi
  [[ $status -eq 0 || $bad -gt 0 ]] || bad=1
  count "$good" "$bad" "$name"
}

part_sim() {
  step "build simulation" build dev berth_sim || return
  sim_of "simulated past failures" --file tests/sim/past_failures.txt
  sim_of "simulated repeats" --seeds 1..50 --check-repeat
  sim_of "simulated seeds" --seeds 1..1000
  sim_of "simulated fresh seeds" --fresh 1000
  sim_of "simulated breakages" --breakages
}

part_asan() {
  export ASAN_OPTIONS=detect_stack_use_after_return=1
  export UBSAN_OPTIONS=print_stacktrace=1
  step "build asan" build asan && ctest_of build-asan -LE sources
}

part_fuzz() {
  local target
  step "build fuzz" scripts/fuzz.sh --build || return
  for target in $(scripts/fuzz.sh --list); do
    step "fuzz $target" scripts/fuzz.sh 10 "$target"
  done
}

# pytest_of NAME COMMAND...: runs it, counts pytest's cases.
pytest_of() {
  local name=$1 log counts status
  log=$logs/${name// /-}.log
  if [[ ! -x build/berth ]]; then
    count 0 1 "$name (build/berth is not there)"
    return
  fi
  printf '== %s\n' "$name"
  BERTH=$PWD/build/berth "${@:2}" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  counts=$(python3 scripts/count_tests.py pytest "$log" "$status") ||
    counts="0 1"
  # shellcheck disable=SC2086 # two numbers
  count $counts "$name"
}

part_conformance() {
  pytest_of conformance tests/conformance/run.sh
}

part_cluster() {
  pytest_of cluster tests/cluster/run.sh
}

part_relayed() {
  pytest_of relayed tests/cluster/run.sh conformance
}

parts=("$@")
[[ ${#parts[@]} -gt 0 ]] ||
  parts=(sources dev sim asan fuzz conformance cluster relayed)
for part in "${parts[@]}"; do
  if ! declare -F "part_$part" >/dev/null; then
    echo "test.sh: there is no part '$part'; the parts are sources, dev," \
      "sim, asan, fuzz, conformance, cluster and relayed" >&2
    exit 2
  fi
done

step "install packages" scripts/install_packages.sh --tests || finish
step "install a Kafka broker" tests/kafka/broker/install.sh || finish
for part in "${parts[@]}"; do
  "part_$part"
done
finish

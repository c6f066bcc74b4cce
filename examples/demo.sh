#!/usr/bin/env bash
# A worked example, run on a server of its own: three compute environments, two
# queues with priorities, an array, a workflow of six jobs, and a job that fails
# twice and is retried.
#
#     examples/demo.sh build/berth
#
# Exits 0 only if every job ended as it should. Leaves nothing behind.
set -euo pipefail

berth=$(realpath "${1:?usage: demo.sh BINARY, for example build/berth}")
work=$(mktemp -d)
data=$work/data
server=

clean_up() {
  if [[ -n $server ]] && kill -0 "$server" 2>/dev/null; then
    "$berth" stop --data "$data" || kill "$server" || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT

say() { printf '\n== %s\n' "$*"; }

start_server() {
  exec 3< <(exec "$berth" dev --data "$data" --listen 127.0.0.1:0 \
    --vcpus 6 --memory 6000)
  server=$!
  local line
  while IFS= read -r line <&3; do
    if [[ $line == "Berth is up: "* ]]; then
      export BERTH_ENDPOINT=${line#Berth is up: } BERTH_DATA=$data
      echo "$line"
      return
    fi
  done
  echo "demo: the server did not start" >&2
  exit 1
}

api() { "$berth" api "$@" >"$work/answer" || { cat "$work/answer"; exit 1; }; }

make_environments() {
  for number in 1 2 3; do
    api CreateComputeEnvironment '{
      "computeEnvironmentName": "env-'$number'",
      "type": "MANAGED", "state": "ENABLED",
      "computeResources": {"type": "EC2", "minvCpus": 0, "maxvCpus": 2,
                           "instanceTypes": ["optimal"], "subnets": []}}'
  done
  "$berth" environments
}

make_queues() {
  for queue in high:10 low:1; do
    api CreateJobQueue '{
      "jobQueueName": "'${queue%:*}'", "priority": '${queue#*:}',
      "state": "ENABLED",
      "computeEnvironmentOrder": [
        {"order": 1, "computeEnvironment": "env-1"},
        {"order": 2, "computeEnvironment": "env-2"},
        {"order": 3, "computeEnvironment": "env-3"}]}'
  done
  "$berth" queues
}

make_definition() {
  api RegisterJobDefinition '{
    "jobDefinitionName": "step", "type": "container",
    "containerProperties": {
      "image": "local", "command": ["true"],
      "resourceRequirements": [{"type": "VCPU", "value": "1"},
                               {"type": "MEMORY", "value": "256"}]}}'
  "$berth" definitions
}

# submit QUEUE NAME [OPTION...] -- COMMAND...: prints the job's id.
submit() {
  local queue=$1 name=$2
  shift 2
  "$berth" submit --queue "$queue" --definition step --name "$name" "$@"
}

# step NAME [ID...]: a job of the workflow that depends on the others; it notes
# when it begins and ends.
step() {
  local name=$1 on=()
  shift
  for id in "$@"; do on+=(--depends-on "$id"); done
  submit high "$name" "${on[@]}" -- sh -c \
    "echo $name begins >>order; sleep 1; echo $name ends >>order
     echo step $name ran in \$AWS_BATCH_CE_NAME"
}

submit_all() {
  cd "$work"
  array=$(submit low array --array 6 -- sh -c \
    'sleep 1; echo child $AWS_BATCH_JOB_ARRAY_INDEX of 6')
  flaky=$(submit low flaky --retries 3 -- sh -c \
    'echo attempt $AWS_BATCH_JOB_ATTEMPT; sleep 0.5
     test $AWS_BATCH_JOB_ATTEMPT = 3 || exit 7')
  A=$(step A)
  B=$(step B "$A")
  C=$(step C "$A")
  D=$(step D "$A" "$B")
  E=$(step E "$C")
  F=$(step F "$D" "$E")
  all=("$array" "$flaky" "$A" "$B" "$C" "$D" "$E" "$F")
}

failures=0
check() {
  local what=$1
  shift
  if "$@"; then
    echo "as expected: $what"
  else
    echo "NOT as expected: $what"
    failures=$((failures + 1))
  fi
}

succeeded() { "$berth" job "$1" | grep -q '^Status  *SUCCEEDED'; }

# Whether the workflow's step $1 ended before $2 began.
before() {
  local ended began
  ended=$(grep -n "^$1 ends$" order | cut -d: -f1)
  began=$(grep -n "^$2 begins$" order | cut -d: -f1)
  [[ -n $ended && -n $began && $ended -lt $began ]]
}

# Exit codes of the flaky job's attempts, in order.
flaky_exits() {
  "$berth" job --json "$flaky" | tr -d ' ,' | sed -n '/"attempts":\[/,/^\]/p' |
    sed -n 's/^"exitCode"://p' | tr '\n' ' '
}

check_ends() {
  local ended=0 id
  for id in "${all[@]}"; do
    succeeded "$id" && ended=$((ended + 1))
  done
  check "all ${#all[@]} jobs succeeded" test "$ended" = "${#all[@]}"
  local index children=0
  for index in 0 1 2 3 4 5; do
    [[ $("$berth" logs "$array:$index") == "child $index of 6" ]] &&
      children=$((children + 1))
  done
  check "each child of the array wrote its own line" test "$children" = 6
  for pair in "A B" "A C" "A D" "B D" "C E" "D F" "E F"; do
    check "${pair% *} ended before ${pair#* } began" before $pair
  done
  check "two attempts failed with 7, the third ended with 0" \
    test "$(flaky_exits)" = "7 7 0 "
}

say "berth dev on a free port, data in a temporary folder"
start_server
say "three environments of two vCPUs"
make_environments
say "two queues share them; high is served before low"
make_queues
say "one job definition"
make_definition
say "an array of 6 and a flaky job in low; the workflow A to F in high"
submit_all
"$berth" why "$F"
say "berth wait: driven by events"
"$berth" wait "${all[@]}" || true
say "where and when each ran"
"$berth" job --children "${all[@]}"
say "berth logs of the job that was retried"
"$berth" logs --timestamps "$flaky"
say "did all end as they should?"
check_ends
say "berth stop"
if ((failures > 0)); then
  echo "demo: $failures expectation(s) failed" >&2
  exit 1
fi

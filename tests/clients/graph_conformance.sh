#!/usr/bin/env bash
# Holds the simulator against a conformance suite for Microsoft Graph's mail, twice, and what it sent against Graph's published types.
#
# usage: graph_conformance.sh SUITE VALIDATOR [PYTHON]
#
#   SUITE       path of the script graph-conformance
#   VALIDATOR   path of the script graph-validate
#   PYTHON      an interpreter that has the package requests (python3 when absent)
#
# The second run has some latency, without which five requests never overlap and the limit of four cannot be seen. Every check must pass in both
# runs, none may say that it saw nothing in the second, and every body the server recorded must follow the types. Lines begin with `ok` or `FAILED`.
set -euo pipefail

if (($# < 2 || $# > 3)); then
  echo "usage: graph_conformance.sh SUITE VALIDATOR [PYTHON]" >&2
  exit 2
fi
suite=$1 validator=$2 python=${3:-python3}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Loopback only: a proxy of the environment has no say here.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' INT TERM

failed=0
complain() {
  echo "FAILED graph-conformance: $*"
  failed=1
}

# run NAME LATENCY: the suite's output goes to $work/NAME, what the server sent to $work/record-NAME.
run() {
  local name=$1 latency=$2
  # shellcheck disable=SC2016  # the variables are those of the command beside the server
  "$here/../../scripts/with-simulator" --log "$work/$name.log" --world "$here/world.toml" --record "$work/record-$name" -- bash -c '
    set -e
    "$1" -c "import requests, sys; requests.post(sys.argv[1], json={\"latency_ms\": int(sys.argv[2])}).raise_for_status()" \
      "$SIMULATOR_ADMIN/latency" "$3"
    exec "$1" "$2" --url "$SIMULATOR_GRAPH" --user alice@example.com --authority "$SIMULATOR_AUTHORITY/example.com/" \
      --client-id 11111111-2222-3333-4444-555555555555 --client-secret application-secret' \
    suite "$python" "$suite" "$latency" >"$work/$name" 2>&1 || true

  local total
  total=$(grep '^graph-conformance: ' "$work/$name") || total="graph-conformance: no totals: $(tail -n 3 "$work/$name")"
  if grep -q '^FAIL ' "$work/$name" || ! grep -qE '^graph-conformance: [1-9][0-9]* passed, 0 failed$' "$work/$name"; then
    complain "$name: ${total#graph-conformance: }: $(grep '^FAIL ' "$work/$name" || true)"
  else
    echo "ok graph-conformance: $name: ${total#graph-conformance: }"
  fi
  if total=$("$python" "$validator" "$work/record-$name" 2>&1); then
    echo "ok graph-validate: $name: ${total##*graph-validate: }"
  else
    complain "$name: recorded bodies: $(tail -n 20 <<<"$total")"
  fi
}

run plain 0
run slow 40
! grep -q 'never more than four overlapped' "$work/slow" || complain "slow: five requests did not overlap"
exit "$failed"

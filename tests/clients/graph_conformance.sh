#!/usr/bin/env bash
# Holds the simulator against a conformance suite for Microsoft Graph's mail, twice, and what it sent against Graph's published types.
#
# usage: graph_conformance.sh SIMULATOR SUITE VALIDATOR [PYTHON]
#
#   SIMULATOR   path of the binary exchange-simulator
#   SUITE       path of the script graph-conformance
#   VALIDATOR   path of the script graph-validate
#   PYTHON      an interpreter that has the package requests (python3 when absent)
#
# The second run has some latency, without which five requests never overlap and the limit of four cannot be seen. Every check must pass in both
# runs, none may say that it saw nothing in the second, and every body the server recorded must follow the types. Lines begin with `ok` or `FAILED`.
set -euo pipefail

if (($# < 3 || $# > 4)); then
  echo "usage: graph_conformance.sh SIMULATOR SUITE VALIDATOR [PYTHON]" >&2
  exit 2
fi
simulator=$1 suite=$2 validator=$3 python=${4:-python3}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Loopback only: a proxy of the environment has no say here.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

work=$(mktemp -d)
server=
# shellcheck disable=SC2317  # called by a trap, too
stop() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  [[ -z $server ]] || wait "$server" 2>/dev/null || true
  server=
}
# shellcheck disable=SC2317  # called by a trap
clean() {
  stop
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 143' INT TERM

failed=0
complain() {
  echo "FAILED graph-conformance: $*"
  failed=1
}

# fact NAME RUN: what the server of a run says of itself.
fact() {
  "$python" -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())[sys.argv[2]])' "$work/$2.json" "$1" 2>/dev/null
}

# run NAME LATENCY: the suite's output goes to $work/NAME, what the server sent to $work/record-NAME.
run() {
  local name=$1 latency=$2 graph url=
  "$simulator" --world "$here/world.toml" --listen 127.0.0.1:0 --admin 127.0.0.1:0 --print-json --record "$work/record-$name" \
    >"$work/$name.json" 2>"$work/$name.log" &
  server=$!
  for _ in {1..300}; do
    if url=$(fact url "$name"); then break; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  if [[ -z $url ]]; then
    echo "the simulator did not start:" >&2
    cat "$work/$name.log" >&2
    exit 1
  fi
  "$python" -c 'import requests, sys; requests.post(sys.argv[1] + "/latency", json={"latency_ms": int(sys.argv[2])}).raise_for_status()' \
    "$(fact admin_url "$name")" "$latency"
  graph=$(fact graph_url "$name")
  "$python" "$suite" --url "$graph" --user alice@example.com --authority "$url/example.com/" \
    --client-id 11111111-2222-3333-4444-555555555555 --client-secret application-secret >"$work/$name" 2>&1 || true
  stop

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

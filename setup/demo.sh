#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job, shown: an image becomes a cage, an attested call succeeds, and each lie is refused. Prints a table of outcomes
# with times, exits non-zero where one is not as it should be, and leaves nothing running.
set -u
cd "$(dirname "$0")/.."
. setup/lib.sh

bin=$PWD/build/release/bin
work=$(mktemp -d "${TMPDIR:-/tmp}/cages-demo.XXXXXX")
export CAGE_STATE_DIR="$work/state"
PATH="$bin:$PATH"
table=$work/table
failed=0
dev_pid=
mitm_pid=

stop_all() {
  for pid in $dev_pid $mitm_pid; do
    kill -TERM "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
  done
  dev_pid= mitm_pid=
}
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# step NAME WANTED COMMAND…: runs it, notes whether its exit code is the one wanted, and how long it took.
step() {
  name=$1 wanted=$2
  shift 2
  began=$(now_ms)
  "$@" >"$work/out" 2>"$work/err"
  got=$?
  took=$(($(now_ms) - began))
  if [ "$got" = "$wanted" ]; then verdict=ok; else verdict=FAILED failed=1; fi
  reason=$(tail -n 1 "$work/err" | cut -c1-100)
  [ "$wanted" = 0 ] && reason=
  printf '%-58s %-7s %6s ms  %s\n' "$name" "$verdict" "$took" "$reason" | tee -a "$table" >&2
  [ "$verdict" = ok ] || { sed 's/^/    /' "$work/out" "$work/err" | tail -n 15 >&2; }
  [ "$verdict" = ok ]
}

wait_for_dev() { # until .cage/dev.json is there, or cage dev has ended
  for _ in $(seq 1 1200); do
    [ -f "$project/.cage/dev.json" ] && return 0
    kill -0 "$dev_pid" 2>/dev/null || { tail -n 15 "$work/dev.log" >&2; return 1; }
    sleep 0.05
  done
  return 1
}

json() { sed -n "s/^ *\"$1\": *\"\\{0,1\\}\\([^\",]*\\).*/\\1/p" "$2" | head -n 1; }

project=$work/payments
cp -r examples/payments "$project"
make -s -C "$project" CC="${CC:-clang-19}" || exit 1

say "the demo: a payments service in a cage (software NSM, process driver: for development)"
step "this machine can run cages" 0 cage doctor
start_dev() { # the second start shows how long it takes warm
  (cd "$project" && exec cage dev --yes) >"$work/dev.log" 2>&1 &
  dev_pid=$!
  wait_for_dev
}
step "cage dev: built, started, provisioned, ready" 0 start_dev || exit 1

cd "$project" || exit 1
url=$(json url .cage/dev.json) host=$(json host .cage/dev.json) port=$(json port .cage/dev.json)
step "an attested call is answered" 0 cage curl "${url}healthz"
step "a charge is made over it" 0 cage curl -X POST -H 'content-type: application/json' \
  -d '{"card":"4242424242424242","amount":1999,"currency":"EUR"}' "${url}v1/charges"
step "any HTTPS client works (curl)" 0 curl -sS --fail --cacert .cage/ca.pem --resolve "$host:$port:127.0.0.1" "${url}healthz"
step "the EIF is read and its signature and CRC judged" 0 cage describe .cage/payments.eif

# One measurement changed: the client expects other code.
sed 's/\("PCR2": *"\)..../\1ffff/' .cage/measurements.json >"$work/other.json"
step "one PCR changed: the client refuses" 10 cage curl --measurements "$work/other.json" "${url}healthz"

# A TLS man in the middle whom the client's authorities know (a company's proxy, say): it has no evidence.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/mitm.key" -out "$work/mitm.pem" \
  -days 1 -subj "/CN=$host" -addext "subjectAltName=DNS:$host" 2>/dev/null
mitm_port=$((port + 1))
openssl s_server -accept "127.0.0.1:$mitm_port" -key "$work/mitm.key" -cert "$work/mitm.pem" -www -quiet 2>/dev/null &
mitm_pid=$!
tries=0
until curl -sk -o /dev/null "https://127.0.0.1:$mitm_port/" || [ "$tries" -ge 50 ]; do tries=$((tries + 1)) && sleep 0.1; done
step "a TLS man in the middle: the client refuses" 10 cage curl --cacert "$work/mitm.pem" \
  --resolve "$host:$mitm_port:127.0.0.1" "https://$host:$mitm_port/healthz"

# A lying host: it swaps the image for one rebuilt with one byte changed (same policy, same platform). It boots; the
# provisioner, which measured what was uploaded, gives it neither certificate nor secrets.
api=$(sed -n 's/.*"api":\([0-9]*\).*/\1/p' "$CAGE_STATE_DIR"/state/dev/*/state/caged/ports.json)
root=$(curl -sk "https://127.0.0.1:$api/v1/platform" | sed -n 's/.*"roots":\["\([0-9a-f]*\)".*/\1/p')
stop_all
rebuilt_and_swapped() {
  cp -r "$project" "$work/swapped" && rm -rf "$work/swapped/.cage" && printf x >>"$work/swapped/payments" &&
    sed -i "s/^roots = .*/roots = [\"$root\"]/" "$work/swapped/cage.lock" && cage build -C "$work/swapped" >/dev/null &&
    for image in "$CAGE_STATE_DIR"/state/dev/*/state/host/images/*.eif; do cp "$image" "$work/kept.eif" && cp "$work/swapped/.cage/payments.eif" "$image"; done
}
refused_by_provisioner() {
  (cd "$project" && cage dev --yes --once) >"$work/dev.log" 2>&1
  grep -o 'PROV_PCRS' "$work/dev.log" | head -n 1 >&2
  grep -q 'PROV_PCRS' "$work/dev.log" && ! grep -q 'is ready' "$work/dev.log"
}
step "the host swaps the image for one rebuilt, one byte changed" 0 rebuilt_and_swapped
step "… it boots, and the provisioner gives it nothing (PROV_PCRS)" 0 refused_by_provisioner
for image in "$CAGE_STATE_DIR"/state/dev/*/state/host/images/*.eif; do cp "$work/kept.eif" "$image"; done
second() {
  (cd "$project" && exec cage dev --yes --once) >"$work/dev.log" 2>&1
}
step "a second start, warm" 0 second

say "stopping"
stop_all
sleep 0.2
left=$(pgrep -f "$work" 2>/dev/null | wc -l)
step "nothing is left running" 0 test "$left" = 0

printf '\n%s\n' "The demo's outcomes:"
cat "$table"
[ "$failed" = 0 ] && say "all as it should be" || say "NOT as it should be"
exit "$failed"

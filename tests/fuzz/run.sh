#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh PROGRAM NAME SECONDS: fuzzes for SECONDS from the committed corpus; findings land beside the program.
set -eu
program=$1 name=$2 seconds=$3
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
findings=$(dirname "$program")/findings/
mkdir -p "$findings" "$scratch/corpus"
seeds="$here/corpus/$name"
[ -d "$seeds" ] || seeds=
status=0
"$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$findings" \
  "$scratch/corpus" $seeds >"$scratch/log" 2>&1 || status=$?
tail -n 25 "$scratch/log"
[ "$status" = 0 ] || { echo "fuzz: $name found something; the input is in $findings"; exit 1; }

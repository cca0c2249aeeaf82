#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# runtime-releases.sh BUILD OUT [OPTION…]: writes the list of runtime releases for the runtimes in BUILD/bin: per build their SHA-256,
# build record, and PCR1 with no kernel and with each kernel that this machine has where packages put them. Options go to
# `cage runtime releases`.
set -eu
build=$1 out=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in networked:cage-runtime isolated:cage-runtime-isolated; do
  program=${name#*:}
  [ -f "$build/bin/$program" ] || continue
  sh "$here/build-record.sh" "$build" "$program" >"$work/$program.json"
  set -- "$@" --runtime "${name%%:*}=$build/bin/$program" --record "${name%%:*}=$work/$program.json"
done
case $(uname -m) in aarch64) image=Image ;; *) image=bzImage ;; esac
# Where `cage build` looks (docs/guide/kernel.md).
for kernel in "aws=/usr/share/nitro_enclaves/blobs/$image" "own=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cages/kernel/$image"; do
  [ ! -f "${kernel#*=}" ] || set -- "$@" --kernel "$kernel"
done
"$build/bin/cage" runtime releases --output "$out" "$@" >/dev/null

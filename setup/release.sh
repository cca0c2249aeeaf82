#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# release.sh [--key KEY.pem]: builds the runtimes twice in two directories by two users, compares them, and puts into build/release-out what
# a release consists of: the runtimes, their SHA-256, and runtime-releases.json, signed where a key is given (`cage release-key new`).
set -eu
cd "$(dirname "$0")/.."
. setup/lib.sh
key=
while [ $# -gt 0 ]; do
  case $1 in
    --key) key=$2 && shift 2 ;;
    *) echo "usage: ./run release [--key KEY.pem]" >&2; exit 2 ;;
  esac
done

say "building"
cmake --preset release >build/release.configure.log 2>&1 || { cat build/release.configure.log >&2; exit 1; }
cmake --build --preset release
say "building the runtimes again, elsewhere, as somebody else"
sh tests/reproducible/runtime.sh build/release

out=build/release-out
rm -rf "$out"
mkdir -p "$out"
version=$(build/release/bin/cage version --json | sed 's/.*"version":"\([^"]*\)".*/\1/')
arch=$(uname -m)
for program in cage-runtime cage-runtime-isolated; do
  [ -f "build/release/bin/$program" ] || continue
  cp "build/release/bin/$program" "$out/$program-$version-$arch"
done
sh setup/runtime-releases.sh build/release "$out/runtime-releases.json" ${key:+--key "$key"}
cp "$out/runtime-releases.json" build/release/bin/runtime-releases.json
(cd "$out" && sha256sum cage-runtime* >SHA256SUMS && cat SHA256SUMS)
if [ -n "$key" ]; then say "signed; everything is in $out"; else say "not signed (no --key); everything is in $out"; fi

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# eif_build.sh [MIB [ROUNDS]]: `cage build` of a tree of MIB (200) against `tar` + `sha384sum` of the same tree, cache warm, interleaved;
# prints both medians with their spread, and the ratio (target: at most 1.5).
set -eu
mib=${1:-200} rounds=${2:-7}
top=$(cd "$(dirname "$0")/.." && pwd)
bin=${CAGES_BIN:-$top/build/release/bin}
work=$(mktemp -d "${TMPDIR:-/tmp}/eif-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

mkdir -p "$work/p/root/bin" "$work/p/root/data"
printf '#!/bin/sh\n' >"$work/p/root/bin/app" && chmod 755 "$work/p/root/bin/app"
i=0
while [ $i -lt "$mib" ]; do # files of 1 MiB
  head -c 1048576 /dev/urandom >"$work/p/root/data/$i"
  i=$((i + 1))
done
cat >"$work/p/cage.toml" <<'EOF'
version = 1
name = "bench"
port = 80
[image]
rootfs = "root"
command = ["/bin/app"]
EOF
printf 'version = 1\n[platform]\nurl = "https://example.com"\nroots = ["%s"]\n' "$(printf '07%.0s' $(seq 48))" >"$work/p/cage.lock"

now() { date +%s%N; }
ours() { (cd "$work/p" && "$bin/cage" build --json >/dev/null 2>"$work/err") || { cat "$work/err" >&2; exit 1; }; }
theirs() { tar -C "$work/p/root" -cf "$work/t.tar" . && sha384sum "$work/t.tar" >/dev/null; }
ours && theirs # warms the cache

round=0
while [ $round -lt "$rounds" ]; do
  for what in ours theirs; do
    start=$(now)
    $what
    echo $((($(now) - start) / 1000)) >>"$work/$what"
  done
  round=$((round + 1))
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%d %d %d", v[int((NR + 1) / 2)], v[1], v[NR] }'; }
set -- $(median "$work/ours") $(median "$work/theirs")
awk -v mib="$mib" -v a="$1" -v al="$2" -v ah="$3" -v b="$4" -v bl="$5" -v bh="$6" 'BEGIN {
  printf "cage build of %d MiB   %8.3f s  (%.3f to %.3f)\n", mib, a / 1e6, al / 1e6, ah / 1e6
  printf "tar + sha384sum        %8.3f s  (%.3f to %.3f)\n", b / 1e6, bl / 1e6, bh / 1e6
  printf "ratio                  %8.2f\n", a / b }'

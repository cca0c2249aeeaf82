#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build-record.sh BUILD PROGRAM: how a static program was built, as one JSON object: compiler, linker, every archive that the link
# map names with the version of its Debian package, and the packages whose headers were at hand.
set -eu
build=$1 program=$2
top=$(cd "$(dirname "$0")/.." && pwd)

cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt" | head -n 1; }
text() { printf '"%s"' "$(printf '%s' "$1" | tr -d '"\\\n')"; }
version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || echo unknown; }

# owners FILES: the Debian packages that own these files, once each.
owners() {
  for file in "$@"; do
    real=$(readlink -f "$file")
    dpkg-query -S "$real" 2>/dev/null || dpkg-query -S "${real#/usr}" 2>/dev/null || dpkg-query -S "$file" 2>/dev/null || echo "unpackaged: $file"
  done | sed 's/:.*//' | sort -u
}

# versions PACKAGES: {"package":"version",…}
versions() {
  first=1
  printf '{'
  for package in "$@"; do
    [ $first = 1 ] || printf ','
    first=0
    printf '%s:%s' "$(text "$package")" "$(text "$(version "$package")")"
  done
  printf '}'
}

compiler=$(cached CMAKE_CXX_COMPILER)
archives=$(grep -o '/[^ (]*\.\(a\|o\)[(:]' "$build/$program.map" | tr -d '(:' | grep '^/usr/' | sort -u)
headers=$(awk -F'|' '$2 ~ /hdr:/ && $3 ~ /build/ { gsub(/ /, "", $1); print $1 }' "$top/setup/debian-packages.txt" | sort)
system=unknown
[ ! -r /etc/os-release ] || system=$(. /etc/os-release && echo "$PRETTY_NAME")

printf '{"compiler":%s,"linker":%s,"system":%s,"flags":%s,"archives":' "$(text "$("$compiler" --version | head -n 1)")" \
  "$(text "$(ld.lld-19 --version | head -n 1)")" "$(text "$system")" "$(text "$(cached CMAKE_BUILD_TYPE) static-pie")"
versions $(owners $archives)
printf ',"headers":'
versions $headers
printf '}\n'

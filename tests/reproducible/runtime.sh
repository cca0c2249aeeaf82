#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# runtime.sh [BUILD]: builds the runtimes a second time, in another directory, as another user, under another umask, time zone and
# locale and without a compiler cache, and compares them byte by byte with those of BUILD (build/release). Needs root (or runs as the same
# user, and says so).
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$top/build/release}
programs=$(cd "$build/bin" && ls cage-runtime cage-runtime-isolated 2>/dev/null || true)
[ -n "$programs" ] || { echo "reproducible: there is no runtime in $build/bin"; exit 77; }

work=$(mktemp -d /tmp/cages-again.XXXXXX)
user=
finish() {
  [ -z "$user" ] || userdel "$user" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
source="$work/a path that is longer than the first/cages"
mkdir -p "$source"
(cd "$top" && git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null) | tar -xf - -C "$source"

as=
if [ "$(id -u)" = 0 ] && command -v useradd >/dev/null; then
  user=cages-again-$$
  useradd --no-create-home --home-dir "$work" --shell /bin/sh "$user"
  chown -R "$user" "$work"
  as="setpriv --reuid $(id -u "$user") --regid $(id -g "$user") --clear-groups"
else
  echo "reproducible: not root, so the second build is by the same user"
fi

cat >"$work/build.sh" <<'EOF'
umask 077
export TZ=Pacific/Auckland LC_ALL=C LANG=C HOME="$1" CCACHE_DISABLE=1
unset SOURCE_DATE_EPOCH
cd "$2"
shift 2
cmake --preset release >/dev/null
cmake --build build/release --target "$@"
EOF
if ! $as sh "$work/build.sh" "$work" "$source" $programs >"$work/log" 2>&1; then
  tail -n 40 "$work/log"
  exit 1
fi

status=0
for program in $programs; do
  if cmp "$build/bin/$program" "$source/build/release/bin/$program"; then
    echo "reproducible: $program $(sha256sum <"$build/bin/$program" | cut -d' ' -f1) ($(stat -c %s "$build/bin/$program") bytes)"
  else
    status=1
  fi
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The bare-machine run: minimal Debian 12 roots made by mmdebstrap, the committed tree cloned into them, and `./run demo` inside, as
# root and as a fresh user with sudo. Package sources are this machine's own. The demo's outcomes decide the exit code; times are
# told beside their limits, which are meant for two idle cores.
set -eu
cd "$(dirname "$0")/.."
. setup/lib.sh
[ "$(id -u)" = 0 ] || { echo "bare: needs root" >&2; exit 50; }

work=$(mktemp -d /var/tmp/cages-bare.XXXXXX)
tree=$work/tree.git  # both machines get one and the same
summary=$work/summary
cleanup() {
  for root in "$work"/first/ "$work"/second/; do
    for mount in dev proc sys; do umount -R -l "$root$mount" 2>/dev/null || true; done
  done
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

make_root() { # name
  say "making a minimal Debian 12: $1"
  # Debian's own sources as this machine has them, nobody else's.
  sources=$(grep -ls 'debian-archive-keyring\|deb .*bookworm main' /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
    /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
  mkdir -p build
  mmdebstrap --variant=minbase --include=ca-certificates,sudo,git bookworm "$work/$1" "$sources" >build/bare.log 2>&1 ||
    { tail -n 20 build/bare.log >&2; exit 1; }
  cp /etc/resolv.conf /etc/hosts "$work/$1/etc/"
  for mount in dev proc sys; do mount --rbind "/$mount" "$work/$1/$mount" && mount --make-rslave "$work/$1/$mount"; done
}

# inside ROOT COMMAND…: with ROOT as the root of a mount namespace of its own. In a plain chroot the kernel lets nobody make a user
# namespace, and a cage is one.
inside() {
  unshare --mount --propagation private sh -eu -c '
    root=$1
    shift
    mount --rbind "$root" "$root"
    cd "$root"
    mkdir -p .old
    pivot_root . .old
    umount -l .old
    exec chroot . "$@"' sh "$@"
}

# timed WHAT LIMIT COMMAND…: runs it and adds a line to the summary: wall seconds and CPU seconds.
timed() {
  what=$1 limit=$2
  shift 2
  say "$what"
  times >"$work/before"
  started=$(date +%s)
  "$@"
  took=$(($(date +%s) - started))
  if [ "$took" -le "$limit" ]; then verdict="within $limit s"; else verdict="MORE than $limit s"; fi
  times >"$work/after"
  printf '%-58s %5s s  %-17s %5s CPU s\n' "$what" "$took" "$verdict" "$(($(cpu after) - $(cpu before)))" | tee -a "$summary" >&2
}
cpu() { # seconds that this script's finished children had used when its times were written to this file
  sed -n 2p "$work/$1" | tr 'ms' '  ' | awk '{ printf "%d", $1 * 60 + $2 + $3 * 60 + $4 }'
}

as_root() { inside "$work/first" sh -c 'cd /root/cages && ./run demo'; }
as_newcomer() { inside "$work/second" su - newcomer -c 'cd ~/cages && ./run demo'; }
clone_and() { # ROOT FOLDER COMMAND
  git clone -q "$tree" "$work/$1/$2/cages"
  [ "$2" = root ] || inside "$work/$1" chown -R newcomer: "/$2"
  "$3"
}

git clone -q --bare . "$tree"
make_root first
timed "root on a bare machine: clone, ./run demo" 900 clone_and first root as_root
timed "root again" 30 as_root

make_root second
inside "$work/second" useradd -m -s /bin/sh newcomer
echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$work/second/etc/sudoers.d/newcomer"
# What root's run compiled need not be compiled again; everything else is as bare as it was.
mkdir -p "$work/second/home/newcomer/.cache"
[ ! -d "$work/first/root/.cache/ccache" ] || cp -r "$work/first/root/.cache/ccache" "$work/second/home/newcomer/.cache/"
timed "a fresh user with sudo (compiler's cache kept): ./run demo" 900 clone_and second home/newcomer as_newcomer
timed "the user again" 30 as_newcomer

printf '\n%s\n' "bare: every demo was as it should be"
cat "$summary"

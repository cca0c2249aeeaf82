#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The bare-machine run: a minimal Debian 12 root made by mmdebstrap, the committed tree cloned into it, and `./run demo` inside
# by chroot, as root and as a fresh user with sudo. Package sources are this machine's own.
set -eu
cd "$(dirname "$0")/.."
. setup/lib.sh
[ "$(id -u)" = 0 ] || { echo "bare: needs root" >&2; exit 50; }

root=$(mktemp -d /var/tmp/cages-bare.XXXXXX)
cleanup() {
  for mount in dev/pts dev/shm dev proc sys; do umount -l "$root/$mount" 2>/dev/null || true; done
  rm -rf --one-file-system "$root"
}
trap cleanup EXIT

say "making a minimal Debian 12 in $root"
# Debian's own sources as this machine has them, nobody else's.
sources=$(grep -ls 'debian-archive-keyring\|deb .*bookworm main' /etc/apt/sources.list /etc/apt/sources.list.d/*.sources | head -n 1)
mmdebstrap --variant=minbase --include=ca-certificates,sudo,git bookworm "$root" "$sources" >build/bare.log 2>&1 ||
  { tail -n 20 build/bare.log >&2; exit 1; }
cp /etc/resolv.conf /etc/hosts "$root/etc/"
for mount in dev proc sys; do mount --rbind "/$mount" "$root/$mount" && mount --make-rslave "$root/$mount"; done

run_demo() { # who
  say "./run demo as $1"
  started=$(date +%s)
  if [ "$1" = root ]; then
    chroot "$root" /bin/sh -c 'cd /root/cages && ./run demo'
  else
    chroot "$root" /bin/sh -c "su - $1 -c 'cd ~/cages && ./run demo'"
  fi
  say "./run demo as $1: done in $(($(date +%s) - started)) s"
}

git clone -q . "$root/root/cages"
run_demo root
chroot "$root" useradd -m -s /bin/sh newcomer
echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/newcomer"
git clone -q . "$root/home/newcomer/cages"
chroot "$root" chown -R newcomer: /home/newcomer/cages
run_demo newcomer

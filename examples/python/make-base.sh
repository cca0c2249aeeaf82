#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the image localhost/cages-python-base: Debian 12 with python3, from Debian's packages alone. Needs mmdebstrap and buildah.
# MIRROR: another mirror than the system's own. Options in BUILDAH (for example "buildah --storage-driver vfs") are passed on.
set -eu
name=${1:-localhost/cages-python-base}
buildah=${BUILDAH:-buildah}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The same packages give the same bytes: one fixed time for every file.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1700000000}"
mmdebstrap --variant=essential --include=python3-minimal,libpython3-stdlib,passwd \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  bookworm "$work/base.tar" ${MIRROR:+"$MIRROR"}
container=$($buildah from scratch)
$buildah add --quiet "$container" "$work/base.tar" / >/dev/null
$buildah commit --quiet --timestamp 0 --rm "$container" "$name" >/dev/null
echo "$name"

# SPDX-License-Identifier: Apache-2.0
# Shell functions shared by ./run and the scripts beside this file. Sourced, with the project's root as working directory.

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

# present PROBE: whether what a line of debian-packages.txt looks for is there.
present() {
  case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 || [ -x "/usr/sbin/${1#cmd:}" ] ;;
    hdr:*) ls "/usr/include/${1#hdr:}" /usr/include/*-linux-gnu/"${1#hdr:}" 2>/dev/null | grep -q . ;;
    file:*) ls ${1#file:} >/dev/null 2>&1 ;;
    *) echo "setup: unknown probe '$1'" >&2; exit 2 ;;
  esac
}

# missing SETS…: the packages of these sets whose probe fails.
missing() {
  sets=" $* "
  while IFS='|' read -r package probe set why; do
    package=$(echo $package) probe=$(echo $probe) set=$(echo $set)
    case $package in '' | '#'*) continue ;; esac
    case $sets in *" $set "*) ;; *) continue ;; esac
    present "$probe" || echo "$package"
  done <setup/debian-packages.txt
}

# install_missing SETS…: installs them by apt, as root or through sudo; says nothing where nothing is missing.
install_missing() {
  packages=$(missing "$@")
  [ -z "$packages" ] && return 0
  # Where whole compilers come in anyway, their probes' companions may come too; apt resolves that.
  say "installing: $(echo $packages)"
  if [ "$(id -u)" = 0 ]; then as_root=''; elif command -v sudo >/dev/null 2>&1; then as_root=sudo; else
    echo "setup: these Debian packages are missing and need root (or sudo) to install:" $packages >&2
    exit 50
  fi
  log=build/setup.log
  mkdir -p build
  if ! { $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "setup: apt could not install them; the whole log is in $log" >&2
    exit 50
  fi
  packages=$(missing "$@")
  [ -z "$packages" ] || { echo "setup: still missing after installing:" $packages >&2; exit 50; }
}

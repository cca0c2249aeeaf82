#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The longer tests, in parts of under 80 minutes each. Without a part, lists them.
set -eu
cd "$(dirname "$0")/.."
. setup/lib.sh

parts() {
  cat <<'EOF'
tidy      clang-tidy over every source file
tsan      ThreadSanitizer over net, tls, http, runtime, host and their flow tests
fuzz      every fuzzer for five minutes
mutate    each security check forced to pass: its attack rows must go red, and no other
coverage  line coverage of the tests
images    2 GiB images: memory, temporary disk
kills     200 kills at random moments; boot chaos with 10,000 seeds
bare      a bare Debian 12 root: ./run demo as root and as a fresh user with sudo
EOF
}

configure_and_build() { # preset, then targets
  preset=$1
  shift
  mkdir -p build
  cmake --preset "$preset" >"build/$preset.configure.log" 2>&1 || { cat "build/$preset.configure.log" >&2; exit 1; }
  cmake --build --preset "$preset" ${1:+--target "$@"}
}

tidy() {
  install_missing build test
  exec /usr/bin/python3 tests/tidy/lint_check.py . --all
}

tsan() {
  install_missing build test
  mkdir -p build
  cmake --preset tsan >build/tsan.configure.log 2>&1 || { cat build/tsan.configure.log >&2; exit 1; }
  # What runs loops, threads and processes, and whole flows over them.
  programs='(net|tls|http|runtime|host)[a-z_]*_test|[a-z_]*_flows?(_test)?|boot_chaos|ingress_interop_test'
  targets=$(ninja -C build/tsan -t targets all | sed -n -E "s/^($programs): phony.*/\\1/p" | grep -v '^cmake_' | sort -u)
  # shellcheck disable=SC2086 # a list of words
  cmake --build --preset tsan --target $targets
  exec ctest --test-dir build/tsan -j2 --output-on-failure -L "^($programs)\$"
}

fuzz() {
  install_missing build test
  configure_and_build check
  programs=$(find build/check/fuzz -maxdepth 1 -type f -perm -u+x | sort)
  count=$(echo "$programs" | wc -l)
  # Two at a time, an hour in all.
  seconds=${FUZZ_SECONDS:-$((7200 / count))}
  [ "$seconds" -le 300 ] || [ -n "${FUZZ_SECONDS:-}" ] || seconds=300
  say "fuzzing with $count programs, $seconds s each"
  status=0
  echo "$programs" | xargs -P 2 -I PROGRAM sh -c '
    name=$(basename "$1")
    log=build/check/fuzz/$name.log
    if tests/fuzz/run.sh "$1" "$name" "$2" >"$log" 2>&1; then verdict=clean status=0; else verdict=FOUND status=1; fi
    runs=$(sed -n "s/^stat::number_of_executed_units: *//p" "$log")
    printf "%-28s %-6s %s runs\n" "$name" "$verdict" "${runs:-0}"
    [ $status = 0 ] || tail -n 20 "$log"
    exit $status' sh PROGRAM "$seconds" || status=1
  if [ $status = 0 ]; then say "fuzz: $count programs, nothing found"; else say "fuzz: something was found, above"; fi
  exit $status
}

mutate() {
  install_missing build test
  exec /usr/bin/python3 tests/mutate/run.py
}

coverage() {
  install_missing build test
  configure_and_build coverage
  profiles=$PWD/build/coverage/profiles
  rm -rf "$profiles" && mkdir -p "$profiles"
  status=0
  LLVM_PROFILE_FILE=$profiles/%m-%4m.profraw ctest --test-dir build/coverage -j2 -LE 'e2e|fuzz|tidy' --output-on-failure >build/coverage/tests.log || status=$?
  [ $status = 0 ] || grep -E 'FAILED|Failed|Timeout' build/coverage/tests.log >&2 || true
  find "$profiles" -name '*.profraw' >"$profiles/list"
  llvm-profdata-19 merge -sparse -f "$profiles/list" -o build/coverage/all.profdata
  rm -rf "$profiles"
  objects=$(find build/coverage/src build/coverage/tests -name '*_test' -type f | sed 's/^/-object /')
  llvm-cov-19 report $objects -instr-profile=build/coverage/all.profdata -ignore-filename-regex='(_test\.cpp|/usr/|/tests/)' >build/coverage/report.txt
  tail -n 3 build/coverage/tests.log
  # Lines by folder, then all.
  awk '/\// && $9 ~ /^[0-9]+$/ { split($1, part, "/"); folder = part[1]; lines[folder] += $8; missed[folder] += $9 }
    /^TOTAL/ { all = $8; bare = $9 }
    END { for (f in lines) if (lines[f]) printf "%-10s %5.1f %% of %d lines\n", f, 100 - 100 * missed[f] / lines[f], lines[f] | "sort"
      close("sort"); printf "%-10s %5.1f %% of %d lines\n", "all", 100 - 100 * bare / all, all }' build/coverage/report.txt
  exit $status
}

images() {
  install_missing build test
  configure_and_build release
  CAGES_BIN=$PWD/build/release/bin CAGES_IMAGE_MIB=200,2048 exec /usr/bin/python3 tests/e2e/build_memory_test.py
}

kills() {
  install_missing build test
  configure_and_build release
  # Boots by the thousand: optimised, for which sanitizers are too slow (each run of the tests has some with them).
  mkdir -p build
  cmake --preset release -B build/chaos -DCAGES_TESTS=ON >build/chaos.configure.log 2>&1 || { cat build/chaos.configure.log >&2; exit 1; }
  cmake --build build/chaos --target boot_chaos
  CAGES_BIN=$PWD/build/release/bin CAGES_KILLS=200 /usr/bin/python3 tests/e2e/nothing_outlives_a_kill_test.py
  CAGES_CHAOS_SEEDS=10000 exec ctest --test-dir build/chaos -j2 --output-on-failure -R '[Cc]haos'
}

bare() {
  install_missing build full
  exec setup/bare.sh
}

case ${1:-} in
  tidy | tsan | fuzz | mutate | coverage | images | kills | bare) "$1" ;;
  '') parts ;;
  *)
    echo "run: there is no part '$1'" >&2
    parts >&2
    exit 2
    ;;
esac

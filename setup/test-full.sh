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
  cmake --preset tidy >/dev/null
  git ls-files 'src/*.cpp' | xargs -P 2 -n 4 clang-tidy-19 -p build/tidy --quiet --warnings-as-errors='*'
  say "tidy: every file passed"
}

tsan() {
  install_missing build test
  configure_and_build tsan
  exec ctest --test-dir build/tsan -j2 --output-on-failure -R '^(net|tls|http|runtime|host|flows)' -LE 'e2e|fuzz|tidy'
}

fuzz() {
  install_missing build test
  configure_and_build check
  status=0
  for program in build/check/fuzz/*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    say "fuzzing $(basename "$program")"
    tests/fuzz/run.sh "$program" "$(basename "$program")" "${FUZZ_SECONDS:-300}" | tail -n 3 || status=1
  done
  exit $status
}

mutate() {
  install_missing build test
  exec /usr/bin/python3 tests/mutate/run.py
}

coverage() {
  install_missing build test
  configure_and_build coverage
  LLVM_PROFILE_FILE=$PWD/build/coverage/profile-%p.profraw ctest --test-dir build/coverage -j2 -LE 'e2e|fuzz|tidy'
  llvm-profdata-19 merge -sparse build/coverage/profile-*.profraw -o build/coverage/all.profdata
  rm -f build/coverage/profile-*.profraw
  objects=$(find build/coverage/src build/coverage/tests -name '*_test' -type f | sed 's/^/-object /')
  llvm-cov-19 report $objects -instr-profile=build/coverage/all.profdata -ignore-filename-regex='(_test|/usr/)' | tail -n 1
}

images() {
  install_missing build test
  configure_and_build release
  CAGES_BIN=$PWD/build/release/bin CAGES_IMAGE_MIB=200,2048 exec /usr/bin/python3 tests/e2e/build_memory_test.py
}

kills() {
  install_missing build test
  configure_and_build release
  configure_and_build check
  CAGES_KILLS=200 CAGES_CHAOS_SEEDS=10000 exec ctest --test-dir build/check --output-on-failure -R 'kill|[Cc]haos'
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

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verify.sh: builds bench_verify as what ships is built and runs bench/verify.py. ROUNDS=7.
set -eu
cd "$(dirname "$0")/.."
. setup/lib.sh
install_missing build test full
mkdir -p build
cmake --preset release -B build/bench -DCAGES_BENCH=ON >build/bench.configure.log 2>&1 || { cat build/bench.configure.log >&2; exit 1; }
cmake --build build/bench --target bench_verify >build/bench.log || { tail -n 30 build/bench.log >&2; exit 1; }
exec /usr/bin/python3 bench/verify.py build/bench/bench/bench_verify

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The past failures, then FUZZ_SECONDS (default 20) of new cases from FUZZ_SEED (default: the day,
# so that one day's runs are the same and the next day's are not). What fails is kept below
# $BUILD/fuzz/packets; a case that was a sensor's bug belongs into tests/packet-fuzz/corpus.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
mkdir -p "$build/fuzz/packets"
exec timeout -k 10 $((${FUZZ_SECONDS:-20} + 60)) "$build/tests/packet-fuzz" \
    --corpus tests/packet-fuzz/corpus --save "$build/fuzz/packets" \
    --seconds "${FUZZ_SECONDS:-20}" --seed "${FUZZ_SEED:-$(date +%Y%m%d)0000000}" "$@"

#!/usr/bin/env bash
# Runs the tests and counts them, the skipped ones apart: a test that cannot run says SKIPPED and is no pass.
# With --fast only those that need neither Java nor Kafka, nor an image. The last line is 'N passed, N failed, N skipped'.
set -uo pipefail
cd "$(dirname "$0")/../.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

targets=()
without=()
if [ "${1:-}" = --fast ]; then
    targets=(--lib --bins)
    for file in tests/*/main.rs; do
        name=${file#tests/}
        name=${name%/main.rs}
        # All that starts a broker or Java is in `kafka`, but for the image, which is not there before `make image`.
        [ "$name" = kafka ] || targets+=(--test "$name")
    done
    without=(-- --skip image::)
fi

# Every test binary runs, also after one has failed, so that the count is whole.
cargo test --locked --no-fail-fast "${targets[@]}" "${without[@]}" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}

count() { awk -v word="$1" '/^test result:/ {for (i = 2; i <= NF; i++) if ($i ~ "^" word) sum += $(i - 1)} END {print sum + 0}' "$log"; }
passed=$(count passed)
failed=$(count failed)
skipped=$(grep -c '^SKIPPED[ :]' "$log")
passed=$((passed - skipped))
# A build that breaks has no test result and is a failure all the same.
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"

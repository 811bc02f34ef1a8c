#!/usr/bin/env bash
# Runs the tests and counts them, the skipped ones apart: a test that cannot run says SKIPPED and is no pass.
#
#   tests/tools/run-tests.sh                      all of them
#   tests/tools/run-tests.sh --fast               those that need neither Java nor Kafka, nor an image
#   tests/tools/run-tests.sh --image COMMAND...   all of them; COMMAND makes the image meanwhile, and its tests come last
#
# The last line is 'N passed, N failed, N skipped'.
set -uo pipefail
cd "$(dirname "$0")/../.."

log=$(mktemp)
made=$(mktemp)
trap 'rm -f "$log" "$made"' EXIT
status=0

# Every test binary runs, also after one has failed, so that the count is whole.
tests() {
    cargo test --locked --no-fail-fast "$@" 2>&1 | tee -a "$log" || status=1
}

case "${1:-}" in
    '') tests ;;
    --fast)
        targets=(--lib --bins)
        for file in tests/*/main.rs; do
            name=${file#tests/}
            name=${name%/main.rs}
            # All that starts a broker or Java is in `kafka`, but for the image, which is not there before `make image`. Packages
            # are not there before `make dist`.
            [ "$name" = kafka ] || targets+=(--test "$name")
        done
        tests "${targets[@]}" -- --skip image:: --skip packages::
        ;;
    --image)
        # Linking it takes minutes of one processor, and most tests wait for others.
        "${@:2}" >"$made" 2>&1 &
        image=$!
        tests -- --skip image:: --skip packages::
        if wait "$image"; then
            tests --test deploy image::
        else
            cat "$made"
            echo "test result: FAILED. 0 passed; 1 failed: the image cannot be made: ${*:2}" | tee -a "$log"
            status=1
        fi
        ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

count() { awk -v word="$1" '/^test result:/ {for (i = 2; i <= NF; i++) if ($i ~ "^" word) sum += $(i - 1)} END {print sum + 0}' "$log"; }
passed=$(count passed)
failed=$(count failed)
skipped=$(grep -c '^SKIPPED[ :]' "$log")
passed=$((passed - skipped))
# A build that breaks has no test result and is a failure all the same.
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"

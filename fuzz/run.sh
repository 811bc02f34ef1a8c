#!/usr/bin/env bash
# Runs fuzz targets with libFuzzer, one after the other, from their seeds on: run.sh SECONDS [TARGET...]; all of them if none
# is named. What is found on the way is kept in fuzz/corpus, and what fails in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")"

seconds=$1
shift
targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
    for file in fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi
command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is missing: cargo install --locked cargo-fuzz"; exit 1; }

# Coverage is instrumented by an option of the compiler that stable releases keep to themselves; no sanitizer, since there is
# no unsafe code of ours to look at.
export RUSTC_BOOTSTRAP=1
status=0
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    echo "== $target, $seconds seconds"
    cargo fuzz run --sanitizer none "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -timeout=1 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 || status=1
done
exit "$status"

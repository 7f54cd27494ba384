#!/usr/bin/env bash
# run.sh FUZZER SEEDS SECONDS: feeds a fuzzer for so long, or for $FUZZ_SECONDS. The corpus that it finds is thrown away;
# an input that fails, or takes a minute (of a machine that may be busy), is printed as hex.
set -euo pipefail
fuzzer=$1 seeds=$2 seconds=${FUZZ_SECONDS:-$3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/corpus" "$work/findings"

# What was freed is kept for a while to find its use; little is enough for inputs this small, and memory stays bounded.
export ASAN_OPTIONS=quarantine_size_mb=16:detect_leaks=1:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
if "$fuzzer" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=512 -malloc_limit_mb=16 -print_final_stats=1 \
  -artifact_prefix="$work/findings/" "$work/corpus" "$seeds" >"$work/log" 2>&1; then
  tail -n 7 "$work/log"
  exit 0
fi
tail -n 100 "$work/log"
for finding in "$work"/findings/*; do
  if [[ -f $finding ]]; then
    echo "${finding##*/}, as hex:"
    od -An -v -tx1 "$finding" | tr -d ' \n'
    echo
  fi
done
exit 1

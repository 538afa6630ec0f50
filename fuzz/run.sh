#!/bin/sh
# Runs every fuzz target, or the named ones, for some seconds: run.sh SECONDS [TARGET]...
# Fails at the first input that violates a property, and prints how to run it again.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- headers timestamps secrets tags requests

command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz

# libFuzzer needs flags that a stable compiler knows but rejects by default.
export RUSTC_BOOTSTRAP=1
for target in "$@"; do
	echo "fuzzing $target for $seconds s"
	# There is no `unsafe` code that a sanitizer could check.
	cargo fuzz run --fuzz-dir . --sanitizer none "$target" -- \
		-max_total_time="$seconds" -dict=webhooks.dict -max_len=4096 -print_final_stats=1
done

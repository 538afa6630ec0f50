#!/bin/sh
# Runs each fuzz target for so many seconds, or those that are named: run.sh SECONDS [TARGET]...
# Ends with an error at the first input that breaks a promise, and says how to run it again.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- headers timestamps secrets tags requests

command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz

# libFuzzer needs flags that stable compilers know and take from nobody but themselves.
export RUSTC_BOOTSTRAP=1
for target in "$@"; do
	echo "fuzzing $target for $seconds s"
	# Nothing here is `unsafe`, so there is nothing for a sanitizer to see.
	cargo fuzz run --fuzz-dir . --sanitizer none "$target" -- \
		-max_total_time="$seconds" -dict=webhooks.dict -max_len=4096 -print_final_stats=1
done

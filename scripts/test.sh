#!/bin/sh
# Runs every test, as `cargo test` does, but two test programs at a time: most of them wait for
# servers, timeouts and retries, and leave a core idle. The slowest start first; those that measure how
# long something takes run by themselves at the end. Prints one line for each program as it ends, and
# the output of those that fail.
#
#   TEST_JOBS=1    one program at a time
#
# Options of `cargo test` are for `cargo test` itself, such as `cargo test retries`.
set -eu

# Programs that run by themselves: PACKAGE--TARGET.
alone='chaos--subset webhook-sender--isolation'

cd "$(dirname "$0")/.."
. scripts/clock.sh

# one LINE: runs the test program of a line of the plan: name, folder, program
one() {
    tab=$(printf '\t')
    IFS=$tab read -r name folder program <<LINE
$1
LINE
    log=target/test-logs/$name.log
    began=$(date +%s)
    status=0
    (
        log=$PWD/$log
        cd "$folder"
        CARGO_MANIFEST_DIR=$folder CARGO_PKG_NAME=${name%%--*} "$program" >"$log" 2>&1
    ) || status=$?
    took=$(($(date +%s) - began))
    last=$(last_time "test-$name")
    result=$(sed -n 's/^test result: [a-zA-Z]*\. \(.* passed; .* failed\); \(.* ignored\).*/\1; \2/p' "$log")
    # A program that ends early has no result, whatever its exit code is.
    [ -n "$result" ] || [ "$status" -ne 0 ] || status=1
    if [ "$status" -eq 0 ]; then
        keep_time "test-$name" "$took"
        printf 'ok      %6s%s  %s: %s\n' "$(clock "$took")" "${last:+ (last $(clock "$last"))}" "$name" "$result"
    else
        printf 'FAILED  %6s  %s: %s\n' "$(clock "$took")" "$name" "${result:-ended with $status}"
        sed "s/^/    /" "$log"
        return 1
    fi
}

if [ "${1:-}" = --one ]; then
    # `xargs` runs its command once even if there is nothing to run.
    [ -z "${2:-}" ] || one "$2"
    exit
fi

mkdir -p target/test-logs
rm -f target/test-logs/*.log
messages=target/test-logs/messages.json
cargo test --no-run --message-format=json-render-diagnostics >"$messages"

# The plan, the slowest first: seconds, together or alone, name, folder, program. A program without a
# recorded time counts as slow.
plan=target/test-logs/plan
sed -n 's/^.*"manifest_path":"\([^"]*\)\/Cargo\.toml","target":{"kind":\["\([^"]*\)".*,"name":"\([^"]*\)","src_path":.*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*$/\2 \3 \1 \4/p' \
    "$messages" | while read -r kind target folder program; do
    name=$(basename "$folder")--$target
    [ "$kind" = test ] || name=$name-$kind
    seconds=$(last_time "test-$name")
    jobs=together
    case " $alone " in *" $name "*) jobs=alone ;; esac
    printf '%s\t%s\t%s\t%s\t%s\n' "${seconds:-60}" "$jobs" "$name" "$folder" "$program"
done | sort -rn >"$plan"
count=$(($(wc -l <"$plan")))
# A change of cargo's messages must not turn into a run without tests.
[ "$count" -gt 0 ] || {
    echo 'test.sh: cargo named no test program' >&2
    exit 1
}
last=$(last_time test-all)
echo "$count test programs, ${TEST_JOBS:-2} at a time${last:+, $(clock "$last") the last time}"

# programs KIND JOBS: runs those of the plan that are of this kind, so many at a time
programs() {
    sed -n "s/^[0-9]*	$1	//p" "$plan" | tr '\n' '\0' | xargs -0 -n 1 -P "$2" sh scripts/test.sh --one
}

began=$(date +%s)
failed=0
programs together "${TEST_JOBS:-2}" || failed=1
programs alone 1 || failed=1
cargo test --doc || failed=1
took=$(($(date +%s) - began))
[ "$failed" -eq 0 ] || {
    echo "test.sh: some tests failed, after $(clock "$took")" >&2
    exit 1
}
keep_time test-all "$took"
echo "every test passed, in $(clock "$took")"

#!/bin/sh
# Runs every test, as `cargo test` does, but several test programs at a time: most of them wait for
# servers, timeouts and retries, and leave a core idle. The slowest start first; those that measure how
# long something takes run by themselves at the end. Prints one line for each program as it ends, with the
# processor time that it took, and the output of those that fail.
#
#   TEST_JOBS=1    one program at a time
#
# Options of `cargo test` are for `cargo test` itself, such as `cargo test retries`.
set -eu

# Programs that run by themselves: PACKAGE--TARGET.
alone='chaos--subset webhook-sender--isolation'

# The programs that start first where none has run yet, in this order. The first one compiles on all cores,
# and the next two wait most of the time.
first='deploy--image event-sources--sources webhook-sender--service end-to-end--polyglot end-to-end--apps
end-to-end--guard spin-local--wire webhook-store--store doctests webhook-sender--pages'

cd "$(dirname "$0")/.."
. scripts/clock.sh

# seconds NAME: prints the seconds that the program took the last time, or a number that puts it in its place
seconds() {
    last=$(last_time "test-$1")
    place=1000
    for name in $first; do
        [ -z "$last" ] || break
        place=$((place - 1))
        [ "$name" != "$1" ] || last=$place
    done
    printf '%s\n' "${last:-30}"
}

# processor_seconds FILE: prints the seconds of processor time in the second line of the output of `times`
processor_seconds() {
    sed -n '2s/[ms]/ /gp' "$1" | awk '{ printf "%d\n", $1 * 60 + $2 + $3 * 60 + $4 }'
}

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
        if [ "$name" = doctests ]; then
            cargo test --doc >"$log" 2>&1
        else
            CARGO_MANIFEST_DIR=$folder CARGO_PKG_NAME=${name%%--*} "$program" >"$log" 2>&1
        fi
    ) || status=$?
    took=$(($(date +%s) - began))
    # Of this shell, so not in a substitution: that is a shell of its own.
    times >"$log.times"
    processor=$(clock "$(processor_seconds "$log.times")")
    last=$(last_time "test-$name")
    result=$(awk '/^test result: / { passed += $4; failed += $6; ignored += $8; ran = 1 }
        END { if (ran) printf "%d passed, %d failed, %d ignored", passed, failed, ignored }' "$log")
    # A program that ends early has no result, whatever its exit code is.
    [ -n "$result" ] || [ "$status" -ne 0 ] || status=1
    if [ "$status" -eq 0 ]; then
        keep_time "test-$name" "$took"
        printf 'ok      %6s (processor %s%s)  %s: %s\n' "$(clock "$took")" "$processor" \
            "${last:+, last $(clock "$last")}" "$name" "$result"
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
rm -f target/test-logs/*.log target/test-logs/*.times
messages=target/test-logs/messages.json

# The tools of the tests are installed while the programs compile, which need none of them. Then the
# components are built, which compile in a folder of their own: the tests that use them find them built,
# or report why they cannot be.
make=${MAKE:-make}
{
    $make --no-print-directory setup-tests
    $make --no-print-directory build-tested >target/test-logs/build-tested.log 2>&1 || true
} &
others=$!
trap 'kill "$others" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# Not the examples, which no test runs. `make lint` compiles them.
cargo test --tests --no-run --message-format=json-render-diagnostics >"$messages"
wait "$others"
trap - EXIT INT TERM

# The plan, the slowest first: seconds, together or alone, name, folder, program.
plan=target/test-logs/plan
{
    sed -n 's/^.*"manifest_path":"\([^"]*\)\/Cargo\.toml","target":{"kind":\["\([^"]*\)".*,"name":"\([^"]*\)","src_path":.*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*$/\2 \3 \1 \4/p' \
        "$messages" | while read -r kind target folder program; do
        name=$(basename "$folder")--$target
        [ "$kind" = test ] || name=$name-$kind
        jobs=together
        case " $alone " in *" $name "*) jobs=alone ;; esac
        printf '%s\t%s\t%s\t%s\t%s\n' "$(seconds "$name")" "$jobs" "$name" "$folder" "$program"
    done
    printf '%s\ttogether\tdoctests\t%s\t-\n' "$(seconds doctests)" "$PWD"
} | sort -rn >"$plan"
count=$(($(wc -l <"$plan") - 1))
# A change of cargo's messages must not turn into a run without tests.
[ "$count" -gt 0 ] || {
    echo 'test.sh: cargo named no test program' >&2
    exit 1
}
last=$(last_time test-all)
echo "$count test programs, ${TEST_JOBS:-3} at a time${last:+, $(clock "$last") the last time}"

# programs KIND JOBS: runs those of the plan that are of this kind, so many at a time
programs() {
    sed -n "s/^[0-9]*	$1	//p" "$plan" | tr '\n' '\0' | xargs -0 -n 1 -P "$2" sh scripts/test.sh --one
}

began=$(date +%s)
failed=0
programs together "${TEST_JOBS:-3}" || failed=1
programs alone 1 || failed=1
took=$(($(date +%s) - began))
[ "$failed" -eq 0 ] || {
    echo "test.sh: some tests failed, after $(clock "$took")" >&2
    exit 1
}
keep_time test-all "$took"
echo "every test passed, in $(clock "$took")"

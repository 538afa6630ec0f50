#!/bin/sh
# Makes targets of the Makefile at the same time, so that a core that one of them leaves idle serves
# another, and reports progress: cargo's own count for each target, once a second on a terminal and
# every half minute elsewhere. Prints the output of a target that fails.
#
# Builds wait for each other only where they write to the same folder under `target/`. Builds for
# WebAssembly and builds for this machine do not.
#
# Usage: build-together.sh STEP TARGET...
set -eu

cd "$(dirname "$0")/.."
. scripts/clock.sh

step=$1
shift
targets=$*
logs=$(mktemp -d "${TMPDIR:-/tmp}/build.XXXXXX")

# Cargo reports progress to a file only if the width is given.
export CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=100

# A shell without job control starts background processes with SIGINT ignored: they are stopped here.
pids=
stop() {
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill $pids 2>/dev/null || true
    rm -rf "$logs"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

began=$(date +%s)
for target in $targets; do
    (
        "${MAKE:-make}" "$target" >"$logs/$target" 2>&1 &
        trap 'kill $!' TERM
        status=0
        wait $! || status=$?
        echo "$status" >"$logs/$target.status"
    ) &
    pids="$pids $!"
done

# progress TARGET: the newest count of cargo and the crates that it compiles, such as `57/410 syn, serde`
progress() {
    newest=$(tr '\r' '\n' <"$logs/$1" |
        sed -n 's/^.*Building \[[^]]*\] \([0-9/]*\): *\(.*\)$/\1 \2/p' | tail -n 1 | cut -c 1-40 | sed 's, *$,,')
    printf '%s' "${newest:-running}"
}

# report: one line with the time and the progress of every target that still runs
report() {
    printf '%s%s' "$(clock $(($(date +%s) - began)))" "$(about "$step")"
    for target in $targets; do
        [ -f "$logs/$target.status" ] || printf ' | %s %s' "$target" "$(progress "$target")"
    done
}

# running: succeeds while a target runs
running() {
    for target in $targets; do
        [ -f "$logs/$target.status" ] || return 0
    done
    return 1
}

ticks=0
while running; do
    sleep 1
    ticks=$((ticks + 1))
    if [ -t 2 ]; then
        printf '\r\033[K%s' "$(report | cut -c 1-"${COLUMNS:-118}")" >&2
    elif [ $((ticks % 30)) -eq 0 ]; then
        printf '%s\n' "$(report)" >&2
    fi
done
[ ! -t 2 ] || printf '\r\033[K' >&2

pids=
for target in $targets; do
    [ "$(cat "$logs/$target.status")" -eq 0 ] || {
        tr '\r' '\n' <"$logs/$target" | grep -v 'Building \[' >&2
        printf 'build-together.sh: `make %s` failed\n' "$target" >&2
        exit 1
    }
done
took=$(($(date +%s) - began))
keep_time "$step" "$took"
[ "$took" -lt 5 ] || printf 'built in %s\n' "$(clock "$took")" >&2

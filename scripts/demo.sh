#!/bin/sh
# Starts the producer and the consumer, registers, fires, shows both logs, stops both.
# Fails where the payload was not verified. Usage: demo.sh RUNTIME
set -eu

runtime=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/signed-webhooks.XXXXXX")
pids=

fail() {
    printf 'demo failed: %s\n' "$1" >&2
    cat "$work"/*.out >&2
    exit 1
}

stop() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

command -v curl >/dev/null 2>&1 || fail 'curl is missing'

# launch NAME ADDRESS [OPTION...]: runs an app until it serves or ends; sets pid
launch() {
    name=$1 address=$2
    shift 2
    : >"$work/$name.out"
    "$runtime" up --from "webhook-$name" --listen "$address" --state-dir "$work/$name" --quiet \
        "$@" >"$work/$name.out" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        if grep -q '^Serving http://' "$work/$name.out"; then
            return 0
        fi
        sleep 0.1
    done
    return 1
}

# start NAME PORT [OPTION...]: launches an app, on a free port where PORT is taken; sets url
start() {
    name=$1 port=$2
    shift 2
    launch "$name" "127.0.0.1:$port" "$@" || launch "$name" 127.0.0.1:0 "$@" ||
        fail "the $name does not start"
    pids="$pids $pid"
    url=$(sed -n 's/^Serving //p' "$work/$name.out")
    printf 'serving the %s at %s\n' "$name" "$url"
}

# post URL [BODY]: prints the answer, fails on an error status
post() {
    printf '\nPOST %s\n' "$1" >&2
    if [ $# -gt 1 ]; then
        curl -sS -f -X POST "$1" -H 'content-type: application/json' -d "$2"
    else
        curl -sS -f -X POST "$1"
    fi
}

start producer 3000 --sqlite @migrations.sql --variable allow_private_hosts=true
producer=$url
start consumer 3002
consumer=$url

answer=$(post "$producer/registrations" "{\"url\": \"$consumer/target\", \"event\": \"*\"}") ||
    fail 'the consumer could not be registered'
# The answer holds the signing key, which does not belong on a screen.
printf '%s\n' "$answer" | sed 's/"signingKey" *: *"[^"]*"/"signingKey":"…"/'
post "$producer/fire" || fail 'the webhook could not be fired'

for name in producer consumer; do
    printf '\n\n--- log of the %s\n' "$name"
    cat "$work/$name/logs/"*_stdout.txt
done

grep -q 'Payload verification result: true' "$work/consumer/logs/"*_stdout.txt ||
    fail 'the consumer did not verify the payload'
printf '\nThe webhook was registered, signed, sent and verified.\n'

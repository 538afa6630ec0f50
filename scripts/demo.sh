#!/bin/sh
# Starts the producer and the consumer, registers, fires, prints both logs, and stops both.
# Fails if the payload was not verified. Usage: demo.sh RUNTIME
set -eu

runtime=$1
. "$(dirname "$0")/stage.sh"

# start NAME PORT [OPTION...]: launches an app, on a free port if PORT is in use; sets url
start() {
    name=$1 port=$2
    shift 2
    folder=webhook-$name
    launch "$name" "$folder" "127.0.0.1:$port" "$@" ||
        launch "$name" "$folder" 127.0.0.1:0 "$@" || fail "the $name does not start"
    printf 'serving the %s at %s\n' "$name" "$url"
}

# post URL [BODY]: prints the response, fails on an error status
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
# $open is split into options.
# shellcheck disable=SC2086
start consumer 3002 $open
sh "$(dirname "$0")/say-open.sh"
consumer=$url

response=$(post "$producer/registrations" "{\"url\": \"$consumer/target\", \"event\": \"*\"}") ||
    fail 'the consumer could not be registered'
# The response contains the signing key, which must not be displayed.
printf '%s\n' "$response" | sed 's/"signingKey" *: *"[^"]*"/"signingKey":"…"/'
post "$producer/fire" || fail 'the webhook could not be fired'

for name in producer consumer; do
    printf '\n\n--- log of the %s\n' "$name"
    cat "$work/$name/logs/"*_stdout.txt
done

grep -q 'Payload verification result: true' "$work/consumer/logs/"*_stdout.txt ||
    fail 'the consumer did not verify the payload'
printf '\nThe webhook was registered, signed, sent and verified.\n'

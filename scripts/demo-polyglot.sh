#!/bin/sh
# Registers consumers in Rust, Python and JavaScript with one producer, fires once, and shows that
# each has verified the payload. Stops them all. Usage: demo-polyglot.sh RUNTIME
set -eu

runtime=$1
. "$(dirname "$0")/stage.sh"
consumers='webhook-consumer consumer-python consumer-javascript'
payload='{"event": "order.shipped", "data": {"id": 42, "to": "Zoë"}}'

# start NAME FOLDER [OPTION...]: runs an app on a free port until it serves or ends; sets url
start() {
    name=$1 folder=$2
    shift 2
    launch "$name" "$folder" 127.0.0.1:0 "$@" || fail "$name does not start"
    printf 'serving %s at %s\n' "$name" "$url"
}

# post URL BODY: prints the response, fails on an error status
post() {
    printf '\nPOST %s\n' "$1" >&2
    curl -sS -f -X POST "$1" -H 'content-type: application/json' -d "$2"
}

start webhook-producer webhook-producer --sqlite @migrations.sql --variable allow_private_hosts=true
producer=$url

sh "$(dirname "$0")/say-open.sh"
for name in $consumers; do
    folder=examples/$name
    [ -d "$folder" ] || folder=$name
    # $open is split into options.
    # shellcheck disable=SC2086
    start "$name" "$folder" $open
    response=$(post "$producer/registrations" "{\"url\": \"$url/target\", \"event\": \"order.*\"}") ||
        fail "$name could not be registered"
    # The response contains the signing key, which must not be displayed.
    printf '%s\n\n' "$response" | sed 's/"signingKey" *: *"[^"]*"/"signingKey":"…"/'
done

post "$producer/fire" "$payload" || fail 'the webhook could not be fired'

for name in $consumers; do
    printf '\n\n--- log of %s\n' "$name"
    cat "$work/$name/logs/"*_stdout.txt
    grep -q 'Payload verification result: true' "$work/$name/logs/"*_stdout.txt ||
        fail "$name did not verify the payload"
done
printf '\nOne webhook was signed once for each of three consumers, and verified by all of them.\n'

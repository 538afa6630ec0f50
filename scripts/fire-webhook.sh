#!/bin/sh
# Has a running producer fire a webhook at every registered consumer: fire-webhook.sh PRODUCER
# PRODUCER is HOST:PORT. Prints a row for each consumer; exits with 1 if none accepted it.
set -eu

producer=$1

fail() {
    printf 'fire-webhook: %s\n' "$1" >&2
    exit 1
}

status=0
response=$(curl -s --fail-with-body -X POST "http://$producer/fire") || status=$?
[ -z "$response" ] || printf '%s\n' "$response"
case $status,$response in
7,*) fail "no producer at $producer; start it in another terminal: make start-producer" ;;
[!0]*) fail "nothing was fired (curl exited with $status)" ;;
0,'[]') fail 'no consumer is registered; register the running one: make register-consumer' ;;
0,*'"status":2'*) ;;
# The event is on the sender's stream.
0,'{"id"'*) ;;
*) fail 'no consumer took the webhook; the rows above say why' ;;
esac

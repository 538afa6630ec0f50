#!/bin/sh
# Registers a running consumer with a running producer: register-consumer.sh PRODUCER CONSUMER
# Both are HOST:PORT. Prints the producer's response, which contains the signing key; exits with 1 if
# nothing was registered.
set -eu

producer=$1 consumer=$2

fail() {
    printf 'register-consumer: %s\n' "$1" >&2
    exit 1
}

status=0
response=$(curl -s --fail-with-body -X POST "http://$producer/registrations" \
    -H 'content-type: application/json' \
    -d "{\"url\": \"http://$consumer/target\", \"event\": \"*\"}") || status=$?
[ -z "$response" ] || printf '%s\n' "$response"
case $status,$response in
0,*) ;;
7,*) fail "no producer at $producer; start it in another terminal: make start-producer" ;;
*consumer-unreachable*) fail "no consumer at $consumer; start it in another terminal: make start-consumer" ;;
*handshake-refused*) fail "the consumer at $consumer refused the handshake; its log has the reason" ;;
*) fail "nothing was registered (curl exited with $status)" ;;
esac

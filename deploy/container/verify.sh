#!/bin/sh
# Registers the consumer with the producer, fires an event, and ends well once the sender has
# delivered it to the consumer, which responds with 200 only to what it has verified.
#
# PRODUCER, CONSUMER and SENDER are URLs; API_TOKEN is the producer's, HANDSHAKE_TOKEN the consumer's;
# SENDER_TOKEN and TENANT are as the producer has them.
set -eu

fail() {
    printf 'verify: %s\n' "$1" >&2
    exit 1
}

# request URL [OPTION...]: prints the response, or fails with the reason
request() {
    curl --fail-with-body --silent --show-error --max-time 10 "$@" || fail "request failed: $1"
}

target="$CONSUMER/target?token=$HANDSHAKE_TOKEN"
request "$PRODUCER/registrations" --json "{\"url\": \"$target\", \"event\": \"order.*\"}" \
    --oauth2-bearer "$API_TOKEN" --output /dev/null
echo "registered $CONSUMER/target with the producer, and with the sender"

response=$(request "$PRODUCER/fire" --json '{"event": "order.shipped", "data": {"id": 1}}' \
    --oauth2-bearer "$API_TOKEN")
event=$(printf '%s' "$response" | sed -n 's/.*"id" *: *"\([^"]*\)".*/\1/p')
[ -n "$event" ] || fail "the firing was not queued: $response"
echo "fired $event onto the stream"

tries=0
while :; do
    found=$(request "$SENDER/v1/tenants/$TENANT/deliveries?event=$event" \
        --oauth2-bearer "$SENDER_TOKEN")
    case $found in
        *'"state":"succeeded"'*) break ;;
        *'"state":"dead"'*) fail "it was given up: $found" ;;
    esac
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || fail "it was not delivered: $found"
    sleep 1
done
echo "delivered $event: the consumer has verified it"

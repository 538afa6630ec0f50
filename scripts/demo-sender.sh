#!/bin/sh
# Publishes an order event, which the sender filters, transforms and delivers to the Spin consumer. The
# consumer verifies it. A second endpoint fails, and its delivery is retried.
# Usage: demo-sender.sh RUNTIME SENDER [redis]
# With `redis`, events come from a Redis stream, and deliveries are stored in Redis. Otherwise events are
# published by command, and deliveries are stored in a SQLite file.
set -eu

runtime=$1
sender=$(realpath "$2")
mode=${3:-sqlite}
. "$(dirname "$0")/stage.sh"

# until_found FILE PATTERN WHAT: waits for a line, at most half a minute
until_found() {
    tries=0
    until grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "$3"
        sleep 0.1
    done
}

# show COMMAND...: prints a command of the sender, and runs it
show() {
    printf '\n$ webhook-sender %s\n' "$*"
    "$sender" "$@" || fail "webhook-sender $1"
}

# $open is split into options.
# shellcheck disable=SC2086
launch consumer webhook-consumer 127.0.0.1:3002 $open ||
    launch consumer webhook-consumer 127.0.0.1:0 $open || fail 'the consumer does not start'
consumer=$url
printf 'serving the consumer at %s\n' "$consumer"
sh "$(dirname "$0")/say-open.sh"

store="sqlite://$work/sender.db"
source=
if [ "$mode" = redis ]; then
    command -v redis-server >/dev/null 2>&1 || fail 'redis-server is missing'
    port=7379
    while redis-cli -p "$port" ping >/dev/null 2>&1; do
        port=$((port + 1))
    done
    redis-server --port "$port" --bind 127.0.0.1 --dir "$work" --appendonly yes \
        >"$work/redis.out" 2>&1 &
    pids="$pids $!"
    until_found "$work/redis.out" 'Ready to accept connections' 'redis-server does not start'
    store="redis://127.0.0.1:$port"
    source="[[source]]
name = \"events\"
url = \"$store\""
    printf 'redis-server at 127.0.0.1:%s\n' "$port"
fi

# The consumer listens on loopback and uses plain HTTP; by default neither is allowed.
cat >"$work/sender.toml" <<CONFIG
[store]
url = "$store"
$source
[api]
listen = "127.0.0.1:0"
[delivery]
allow_http = true
allow_networks = ["127.0.0.0/8"]
[retry.quick]
schedule = ["0s", "1s", "1s"]
CONFIG

show check --config "$work/sender.toml"
"$sender" run --config "$work/sender.toml" >"$work/sender.out" 2>"$work/log.out" &
pids="$pids $!"
until_found "$work/sender.out" '^listening on' 'the sender does not start'
SENDER_URL=$(sed -n 's/^listening on //p' "$work/sender.out")
export SENDER_URL
printf 'the sender is at %s\n' "$SENDER_URL"

show tenants add acme
# The handshake sends the key to the receiver, so that no secret has to be copied.
show endpoints --tenant acme add "$consumer/target" --id orders --event 'order.*' --handshake \
    --filter "event.data.status == 'shipped'" \
    --transform "{'order_id': event.data.id, 'status': event.data.status}" >"$work/added.out"
# The output contains the secret, which must not be displayed.
sed 's/^secret .*/secret   …/' "$work/added.out"
show endpoints --tenant acme add http://127.0.0.1:9/nobody --id broken --event 'order.shipped' \
    --set retry=quick >"$work/broken.out"
sed 's/^secret .*/secret   …/' "$work/broken.out"

if [ "$mode" = redis ]; then
    add() {
        printf '\n$ redis-cli xadd events * %s\n' "$*"
        redis-cli -p "$port" xadd events '*' "$@"
    }
    add tenant acme type order.shipped id evt_1 data '{"id": 1, "status": "shipped"}'
    add tenant acme type order.changed id evt_2 data '{"id": 2, "status": "packed"}'
    add tenant nobody type order.shipped id evt_3 data '{"id": 3}'
else
    show publish --tenant acme --type order.shipped --id evt_1 \
        --data '{"id": 1, "status": "shipped"}'
    show publish --tenant acme --type order.changed --id evt_2 \
        --data '{"id": 2, "status": "packed"}'
fi

until_found "$work/log.out" '"state":"dead"' 'the broken endpoint was not given up'
until_found "$work/log.out" '"state":"succeeded"' 'nothing was delivered'

show deliveries --tenant acme
show dead-letters --tenant acme
[ "$mode" != redis ] || show dead-letters
dead=$("$sender" deliveries --tenant acme --state dead --json | sed 's/.*"id":"\(dlv_[0-9a-f]*\)".*/\1/')
show deliveries --tenant acme "$dead"

printf '\n--- log of the consumer\n'
cat "$work/consumer/logs/"*_stdout.txt
grep -q 'Payload verification result: true' "$work/consumer/logs/"*_stdout.txt ||
    fail 'the consumer did not verify the payload'
printf '\nThe event was published, filtered, transformed, signed, delivered and verified.\n'

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
. "$(dirname "$0")/stage-sender.sh"

start_consumer

store="sqlite://$work/sender.db"
source=
if [ "$mode" = redis ]; then
    command -v redis-server >/dev/null 2>&1 || fail 'redis-server is missing'
    port=$(free_port 7379)
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

start_sender <<CONFIG
[store]
url = "$store"
$source
[retry.quick]
schedule = ["0s", "1s", "1s"]
CONFIG

show tenants add acme
# The handshake sends the key to the receiver, so that no secret has to be copied.
add_endpoint "$consumer/target" --id orders --event 'order.*' --handshake \
    --filter "event.data.status == 'shipped'" \
    --transform "{'order_id': event.data.id, 'status': event.data.status}"
add_endpoint http://127.0.0.1:9/nobody --id broken --event 'order.shipped' --set retry=quick

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

consumer_verified 1
printf '\nThe event was published, filtered, transformed, signed, delivered and verified.\n'

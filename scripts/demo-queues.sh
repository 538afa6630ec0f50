#!/bin/sh
# Publishes one event each through RabbitMQ, NATS JetStream and a Redis stream. One sender reads all three
# and delivers the events to the Spin consumer, which verifies them.
# Usage: demo-queues.sh RUNTIME SENDER
set -eu

runtime=$1
sender=$(realpath "$2")
. "$(dirname "$0")/stage-sender.sh"

PATH="$PATH:/usr/sbin"
for program in redis-server nats-server rabbitmq-server; do
    command -v "$program" >/dev/null 2>&1 || fail "$program is missing; make setup-queues installs it"
done

start_consumer

redis=$(free_port 7379)
redis-server --port "$redis" --bind 127.0.0.1 --dir "$work" --appendonly yes >"$work/redis.out" 2>&1 &
pids="$pids $!"

nats=$(free_port 7222)
nats-server --addr 127.0.0.1 --port "$nats" --jetstream --store_dir "$work/nats" >"$work/nats.out" 2>&1 &
pids="$pids $!"

# Everything that a node shares with others on the machine by default is its own here.
amqp=$(free_port 7672)
management=$(free_port 17672)
mkdir -p "$work/rabbitmq"
printf 'management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = %s\n' "$management" \
    >"$work/rabbitmq/rabbitmq.conf"
echo '[rabbitmq_management].' >"$work/rabbitmq/plugins"
rabbitmq=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -x "$rabbitmq" ] || rabbitmq=rabbitmq-server
mapper=$(free_port 7369)
env HOME="$work/rabbitmq" RUNNING_UNDER_SYSTEMD=true ERL_EPMD_PORT="$mapper" ERL_EPMD_ADDRESS=127.0.0.1 \
    ERL_EPMD_RELAXED_COMMAND_CHECK=1 RABBITMQ_NODENAME="demo$amqp@localhost" \
    RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$amqp" RABBITMQ_DIST_PORT="$(free_port 27672)" \
    RABBITMQ_MNESIA_BASE="$work/rabbitmq/mnesia" RABBITMQ_LOG_BASE="$work/rabbitmq" RABBITMQ_LOGS=- \
    RABBITMQ_CONFIG_FILE="$work/rabbitmq/rabbitmq" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$work/rabbitmq/plugins" "$rabbitmq" >"$work/rabbitmq.out" 2>&1 &
pids="$pids $!"
# The port mapper leaves the group of the node's processes.
trap 'stop; ERL_EPMD_PORT=$mapper epmd -port "$mapper" -kill >/dev/null 2>&1 || true' EXIT

until_found "$work/redis.out" 'Ready to accept connections' 'redis-server does not start'
printf 'redis-server at 127.0.0.1:%s\n' "$redis"
until_found "$work/nats.out" 'Server is ready' 'nats-server does not start'
printf 'nats-server at 127.0.0.1:%s\n' "$nats"
until_found "$work/rabbitmq.out" 'Server startup complete' 'rabbitmq-server does not start'
printf 'rabbitmq-server at 127.0.0.1:%s\n' "$amqp"

# rabbit METHOD PATH BODY: calls RabbitMQ's management API
rabbit() {
    printf '\n$ curl -X %s …/api/%s -d '"'%s'"'\n' "$1" "$2" "$3"
    curl -sS --fail -u guest:guest -X "$1" "http://127.0.0.1:$management/api/$2" -d "$3" ||
        fail 'RabbitMQ refuses it'
    printf '\n'
}

# nats_publish SUBJECT BODY: publishes by NATS' text protocol, and prints the reply
nats_publish() {
    printf '\n$ nats request %s '"'%s'"'\n' "$1" "$2"
    # The reply comes at once; curl ends by its timeout.
    printf 'CONNECT {"verbose":false}\r\nSUB reply 1\r\nPUB %s reply %d\r\n%s\r\n' "$1" "${#2}" "$2" |
        curl -sS --max-time 2 "telnet://127.0.0.1:$nats" 2>/dev/null | tr -d '\r' |
        sed -n 's/^\({.*\)/\1/p' >"$work/reply.out" || true
    grep -q '"error"' "$work/reply.out" && fail 'NATS refuses it'
    cut -c -100 "$work/reply.out"
}

rabbit PUT queues/%2f/events '{"durable": true, "arguments": {"x-queue-type": "quorum"}}'
# The name of the subject has a dollar sign.
# shellcheck disable=SC2016
nats_publish '$JS.API.STREAM.CREATE.events' '{"name": "events", "subjects": ["events"]}'

start_sender <<CONFIG
[store]
url = "sqlite://$work/sender.db"
[[source]]
name = "rabbitmq"
url = "amqp://guest:guest@127.0.0.1:$amqp"
queue = "events"
[[source]]
name = "nats"
url = "nats://127.0.0.1:$nats"
stream = "events"
[[source]]
name = "redis"
url = "redis://127.0.0.1:$redis"
stream = "events"
CONFIG

show tenants add acme
add_endpoint "$consumer/target" --id orders --event 'order.*' --handshake

rabbit POST exchanges/%2f/amq.default/publish '{"routing_key": "events", "payload": "{\"by\": \"rabbitmq\"}", "payload_encoding": "string", "properties": {"message_id": "1", "headers": {"tenant": "acme", "type": "order.shipped"}}}'
nats_publish events '{"tenant": "acme", "type": "order.shipped", "data": {"by": "nats"}}'
printf '\n$ redis-cli xadd events * tenant acme type order.shipped data %s\n' "'{\"by\": \"redis\"}'"
redis-cli -p "$redis" xadd events '*' tenant acme type order.shipped data '{"by": "redis"}'

until_found "$work/log.out" '"state":"succeeded"' 'the three events were not delivered' 3

show deliveries --tenant acme
printf '\n$ curl %s/metrics\n' "$SENDER_URL"
curl -sS "$SENDER_URL/metrics" | grep '^webhook_sender_source_entries_acknowledged'

consumer_verified 3
printf '\nThree events came through RabbitMQ, NATS and Redis, and were delivered and verified.\n'

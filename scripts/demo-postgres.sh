#!/bin/sh
# An application inserts rows into an outbox in its own transactions: one commits, one rolls back. The
# sender, whose store is in the same database, delivers the committed row to the Spin consumer, which
# verifies it.
# Usage: demo-postgres.sh RUNTIME SENDER
set -eu

runtime=$1
sender=$(realpath "$2")
. "$(dirname "$0")/stage.sh"

# Debian does not put the programs on the path.
for folder in /usr/lib/postgresql/*/bin; do
    PATH="$folder:$PATH"
done
command -v initdb >/dev/null 2>&1 || fail 'PostgreSQL is missing; make setup-postgres installs it'

# until_found FILE PATTERN WHAT: waits for a line, at most a minute
until_found() {
    tries=0
    until grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "$3"
        sleep 0.1
    done
}

# free_port FIRST: prints a port from FIRST on that nothing listens on
free_port() {
    port=$1
    # curl ends with 7 where nothing accepts the connection.
    while curl -s --max-time 1 "telnet://127.0.0.1:$port" </dev/null >/dev/null 2>&1 || [ $? -ne 7 ]; do
        port=$((port + 1))
    done
    echo "$port"
}

# show COMMAND...: prints a command of the sender, and runs it
show() {
    printf '\n$ webhook-sender %s\n' "$*"
    "$sender" "$@" || fail "webhook-sender $1"
}

# as_user COMMAND...: PostgreSQL refuses to run as root
as_user() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups -- "$@"
    else
        "$@"
    fi
}

# sql STATEMENTS: shows them, and runs them as the application
sql() {
    printf '\n$ psql shop\n%s\n' "$1"
    printf '%s\n' "$1" | psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 "$database" || fail 'psql'
}

# $open is split into options.
# shellcheck disable=SC2086
launch consumer webhook-consumer 127.0.0.1:3002 $open ||
    launch consumer webhook-consumer 127.0.0.1:0 $open || fail 'the consumer does not start'
consumer=$url
printf 'serving the consumer at %s\n' "$consumer"
sh "$(dirname "$0")/say-open.sh"

mkdir "$work/postgres"
if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$work"
    chown nobody "$work/postgres"
fi
cd "$work/postgres"
as_user initdb --username postgres --auth trust --encoding UTF8 --locale C --no-sync \
    --pgdata "$work/postgres/data" >"$work/initdb.out" 2>&1 || fail 'initdb'
port=$(free_port 7432)
as_user postgres -D "$work/postgres/data" -c "port=$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= >"$work/postgres.out" 2>&1 &
pids="$pids $!"
until_found "$work/postgres.out" 'ready to accept connections' 'PostgreSQL does not start'
cd - >/dev/null
printf 'PostgreSQL at 127.0.0.1:%s\n' "$port"
psql --quiet --no-psqlrc "postgres://postgres@127.0.0.1:$port/postgres" -c 'CREATE DATABASE shop' ||
    fail 'psql'
database="postgres://postgres@127.0.0.1:$port/shop"

printf '\n$ webhook-sender outbox ddl | psql shop\n'
"$sender" outbox ddl | psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 "$database" || fail 'the outbox'
sql 'CREATE TABLE orders (id bigint PRIMARY KEY, status text NOT NULL);'

# The consumer listens on loopback and uses plain HTTP; by default neither is allowed.
cat >"$work/sender.toml" <<CONFIG
[store]
url = "$database"
[[source]]
name = "shop"
url = "$database"
tenant = "acme"
[api]
listen = "127.0.0.1:0"
[delivery]
allow_http = true
allow_networks = ["127.0.0.0/8"]
CONFIG

show check --config "$work/sender.toml"
"$sender" run --config "$work/sender.toml" >"$work/sender.out" 2>"$work/log.out" &
pids="$pids $!"
until_found "$work/sender.out" '^listening on' 'the sender does not start'
SENDER_URL=$(sed -n 's/^listening on //p' "$work/sender.out")
export SENDER_URL
printf 'the sender is at %s\n' "$SENDER_URL"

show tenants add acme
show endpoints --tenant acme add "$consumer/target" --id orders --event 'order.*' --handshake \
    >"$work/added.out"
# The output contains the secret, which must not be displayed.
sed 's/^secret .*/secret   …/' "$work/added.out"

sql "BEGIN;
INSERT INTO orders VALUES (1, 'shipped');
INSERT INTO webhook_outbox (type, data) VALUES ('order.shipped', '{\"id\": 1}');
ROLLBACK;"
sql "BEGIN;
INSERT INTO orders VALUES (2, 'shipped');
INSERT INTO webhook_outbox (type, data) VALUES ('order.shipped', '{\"id\": 2}');
COMMIT;"

until_found "$work/log.out" '"state":"succeeded"' 'the committed row was not delivered'
show events --tenant acme
show deliveries --tenant acme

printf '\n--- log of the consumer\n'
cat "$work/consumer/logs/"*_stdout.txt
verified=$(cat "$work/consumer/logs/"*_stdout.txt | grep -c 'Payload verification result: true')
[ "$verified" -eq 1 ] || fail "the consumer verified $verified payloads"
left=$(psql --no-psqlrc --no-align --tuples-only "$database" -c 'SELECT count(*) FROM webhook_outbox')
[ "$left" -eq 0 ] || fail "$left rows are left in the outbox"
printf '\nThe row of the committed transaction was delivered and verified; the other one never existed.\n'

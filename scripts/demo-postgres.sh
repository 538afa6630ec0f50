#!/bin/sh
# An application inserts rows into an outbox in its own transactions: one commits, one rolls back. The
# sender, whose store is in the same database, delivers the committed row to the Spin consumer, which
# verifies it.
# Usage: demo-postgres.sh RUNTIME SENDER
set -eu

runtime=$1
sender=$(realpath "$2")
. "$(dirname "$0")/stage-sender.sh"

# Debian does not put the programs on the path.
for folder in /usr/lib/postgresql/*/bin; do
    PATH="$folder:$PATH"
done
command -v initdb >/dev/null 2>&1 || fail 'PostgreSQL is missing; make setup-postgres installs it'

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

start_consumer

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

start_sender <<CONFIG
[store]
url = "$database"
[[source]]
name = "shop"
url = "$database"
tenant = "acme"
CONFIG

show tenants add acme
add_endpoint "$consumer/target" --id orders --event 'order.*' --handshake

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

consumer_verified 1
left=$(psql --no-psqlrc --no-align --tuples-only "$database" -c 'SELECT count(*) FROM webhook_outbox')
[ "$left" -eq 0 ] || fail "$left rows are left in the outbox"
printf '\nThe row of the committed transaction was delivered and verified; the other one never existed.\n'

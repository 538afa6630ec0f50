#!/bin/sh
# Installs `rabbitmq-server` and `nats-server` if they are missing, and reports those that cannot be
# installed. The tests and `make demo-queues` start their own servers with them.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

# RabbitMQ's programs are in a folder that is not on every user's PATH.
PATH="$PATH:/usr/sbin:/usr/lib/rabbitmq/bin"

missing=
for program in rabbitmq-server nats-server; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

# The names of the packages are split into arguments.
# shellcheck disable=SC2086
apt $missing || homebrew rabbitmq nats-server || true

for program in rabbitmq-server nats-server; do
    command -v "$program" >/dev/null 2>&1 || {
        echo "missing: $program, which the tests of sources and \`make demo-queues\` need. Debian:" \
            "apt-get install $program; macOS: brew install rabbitmq nats-server" >&2
    }
done

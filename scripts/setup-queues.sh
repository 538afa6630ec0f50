#!/bin/sh
# Installs `rabbitmq-server` and `nats-server` if they are missing, and reports those that cannot be
# installed. The tests and `make demo-queues` start their own servers with them.
set -eu

# RabbitMQ's programs are in a folder that is not on every user's PATH.
PATH="$PATH:/usr/sbin:/usr/lib/rabbitmq/bin"

missing=
for program in rabbitmq-server nats-server; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root=no
fi

if command -v apt-get >/dev/null 2>&1 && [ "$as_root" != no ]; then
    echo "installing$missing"
    $as_root apt-get update -qq
    # The names of the packages are split into arguments.
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif command -v brew >/dev/null 2>&1; then
    brew install rabbitmq nats-server
fi

for program in rabbitmq-server nats-server; do
    command -v "$program" >/dev/null 2>&1 || {
        echo "missing: $program, which the tests of sources and \`make demo-queues\` need. Debian:" \
            "apt-get install $program; macOS: brew install rabbitmq nats-server" >&2
    }
done

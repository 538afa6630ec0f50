#!/bin/sh
# Installs `redis-server` if it is missing, and reports if it cannot be installed. The tests start their
# own servers with it.
set -eu

command -v redis-server >/dev/null 2>&1 && exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root=no
fi

if command -v apt-get >/dev/null 2>&1 && [ "$as_root" != no ]; then
    echo 'installing redis-server'
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server >/dev/null
elif command -v brew >/dev/null 2>&1; then
    brew install redis
fi

command -v redis-server >/dev/null 2>&1 || {
    echo 'missing: redis-server 6.2 or later, which the tests of the Redis store and of the stream' >&2
    echo 'need. Debian: apt-get install redis-server; macOS: brew install redis' >&2
}

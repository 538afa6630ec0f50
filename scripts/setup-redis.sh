#!/bin/sh
# Installs `redis-server` if it is missing, and reports if it cannot be installed. The tests start their
# own servers with it.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

command -v redis-server >/dev/null 2>&1 && exit 0
apt redis-server || homebrew redis || true

command -v redis-server >/dev/null 2>&1 || {
    echo 'missing: redis-server 6.2 or later, which the tests of the Redis store and of the stream' >&2
    echo 'need. Debian: apt-get install redis-server; macOS: brew install redis' >&2
}

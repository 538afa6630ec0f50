#!/bin/sh
# Installs the tools that `make chaos` needs in addition to redis-server, and reports those that cannot be
# installed: libfaketime, which sets the clock of a process, and prlimit.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

# Only faults of Linux need them. The other cells run on every system.
[ "$(uname -s)" = Linux ] || exit 0

has_faketime() {
    for library in /usr/lib/*/faketime/libfaketimeMT.so.1; do
        [ -f "$library" ] && return 0
    done
    return 1
}

command -v prlimit >/dev/null 2>&1 && has_faketime && exit 0

apt faketime util-linux || true

has_faketime || echo 'missing: libfaketime, which the cells of `make chaos` with a wrong clock need. Debian:' \
    'apt-get install faketime' >&2
command -v prlimit >/dev/null 2>&1 || echo 'missing: prlimit, which the cells of `make chaos` with' \
    'scarce descriptors and memory need. Debian: apt-get install util-linux' >&2

#!/bin/sh
# Installs the tools that `make chaos` needs in addition to redis-server, and reports those that cannot be
# installed: libfaketime, which sets the clock of a process, and prlimit.
set -eu

# Only faults of Linux need them. The other cells run on every system.
[ "$(uname -s)" = Linux ] || exit 0

has_faketime() {
    for library in /usr/lib/*/faketime/libfaketimeMT.so.1; do
        [ -f "$library" ] && return 0
    done
    return 1
}

command -v prlimit >/dev/null 2>&1 && has_faketime && exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root=no
fi

if command -v apt-get >/dev/null 2>&1 && [ "$as_root" != no ]; then
    echo 'installing faketime and util-linux'
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq faketime util-linux >/dev/null
fi

has_faketime || echo 'missing: libfaketime, which the cells of `make chaos` with a wrong clock need. Debian:' \
    'apt-get install faketime' >&2
command -v prlimit >/dev/null 2>&1 || echo 'missing: prlimit, which the cells of `make chaos` with' \
    'scarce descriptors and memory need. Debian: apt-get install util-linux' >&2

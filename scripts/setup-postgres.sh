#!/bin/sh
# Installs PostgreSQL if it is missing, and reports if it cannot be installed. The tests start their own
# servers with it, as an unprivileged user.
set -eu

has_postgres() {
    command -v initdb >/dev/null 2>&1 && return 0
    # Debian does not put the programs on the path.
    for program in /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$program" ] && return 0
    done
    return 1
}

has_postgres && exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root=no
fi

if command -v apt-get >/dev/null 2>&1 && [ "$as_root" != no ]; then
    echo 'installing postgresql'
    # Without a server of its own, which nothing here uses.
    $as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' |
        $as_root tee /etc/postgresql-common/createcluster.d/no-main-cluster.conf >/dev/null
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
elif command -v brew >/dev/null 2>&1; then
    brew install postgresql
fi

has_postgres || {
    echo 'missing: PostgreSQL 14 or later, which the tests of the PostgreSQL store need.' >&2
    echo 'Debian: apt-get install postgresql; macOS: brew install postgresql' >&2
}

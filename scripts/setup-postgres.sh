#!/bin/sh
# Installs PostgreSQL if it is missing, and reports if it cannot be installed. The tests start their own
# servers with it, as an unprivileged user.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

has_postgres() {
    command -v initdb >/dev/null 2>&1 && return 0
    # Debian does not put the programs on the path.
    for program in /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$program" ] && return 0
    done
    return 1
}

# postgres_without_cluster: installs it without a server of its own, which nothing here uses
postgres_without_cluster() {
    may_install || return 1
    $as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' |
        $as_root tee /etc/postgresql-common/createcluster.d/no-main-cluster.conf >/dev/null
    apt postgresql
}

has_postgres && exit 0
postgres_without_cluster || homebrew postgresql || true

has_postgres || {
    echo 'missing: PostgreSQL 14 or later, which the tests of the PostgreSQL store need.' >&2
    echo 'Debian: apt-get install postgresql; macOS: brew install postgresql' >&2
}

#!/bin/sh
# Installs a C++ compiler and the headers of OpenSSL if they are missing, and reports if they cannot be
# installed. librdkafka, the client of Kafka, needs the compiler: in tests, and with the feature `kafka`. In
# tests it uses the system's OpenSSL, which takes no time to build.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

has_all() {
    command -v c++ >/dev/null 2>&1 || return 1
    [ "$(uname -s)" != Linux ] || pkg-config --exists openssl 2>/dev/null
}

has_all && exit 0
apt g++ pkg-config libssl-dev || true

has_all || {
    echo 'missing: a C++ compiler or the headers of OpenSSL, which the client of Kafka needs in tests.' >&2
    echo 'Debian: apt-get install g++ pkg-config libssl-dev; macOS: xcode-select --install, and' \
        'brew install openssl' >&2
}

#!/bin/sh
# Installs a C++ compiler and the headers of OpenSSL if they are missing, and reports if they cannot be
# installed. librdkafka, the client of Kafka, needs the compiler: in tests, and with the feature `kafka`. In
# tests it uses the system's OpenSSL, which takes no time to build.
set -eu

has_all() {
    command -v c++ >/dev/null 2>&1 || return 1
    [ "$(uname -s)" != Linux ] || pkg-config --exists openssl 2>/dev/null
}

has_all && exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root=no
fi

if command -v apt-get >/dev/null 2>&1 && [ "$as_root" != no ]; then
    echo 'installing g++, pkg-config and libssl-dev'
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends g++ pkg-config libssl-dev >/dev/null
fi

has_all || {
    echo 'missing: a C++ compiler or the headers of OpenSSL, which the client of Kafka needs in tests.' >&2
    echo 'Debian: apt-get install g++ pkg-config libssl-dev; macOS: xcode-select --install, and' \
        'brew install openssl' >&2
}

#!/bin/sh
# Installs a C++ compiler if it is missing, and reports if it cannot be installed. librdkafka, the client of
# Kafka, needs it: in tests, and with the feature `kafka`.
set -eu

command -v c++ >/dev/null 2>&1 && exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root=no
fi

if command -v apt-get >/dev/null 2>&1 && [ "$as_root" != no ]; then
    echo 'installing g++'
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends g++ >/dev/null
fi

command -v c++ >/dev/null 2>&1 || {
    echo 'missing: a C++ compiler, which the client of Kafka needs in tests and with the feature `kafka`.' >&2
    echo 'Debian: apt-get install g++; macOS: xcode-select --install' >&2
}

#!/bin/sh
# Installs a C++ compiler if it is missing, and reports if it cannot be installed. librdkafka, the client of
# Kafka, needs it: in tests, and with the feature `kafka`.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

command -v c++ >/dev/null 2>&1 && exit 0
apt g++ || true

command -v c++ >/dev/null 2>&1 || {
    echo 'missing: a C++ compiler, which the client of Kafka needs in tests and with the feature `kafka`.' >&2
    echo 'Debian: apt-get install g++; macOS: xcode-select --install' >&2
}

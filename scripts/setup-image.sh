#!/bin/sh
# Installs the tools that the images' build stages need in addition to the Rust toolchain, and reports
# those that cannot be installed: a C compiler for musl, for the sender's SQLite and cryptography, what
# librdkafka and OpenSSL need, the target, and the certificates for the image.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

[ "$(uname -s)" = Linux ] || exit 0

has_all() {
    command -v musl-gcc >/dev/null 2>&1 && command -v c++ >/dev/null 2>&1 &&
        command -v make >/dev/null 2>&1 && command -v perl >/dev/null 2>&1 &&
        [ -s /etc/ssl/certs/ca-certificates.crt ]
}

has_all || apt musl-tools g++ make perl ca-certificates || true

has_all || {
    echo 'missing: musl-gcc, c++, make, perl or /etc/ssl/certs/ca-certificates.crt, which the test of' >&2
    echo 'the container image and `make dist` need. Debian: apt-get install musl-tools g++ make perl' \
        'ca-certificates' >&2
}

target="$(uname -m)-unknown-linux-musl"
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] ||
    rustup target add "$target" ||
    echo "missing: the Rust target $target; rustup could not add it" >&2

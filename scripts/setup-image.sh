#!/bin/sh
# Installs the tools that the images' build stages need in addition to the Rust toolchain, and reports
# those that cannot be installed: a C compiler for musl, for the sender's SQLite and cryptography, what
# librdkafka and OpenSSL need, the target, and the certificates for the image.
set -eu

[ "$(uname -s)" = Linux ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root=no
fi

has_all() {
    command -v musl-gcc >/dev/null 2>&1 && command -v c++ >/dev/null 2>&1 &&
        command -v make >/dev/null 2>&1 && command -v perl >/dev/null 2>&1 &&
        [ -s /etc/ssl/certs/ca-certificates.crt ]
}

if ! has_all && command -v apt-get >/dev/null 2>&1 && [ "$as_root" != no ]; then
    echo 'installing musl-tools, g++, make, perl and ca-certificates'
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends \
        musl-tools g++ make perl ca-certificates >/dev/null
fi

has_all || {
    echo 'missing: musl-gcc, c++, make, perl or /etc/ssl/certs/ca-certificates.crt, which the test of' >&2
    echo 'the container image and `make dist` need. Debian: apt-get install musl-tools g++ make perl' \
        'ca-certificates' >&2
}

target="$(uname -m)-unknown-linux-musl"
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] ||
    rustup target add "$target" ||
    echo "missing: the Rust target $target; rustup could not add it" >&2

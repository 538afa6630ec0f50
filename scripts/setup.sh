#!/bin/sh
# Installs what a build needs beyond the Rust toolchain, and says what it cannot install.
set -eu

missing() {
    printf 'missing: %s\n' "$1" >&2
    exit 1
}

command -v cargo >/dev/null 2>&1 ||
    missing 'cargo. Install Rust 1.95 or later: https://rustup.rs'
command -v cc >/dev/null 2>&1 ||
    missing 'a C compiler, for SQLite. Debian: apt-get install gcc; macOS: xcode-select --install'

# The second is what the example of a transform is built for.
for target in wasm32-wasip2 wasm32-unknown-unknown; do
    [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || continue
    command -v rustup >/dev/null 2>&1 ||
        missing "the Rust target $target, and rustup, which would add it"
    rustup target add "$target" ||
        missing "the Rust target $target; rustup could not add it"
done

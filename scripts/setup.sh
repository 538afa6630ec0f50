#!/bin/sh
# Installs the tools that a build needs in addition to the Rust toolchain, and reports missing ones.
set -eu

missing() {
    printf 'missing: %s\n' "$1" >&2
    exit 1
}

command -v cargo >/dev/null 2>&1 ||
    missing 'cargo. Install Rust 1.95 or later: https://rustup.rs'
command -v cc >/dev/null 2>&1 ||
    missing 'a C compiler, for SQLite. Debian: apt-get install gcc; macOS: xcode-select --install'

# The second target is for the example of a transform.
for target in wasm32-wasip2 wasm32-unknown-unknown; do
    [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || continue
    command -v rustup >/dev/null 2>&1 ||
        missing "the Rust target $target, and rustup, which would add it"
    rustup target add "$target" ||
        missing "the Rust target $target; rustup could not add it"
done

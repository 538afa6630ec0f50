#!/bin/sh
# Packages the crates that are meant for a registry, and builds each from its package: package.sh
# [--no-verify]. They depend on each other, so they are packaged together. Publishes nothing; `cargo
# publish` with the same `-p` options does.
set -eu
cd "$(dirname "$0")/.."

crates='-p webhook-problem-details -p webhook-receiver -p webhook-signature'
# Those of them that are in the registry: their interfaces are compared with the last version there. None
# is yet.
published=''
# A separate build folder: `-p` selects other features than the builds of the whole workspace.
export CARGO_TARGET_DIR=target/package
# Only whether they compile matters.
export CARGO_PROFILE_DEV_DEBUG=none
# shellcheck disable=SC2086 # a list of options
cargo package --locked --allow-dirty $crates "$@"
# shellcheck disable=SC2086 # a list of options
cargo publish --locked --dry-run --allow-dirty --no-verify $crates
[ -z "$published" ] || {
    command -v cargo-semver-checks >/dev/null 2>&1 || cargo install --locked cargo-semver-checks
    # shellcheck disable=SC2086 # a list of options
    cargo semver-checks $published
}

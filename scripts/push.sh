#!/bin/sh
# Builds the producer and the consumer, and pushes both to a registry, with their versions as tags.
# Usage: REGISTRY=ghcr.io/you push.sh (`make push REGISTRY=ghcr.io/you`). Needs `spin registry login`
# first. STORE=postgres or STORE=redis pushes the apps with their stores on a server. Reports anything that
# is missing, and then nothing is built or pushed.
set -eu

cd "$(dirname "$0")/.."
spin=${SPIN:-spin}
apps='webhook-producer webhook-consumer'

missing() {
    printf 'missing: %s\n' "$1" >&2
    exit 2
}

registry=${REGISTRY:-}
[ -n "$registry" ] ||
    missing 'REGISTRY: make push REGISTRY=ghcr.io/you'
case $registry in
*://* | */ | *[!a-z0-9._:/-]*)
    missing "a REGISTRY of the form \`ghcr.io/you\`: \`$registry\` has a scheme, a slash at its end or a character that is none of a-z 0-9 . _ : / -"
    ;;
esac
case ${STORE:-} in
'') manifest=spin.toml ;;
postgres | redis) manifest=spin.$STORE.toml ;;
*) missing "a STORE that is \`postgres\`, \`redis\` or empty: \`$STORE\` is none of them" ;;
esac
[ "$spin" != spin-local ] ||
    missing 'the Spin CLI: spin-local pushes nothing'
command -v "$spin" >/dev/null 2>&1 ||
    missing "the Spin CLI 4.0.1 or later: \`$spin\` is not on the PATH. SPIN=/path/to/spin names another"

# version APP: prints the version in its manifest
version() {
    sed -n 's/^version = "\(.*\)"$/\1/p' "$1/$manifest" | head -n 1
}

# The manifests expect components in this folder, even if CARGO_TARGET_DIR is set.
CARGO_TARGET_DIR=$PWD/target
export CARGO_TARGET_DIR

# Both are built before either is pushed.
for app in $apps; do
    [ -n "$(version "$app")" ] || missing "a version in $app/$manifest"
    "$spin" build --from "$app/$manifest"
done
for app in $apps; do
    image=$registry/$app:$(version "$app")
    "$spin" registry push --from "$app/$manifest" "$image"
    printf 'pushed %s\n' "$image"
done

#!/bin/sh
# Builds target/examples/consumer-javascript/app.wasm. `make setup-examples` installs what it needs.
set -eu

cd "$(dirname "$0")"
target=../../target/examples
built=$target/consumer-javascript/app.wasm
tools=$target/javascript

# The build takes a while, so it is skipped if nothing has changed.
sources="src wit ../../wit build.mjs build.sh $tools/installed.json"
# shellcheck disable=SC2086 # a list of paths
if [ -f "$built" ] && [ -z "$(find $sources -newer "$built")" ]; then
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/consumer-javascript.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/wit/deps/spin" "$(dirname "$built")"
cp wit/world.wit "$work/wit"
cp ../../wit/signature.wit "$tools"/node_modules/@spinframework/wasi-http-proxy/wit/*.wit \
    "$work/wit/deps"
for name in key-value sqlite variables; do
    cp "../../wit/spin/$name.wit" "$work/wit/deps/spin"
done
node build.mjs "$tools" "$work/wit" "$work/app.wasm"
mv "$work/app.wasm" "$built"

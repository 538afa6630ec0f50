#!/bin/sh
# Builds target/examples/consumer-python/app.wasm. `make setup-examples` installs what it needs.
set -eu

cd "$(dirname "$0")"
target=../../target/examples
built=$target/consumer-python/app.wasm
tools=$(cd "$target/python" && pwd)

# The build takes a while, so it is skipped if nothing has changed.
sources="*.py wit ../../wit build.sh $tools/installed.txt"
# shellcheck disable=SC2086 # a list of paths
if [ -f "$built" ] && [ -z "$(find $sources -newer "$built")" ]; then
    exit 0
fi

# Build in a copy, because the guest that runs during the build writes files next to its imports.
work=$(mktemp -d "${TMPDIR:-/tmp}/consumer-python.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/source" "$work/wit/deps" "$(dirname "$built")"
cp ./*.py "$work/source"
cp wit/world.wit "$work/wit"
cp ../../wit/signature.wit "$work/wit/deps"
for name in clocks io; do
    cp -r "$tools"/lib/python3*/site-packages/spin_sdk/wit/deps/$name "$work/wit/deps"
done
# Run as a module, because the command itself contains the path that it was installed under. Names
# that several interfaces have are mapped to the ones that the SDK uses.
VIRTUAL_ENV=$tools "$tools/bin/python" -c 'import componentize_py; componentize_py.script()' --quiet \
    --wit-path "$work/wit" --world verifying \
    --import-interface-name 'signed-webhooks:signature/types@0.1.0=signature_types' \
    --import-interface-name 'wasi:http/types@0.2.0=types' \
    --import-interface-name 'fermyon:spin/sqlite@2.0.0=sqlite' \
    componentize --module-worlds spin_sdk=spin-http --python-path "$work/source" \
    app --output "$work/app.wasm"
mv "$work/app.wasm" "$built"

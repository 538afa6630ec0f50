#!/bin/sh
# Installs other people's implementations, which the tests of `tests/interop/` hold ours to, and the tool that
# holds the sender's API to its document, under `target/judges`. Says which it cannot install. Does nothing where they are there already.
set -eu

cd "$(dirname "$0")/.."
. scripts/languages.sh

command -v openssl >/dev/null 2>&1 || apt openssl ||
    leave_out 'openssl, and the shell receiver' 'it is missing'
mkdir -p target/judges
python_packages target/judges/python tests/interop/python/requirements.txt \
    'PyPI standardwebhooks, svix and cryptography'
node_packages target/judges/javascript tests/interop/javascript 'npm standardwebhooks and svix, and Node'
python_packages target/judges/schemathesis webhook-sender/tests/service/openapi/requirements.txt \
    'PyPI schemathesis'

#!/bin/sh
# Installs the reference implementations for the tests in `tests/interop/`, and the tool that checks the
# sender's API against its OpenAPI document, under `target/interop`. Reports those that it cannot
# install, and skips those that are installed.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

command -v openssl >/dev/null 2>&1 || apt openssl ||
    leave_out 'openssl, and the shell receiver' 'it is missing'
mkdir -p target/interop
python_packages target/interop/python tests/interop/python/requirements.txt \
    'PyPI standardwebhooks, svix and cryptography'
node_packages target/interop/javascript tests/interop/javascript 'npm standardwebhooks and svix, and Node'
python_packages target/interop/schemathesis webhook-sender/tests/service/openapi/requirements.txt \
    'PyPI schemathesis'

#!/bin/sh
# Installs the tools that build the consumers in other languages, under `target/examples`, and reports
# those that cannot be installed. Does nothing if they are installed already.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

mkdir -p target/examples
python_packages target/examples/python examples/consumer-python/requirements.txt \
    'componentize-py and spin-sdk, which build examples/consumer-python'
node_packages target/examples/javascript examples/consumer-javascript \
    'componentize-js, which builds examples/consumer-javascript'

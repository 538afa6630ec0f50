#!/bin/sh
# Installs the spelling checker of `make lint` under `target/lint`, and reports it where it cannot be
# installed. Does nothing where it is installed already.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

mkdir -p target/lint
python_packages target/lint/python scripts/requirements.txt 'typos, which checks the spelling'

#!/bin/sh
# Installs Helm's library for the tests of the chart in `deploy/helm/`, under `target/helm`, unless the
# program `helm` is on the PATH. Reports if it cannot be installed.
set -eu

cd "$(dirname "$0")/.."
. scripts/languages.sh

command -v helm >/dev/null 2>&1 && exit 0
mkdir -p target
python_packages target/helm tests/deploy/helm/requirements.txt 'PyPI helm-python-sdk'

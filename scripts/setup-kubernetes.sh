#!/bin/sh
# Installs the tools for the tests of `deploy/`, under `target/kubernetes`: Helm's library, for machines
# without the program `helm`, and the schemas that Kubernetes publishes. Reports if they cannot be installed.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

mkdir -p target
python_packages target/kubernetes tests/deploy/kubernetes/requirements.txt \
    'PyPI helm-python-sdk and kubernetes-validate'

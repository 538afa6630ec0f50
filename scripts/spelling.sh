#!/bin/sh
# Checks the spelling of everything under version control. `.typos.toml` lists the allowed words.
# With CI=true a missing checker is an error.
set -eu

cd "$(dirname "$0")/.."
PATH=target/lint/python/bin:$PATH
if command -v typos >/dev/null 2>&1; then
    typos --format brief
elif [ "${CI:-}" = true ]; then
    echo 'spelling.sh: typos is missing' >&2
    exit 1
else
    echo 'left out: the spelling check, because typos is not installed' >&2
fi

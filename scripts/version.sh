#!/bin/sh
# Prints the workspace's version. With a tag, fails unless the tag is `v` and that version:
# version.sh [TAG]
set -eu

cd "$(dirname "$0")/.."
version=$(sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
if [ -z "$version" ]; then
    echo 'Cargo.toml names no version' >&2
    exit 1
fi
if [ $# -gt 0 ] && [ "$1" != "v$version" ]; then
    printf 'the tag is `%s`, and Cargo.toml has version `%s`\n' "$1" "$version" >&2
    exit 1
fi
printf '%s\n' "$version"

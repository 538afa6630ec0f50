#!/bin/sh
# Makes the archives of a release, in target/dist:
#
#   signed-webhooks-components-VERSION.tar.gz    the components, their interfaces, and both apps
#   webhook-sender-VERSION-TARGET.tar.gz         the binary, its systemd unit
#   spin-local-VERSION-TARGET.tar.gz             the binary
#   …-TARGET.cdx.json                            the crates of a binary (CycloneDX)
#   SHA256SUMS
#
# The components must be built (`make build-all`). The archives are reproducible: names are sorted, times
# are that of the commit, and there is no owner.
#
# DIST_TARGET    the Rust target; by default the machine's own, with musl instead of glibc, so that
#                binaries for Linux are static
# DIST_BINARIES  a folder of built binaries, to use instead of building them
# DIST_DIR       the folder of the archives, instead of target/dist; archives in it are removed
set -eu

cd "$(dirname "$0")/.."

fail() {
    printf 'dist.sh: %s\n' "$1" >&2
    exit 1
}

version=$(sh scripts/version.sh)
host=$(rustc -vV | sed -n 's/^host: //p')
target=${DIST_TARGET:-$(printf '%s' "$host" | sed 's/-linux-gnu$/-linux-musl/')}
# Outside of a repository there is no commit whose time could be used.
time=$(TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y%m%d%H%M.%S 2>/dev/null) ||
    time=198001010000.00

mkdir -p "${DIST_DIR:-target/dist}"
dist=$(cd "${DIST_DIR:-target/dist}" && pwd)
rm -f "$dist"/*.tar.gz "$dist"/*.cdx.json "$dist/SHA256SUMS"
staging=$(mktemp -d "${TMPDIR:-/tmp}/dist.XXXXXX")
trap 'rm -rf "$staging"' EXIT

# GNU's and BSD's tar have different options for this.
if tar --version | grep -q GNU; then
    nobody='--owner=0 --group=0 --numeric-owner'
else
    nobody='--uid 0 --gid 0 --numeric-owner'
fi

# pack NAME: archives the folder of that name
pack() {
    cp LICENSE README.md "$staging/$1"
    chmod -R u=rwX,go=rX "$staging/$1"
    find "$staging/$1" -exec env TZ=UTC0 touch -h -t "$time" {} +
    # $nobody is split into arguments.
    # shellcheck disable=SC2086
    (cd "$staging" && find "$1" | LC_ALL=C sort >"$1.list" &&
        tar --format=ustar $nobody --no-recursion -cf "$1.tar" -T "$1.list")
    gzip -n -c "$staging/$1.tar" >"$dist/$1.tar.gz"
    printf 'packed %s\n' "$1.tar.gz"
}

components() {
    name=signed-webhooks-components-$version
    mkdir -p "$staging/$name/wit"
    sh scripts/lay-out-apps.sh "$staging/$name"
    cp wit/hmac.wit wit/signature.wit wit/transform.wit "$staging/$name/wit"
    pack "$name"
}

# In one command, so that wasmtime is built once.
build_binaries() {
    . scripts/musl.sh
    # The sender consists of many crates, whose small functions are called for every delivery.
    CARGO_PROFILE_RELEASE_LTO=thin \
        cargo build --release --locked --target-dir target --target "$target" \
        --bin webhook-sender --bin spin-local --features webhook-sender/kafka
    binaries=target/$target/release
}

# binary NAME [FILE...]: packs a binary with further files, and writes the list of its crates
binary() {
    program=$1 name=$1-$version-$target
    shift
    mkdir -p "$staging/$name"
    cp "$binaries/$program" "$@" "$staging/$name"
    pack "$name"
    sh scripts/sbom.sh "$program" "$target" >"$dist/$name.cdx.json"
}

sums() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum "$@"
    else
        shasum -a 256 "$@"
    fi
}

components
binaries=${DIST_BINARIES:-}
[ -n "$binaries" ] || build_binaries
binary webhook-sender deploy/systemd/webhook-sender.service
binary spin-local
(cd "$dist" && sums -- *.tar.gz *.cdx.json >"$staging/SHA256SUMS")
mv "$staging/SHA256SUMS" "$dist"
printf 'in %s\n' "$dist"

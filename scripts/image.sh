#!/bin/sh
# Builds the content of the container images.
#
#   image.sh build NAME OUT    builds the files that are copied into the image: the Dockerfiles run this
#   image.sh root NAME ROOT    creates the files of the image's last stage without an engine: builds the
#                              same files, then follows the COPY lines of its Dockerfile. The files of
#                              the base image are not included.
#
# NAME is `sender` or `apps`. IMAGE_PROFILE selects the cargo profile, `release` by default;
# IMAGE_OPTIONS replaces the options of the sender's build, which are those of the feature `kafka`.
set -eu

fail() {
    printf 'image.sh: %s\n' "$1" >&2
    exit 1
}

[ $# -eq 3 ] || fail 'usage: image.sh build|root sender|apps FOLDER'
verb=$1 name=$2
mkdir -p "$3"
folder=$(cd "$3" && pwd)
cd "$(dirname "$0")/.."
profile=${IMAGE_PROFILE:-release}

# built TARGET BINARY: prints the path of a binary
built() {
    case $profile in
        dev) printf '%s\n' "${CARGO_TARGET_DIR:-target}/$1/debug/$2" ;;
        *) printf '%s\n' "${CARGO_TARGET_DIR:-target}/$1/$profile/$2" ;;
    esac
}

# For the machine's own architecture.
build_sender() {
    target="$(uname -m)-unknown-linux-musl"
    . scripts/musl.sh
    [ -s /etc/ssl/certs/ca-certificates.crt ] ||
        fail 'ca-certificates is missing: sh scripts/setup-image.sh'
    # IMAGE_OPTIONS is split into options.
    # shellcheck disable=SC2086
    CARGO_PROFILE_RELEASE_LTO=thin \
        cargo build --profile "$profile" --target "$target" --bin webhook-sender \
            ${IMAGE_OPTIONS:---features webhook-sender/kafka}
    cp "$(built "$target" webhook-sender)" "$1/webhook-sender"
    cp /etc/ssl/certs/ca-certificates.crt "$1/ca-certificates.crt"
    mkdir -p "$1/state/webhook-sender"
}

build_apps() {
    wasm='cargo build --target-dir target --release --target wasm32-wasip2'
    # In a command of its own, as in the Makefile.
    $wasm -p hmac-component
    $wasm -p webhook-producer -p webhook-consumer -p webhook-guard
    sh scripts/lay-out-apps.sh "$1/apps"
    CARGO_PROFILE_RELEASE_LTO=thin cargo build --profile "$profile" --bin spin-local
    cp "$(built . spin-local)" "$1/spin-local"
    mkdir -p "$1/state/spin"
}

# Prints the instructions of the last stage, one per line.
last_stage() {
    awk '
        /^[[:space:]]*(#|$)/ { next }
        { whole = whole $0 }
        /\\$/ { sub(/\\$/, " ", whole); next }
        whole ~ /^FROM / { stage = "" }
        { stage = stage whole "\n"; whole = "" }
        END { printf "%s", stage }
    ' "deploy/container/$name.Dockerfile"
}

# place SOURCE DESTINATION OWNER: copies as COPY does: of a folder, its content
place() {
    [ -e "$1" ] || fail "\`$1\` is not there to be copied"
    if [ -d "$1" ]; then
        mkdir -p "$2"
        cp -R "$1/." "$2/"
        placed=$(ls -A "$1" | sed "s|^|$2/|")
    else
        mkdir -p "$(dirname "$2")"
        cp "$1" "$2"
        placed=$2
    fi
    if [ -n "$3" ] && [ "$(id -u)" -eq 0 ]; then
        printf '%s\n' "$placed" | while read -r path; do chown -R "$3" "$path"; done
    fi
}

# copy ROOT OUT ARGUMENT...: follows one COPY line
copy() {
    root=$1 source=. owner=
    out=$2
    shift 2
    while :; do
        case $1 in
            --from=build) source=$out ;;
            --chown=*) owner=${1#--chown=} ;;
            --*) fail "COPY $1 is not understood" ;;
            *) break ;;
        esac
        shift
    done
    [ $# -eq 2 ] || fail "COPY $*: one source and one destination are understood"
    case $source,$1 in
        .,/*) fail "COPY $1: it starts outside the tree" ;;
        .,*) place "./$1" "$root$2" "$owner" ;;
        *,/out/*) place "$out/${1#/out/}" "$root$2" "$owner" ;;
        *) fail "COPY --from=build $1: only what is built into /out is there" ;;
    esac
}

root() {
    [ -z "$(ls -A "$1")" ] || fail "\`$1\` is not empty"
    out=$(mktemp -d "${TMPDIR:-/tmp}/image.XXXXXX")
    trap 'rm -rf "$out"' EXIT
    "build_$name" "$out"
    last_stage | sed -n 's/^COPY //p' >"$out/.copies"
    while read -r line; do
        # The line is split into arguments.
        # shellcheck disable=SC2086
        copy "$1" "$out" $line
    done <"$out/.copies"
}

case $verb,$name in
    build,sender | build,apps) "build_$name" "$folder" ;;
    root,sender | root,apps) root "$folder" ;;
    *) fail "\`$verb $name\` is not understood" ;;
esac

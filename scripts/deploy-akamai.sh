#!/bin/sh
# Builds the producer and the consumer with their stores on a server, and deploys both to Akamai Functions
# with their tokens. Usage: API_TOKEN=… HANDSHAKE_TOKEN=… STORE_URL=postgres://… deploy-akamai.sh
# (`make deploy-akamai`). Needs `spin aka login` first, and for PostgreSQL the tables of
# `migrations.postgres.sql`. The plugin links each app's folder to the app that its first deployment
# creates; PRODUCER_APP_ID and CONSUMER_APP_ID select other apps, for a folder that is not linked.
# Reports anything that is missing, and then nothing is deployed.
set -eu

cd "$(dirname "$0")/.."
spin=${SPIN:-spin}

missing() {
    printf 'missing: %s\n' "$1" >&2
    exit 2
}

# token NAME VALUE WHY: rejects a token that is too short, or that a header or a query would change
token() {
    [ -n "$2" ] || missing "$1 in the environment: without it $3"
    [ "${#2}" -ge 16 ] || missing "$1 of 16 characters or more: this one has ${#2}"
    case $2 in
    *[!A-Za-z0-9._~-]*) missing "$1 of letters, digits and . _ ~ - only" ;;
    esac
}
token API_TOKEN "${API_TOKEN:-}" 'anyone may register at the producer and fire'
token HANDSHAKE_TOKEN "${HANDSHAKE_TOKEN:-}" 'anyone may give the consumer a key'

# The address is not shown: it may contain a password. It becomes part of a JSON file.
case ${STORE_URL:-} in
'') missing 'STORE_URL in the environment: the platform has no SQLite, so the apps need a server' ;;
*[\"\\]*) missing 'STORE_URL without quotes and backslashes: encode them with %' ;;
postgres://* | postgresql://*) store=postgres ;;
redis://* | rediss://*) store=redis ;;
*) missing 'STORE_URL of the form postgres://user:password@host/database or rediss://host:port' ;;
esac

[ "$spin" != spin-local ] ||
    missing 'the Spin CLI: spin-local deploys nothing'
command -v "$spin" >/dev/null 2>&1 ||
    missing "the Spin CLI 4.0.1 or later: \`$spin\` is not on the PATH. SPIN=/path/to/spin names another"
"$spin" aka --version >/dev/null 2>&1 </dev/null ||
    missing "the plugin \`aka\`: spin plugins install aka"

CARGO_TARGET_DIR=$PWD/target
export CARGO_TARGET_DIR
for app in webhook-producer webhook-consumer; do
    "$spin" build --from "$app/spin.$store.toml"
done

# The plugin reads variables from a file, so that the process list shows no secret.
values=$(umask 077 && mktemp -d "${TMPDIR:-/tmp}/deploy-akamai.XXXXXX")
trap 'rm -rf "$values"' EXIT
trap 'exit 130' INT TERM

# host PORT: prints the host and port of STORE_URL, with this default port
host() {
    address=${STORE_URL#*://}
    address=${address%%[/?]*}
    address=${address##*@}
    case $address in
    *:*) printf '%s' "$address" ;;
    *) printf '%s:%s' "$address" "$1" ;;
    esac
}

# deploy APP ID VARIABLE VALUE [VARIABLE VALUE]: deploys an app with these variables and its store
deploy() {
    app=$1 id=$2
    shift 2
    file=$values/$app.json
    printf '{ "store_url": "%s"' "$STORE_URL" >"$file"
    while [ $# -gt 0 ]; do
        printf ', "%s": "%s"' "$1" "$2" >>"$file"
        shift 2
    done
    printf ' }\n' >>"$file"
    # In the app's folder, which the plugin links to the app of the account.
    (
        cd "$app"
        "$spin" aka deploy --from "spin.$store.toml" ${id:+--app-id "$id"} --no-confirm \
            --variable "@$file"
    )
    rm -f "$file"
}

producer=${PRODUCER_APP_ID:-} consumer=${CONSUMER_APP_ID:-}
if [ "$store" = postgres ]; then
    deploy webhook-producer "$producer" api_token "$API_TOKEN" store_host "$(host 5432)"
    deploy webhook-consumer "$consumer" handshake_token "$HANDSHAKE_TOKEN" store_host "$(host 5432)"
else
    deploy webhook-producer "$producer" api_token "$API_TOKEN"
    deploy webhook-consumer "$consumer" handshake_token "$HANDSHAKE_TOKEN" store_host "$(host 6379)"
fi

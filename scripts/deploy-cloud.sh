#!/bin/sh
# Builds the producer and the consumer, and deploys both to Fermyon Cloud with their tokens and one
# database. Usage: API_TOKEN=… HANDSHAKE_TOKEN=… deploy-cloud.sh (`make deploy-cloud`). Needs `spin cloud
# login` first. DATABASE and STORE name the cloud's resources, `signed-webhooks` both.
# Reports anything that is missing, and then nothing is deployed.
set -eu

cd "$(dirname "$0")/.."
spin=${SPIN:-spin}
database=${DATABASE:-signed-webhooks}
store=${STORE:-signed-webhooks}

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
token HANDSHAKE_TOKEN "${HANDSHAKE_TOKEN:-}" "anyone may give the consumer a key"

[ "$spin" != spin-local ] ||
    missing 'the Spin CLI: spin-local deploys nothing'
command -v "$spin" >/dev/null 2>&1 ||
    missing "the Spin CLI 4.0.1 or later: \`$spin\` is not on the PATH. SPIN=/path/to/spin names another"
"$spin" cloud --version >/dev/null 2>&1 </dev/null ||
    missing "the plugin \`cloud\`: spin plugins install cloud"

CARGO_TARGET_DIR=$PWD/target
export CARGO_TARGET_DIR
for app in webhook-producer webhook-consumer; do
    "$spin" build --from "$app"
done

strict=
trap 'rm -f "$strict"' EXIT
trap 'exit 130' INT TERM

# deploy APP VARIABLE VALUE [OPTION...]: the cloud sets variables after an app is in service.
# The variable is therefore deployed without its default, and the app rejects every request until it is set.
deploy() {
    app=$1 variable=$2 value=$3
    shift 3
    strict=$app/spin.cloud.toml
    sed "s/^$variable = { default = \"\", /$variable = { required = true, /" "$app/spin.toml" >"$strict"
    grep -q "^$variable = { required = true, " "$strict" || missing "a variable $variable in $app/spin.toml"
    # The plugin accepts values only on its command line.
    "$spin" cloud deploy --from "$strict" --variable "$variable=$value" \
        --link "sqlite:default=$database" "$@"
    rm -f "$strict"
}

deploy webhook-producer api_token "$API_TOKEN"
"$spin" cloud sqlite execute --database "$database" @migrations.sql
deploy webhook-consumer handshake_token "$HANDSHAKE_TOKEN" --link "kv:default=$store"

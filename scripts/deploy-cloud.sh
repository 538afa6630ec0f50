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

. scripts/deploy-checks.sh

plugin cloud

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

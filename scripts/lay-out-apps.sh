#!/bin/sh
# Lays the built apps out by themselves, away from the tree: lay-out-apps.sh FOLDER
#
#   FOLDER/hmac_component.wasm, webhook_producer.wasm, webhook_consumer.wasm, webhook_guard.wasm
#   FOLDER/hmac.wasm, the first of them under a name that is a component's
#   FOLDER/migrations.sql
#   FOLDER/webhook-producer/spin.toml, FOLDER/webhook-consumer/spin.toml
#   FOLDER/webhook-producer/migrations.sql, a link to the one above
#
# The manifests are the tree's, but find the components in FOLDER and say nothing of building them.
set -eu

folder=$1
cd "$(dirname "$0")/.."
built=target/wasm32-wasip2/release

mkdir -p "$folder"
for name in hmac_component webhook_producer webhook_consumer webhook_guard; do
    cp "$built/$name.wasm" "$folder/$name.wasm"
done
cp "$built/hmac_component.wasm" "$folder/hmac.wasm"
cp migrations.sql "$folder"
for app in webhook-producer webhook-consumer; do
    mkdir -p "$folder/$app"
    awk -v "build=[component.$app.build]" '
        /^\[/ { skipped = $0 == build }
        !skipped { gsub("([.][.]/target/wasm32-wasip2/release|built)/", "../"); print }
    ' "$app/spin.toml" >"$folder/$app/spin.toml"
done
ln -sf ../migrations.sql "$folder/webhook-producer/migrations.sql"

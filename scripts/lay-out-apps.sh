#!/bin/sh
# Copies the built apps into a folder outside of the tree: lay-out-apps.sh FOLDER
#
#   FOLDER/hmac_component.wasm, webhook_producer.wasm, webhook_consumer.wasm, webhook_guard.wasm
#   FOLDER/hmac.wasm, the first of them under a valid component name
#   FOLDER/migrations.sql
#   FOLDER/webhook-producer/spin.toml, FOLDER/webhook-consumer/spin.toml
#   FOLDER/webhook-producer/migrations.sql, a link to the one above
#
# The manifests are those of the tree, with components in FOLDER and without build commands.
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

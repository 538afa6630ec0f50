# Sourced by the demos with `runtime` set: provides a folder for their processes, stops all of them at the
# end, and starts apps.

work=$(mktemp -d "${TMPDIR:-/tmp}/signed-webhooks.XXXXXX")
pids=

fail() {
    printf '\ndemo failed: %s\n' "$1" >&2
    cat "$work"/*.out >&2 2>/dev/null || true
    exit 1
}

stop() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

command -v curl >/dev/null 2>&1 || fail 'curl is missing'

# The options of a consumer, as in the original sample.
open='--variable open_handshake=true --variable weakest_scheme=plain'

# launch NAME FOLDER ADDRESS [OPTION...]: runs an app until it serves or ends; sets pid and url
launch() {
    name=$1 folder=$2 address=$3
    shift 3
    : >"$work/$name.out"
    "$runtime" up --from "$folder" --listen "$address" --state-dir "$work/$name" --quiet \
        "$@" >"$work/$name.out" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        if grep -q '^Serving http://' "$work/$name.out"; then
            pids="$pids $pid"
            url=$(sed -n 's/^Serving //p' "$work/$name.out")
            return 0
        fi
        sleep 0.1
    done
    return 1
}

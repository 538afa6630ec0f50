# For scripts that run long steps, which source it: shows durations, and keeps the last one of each
# step under `target/times`.

times=target/times

# clock SECONDS: prints minutes and seconds
clock() {
    printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# last_time STEP: prints the seconds that the step took the last time, or nothing
last_time() {
    [ ! -f "$times/$1" ] || cat "$times/$1"
}

# about STEP: prints ` of about 1:23`, or nothing
about() {
    last=$(last_time "$1")
    [ -z "$last" ] || printf ' of about %s' "$(clock "$last")"
}

# keep_time STEP SECONDS
keep_time() {
    mkdir -p "$times"
    printf '%s\n' "$2" >"$times/$1"
}

# Sourced by the demos of the sender with `runtime` and `sender` set: what `stage.sh` provides, a consumer,
# and the commands of a sender.

. "$(dirname "$0")/stage.sh"

# until_found FILE PATTERN WHAT [COUNT]: waits for a line, or for so many, at most two minutes
until_found() {
    tries=0
    until [ "$(grep -c "$2" "$1" 2>/dev/null)" -ge "${4:-1}" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || fail "$3"
        sleep 0.1
    done
}

# free_port FIRST: prints a port from FIRST on that nothing listens on
free_port() {
    port=$1
    # curl ends with 7 where nothing accepts the connection.
    while curl -s --max-time 1 "telnet://127.0.0.1:$port" </dev/null >/dev/null 2>&1 || [ $? -ne 7 ]; do
        port=$((port + 1))
    done
    echo "$port"
}

# start_consumer: launches the Spin consumer, on a free port if its own is in use; sets consumer
start_consumer() {
    # $open is split into options.
    # shellcheck disable=SC2086
    launch consumer webhook-consumer 127.0.0.1:3002 $open ||
        launch consumer webhook-consumer 127.0.0.1:0 $open || fail 'the consumer does not start'
    consumer=$url
    printf 'serving the consumer at %s\n' "$consumer"
    sh "$(dirname "$0")/say-open.sh"
}

# show COMMAND...: prints a command of the sender, and runs it
show() {
    printf '\n$ webhook-sender %s\n' "$*"
    "$sender" "$@" || fail "webhook-sender $1"
}

# start_sender: runs the sender with the configuration on standard input, to which it adds what a consumer
# on this machine needs; exports SENDER_URL
start_sender() {
    # The consumer listens on loopback and uses plain HTTP; by default neither is allowed.
    {
        cat
        printf '[api]\nlisten = "127.0.0.1:0"\n[delivery]\nallow_http = true\n'
        printf 'allow_networks = ["127.0.0.0/8"]\n'
    } >"$work/sender.toml"
    show check --config "$work/sender.toml"
    "$sender" run --config "$work/sender.toml" >"$work/sender.out" 2>"$work/log.out" &
    pids="$pids $!"
    until_found "$work/sender.out" '^listening on' 'the sender does not start'
    SENDER_URL=$(sed -n 's/^listening on //p' "$work/sender.out")
    export SENDER_URL
    printf 'the sender is at %s\n' "$SENDER_URL"
}

# add_endpoint URL OPTION...: adds an endpoint to the tenant `acme`. The output of the command contains the
# secret, which must not be displayed.
add_endpoint() {
    show endpoints --tenant acme add "$@" >"$work/added.out"
    sed 's/^secret .*/secret   …/' "$work/added.out"
}

# consumer_verified COUNT: prints the consumer's log, and fails unless it has verified so many payloads
consumer_verified() {
    printf '\n--- log of the consumer\n'
    cat "$work/consumer/logs/"*_stdout.txt
    verified=$(cat "$work/consumer/logs/"*_stdout.txt | grep -c 'Payload verification result: true')
    [ "$verified" -eq "$1" ] || fail "the consumer verified $verified payloads instead of $1"
}

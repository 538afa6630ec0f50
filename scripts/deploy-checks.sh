# Shared by the scripts that deploy to a platform of Spin: checks of the environment. Sourced after `spin` is
# set.

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

# plugin NAME: checks that the Spin CLI is there, with this plugin
plugin() {
    [ "$spin" != spin-local ] ||
        missing 'the Spin CLI: spin-local deploys nothing'
    command -v "$spin" >/dev/null 2>&1 ||
        missing "the Spin CLI 4.0.1 or later: \`$spin\` is not on the PATH. SPIN=/path/to/spin names another"
    "$spin" "$1" --version >/dev/null 2>&1 </dev/null ||
        missing "the plugin \`$1\`: spin plugins install $1"
}

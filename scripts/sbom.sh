#!/bin/sh
# Prints the crates of a binary of the workspace, as a CycloneDX document:
# sbom.sh BINARY TARGET
#
# The sources are `cargo tree`, which knows the features of this binary on this target, and Cargo.lock,
# which has the SHA-256 of every archive. The document is reproducible: its time is that of the commit.
# The C and assembly of build scripts (SQLite, zstd, ring) is part of the crates that are named.
set -eu

binary=$1
target=$2
cd "$(dirname "$0")/.."
# The features of the archives.
case $binary in
    webhook-sender) features='--features kafka' ;;
    *) features= ;;
esac
# $features is split into options.
# shellcheck disable=SC2086
tree=$(cargo tree $features --locked --package "$binary" --target "$target" --edges normal,build \
    --prefix depth --charset ascii --format ' {p}|{l}')
time=$(TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || true)

printf '%s\n' "$tree" | awk -v binary="$binary" -v time="$time" '
    function quoted(text) {
        gsub(/\\/, "\\\\", text)
        gsub(/"/, "\\\"", text)
        return "\"" text "\""
    }
    # Older crates put a slash where SPDX has OR.
    function expression(license) {
        gsub(/ *\/ */, " OR ", license)
        return license
    }
    function component(kind, ref,    text) {
        text = "{\"type\": \"" kind "\", \"bom-ref\": " quoted(ref) ", \"name\": " quoted(name[ref])
        text = text ", \"version\": " quoted(version[ref])
        if (license[ref] != "")
            text = text ", \"licenses\": [{\"expression\": " quoted(license[ref]) "}]"
        # Our own crates are in no registry.
        if (ours[ref]) return text "}"
        if (sum[ref] != "")
            text = text ", \"hashes\": [{\"alg\": \"SHA-256\", \"content\": \"" sum[ref] "\"}]"
        return text ", \"purl\": \"pkg:cargo/" name[ref] "@" purl(version[ref]) "\"}"
    }
    function purl(version) {
        gsub(/[+]/, "%2B", version)
        return version
    }

    FILENAME == "Cargo.lock" {
        gsub(/"/, "", $3)
        if ($1 == "name") locked = $3
        if ($1 == "version") locked = locked " " $3
        if ($1 == "checksum") sum[locked] = $3
        next
    }
    {
        # DEPTH NAME vVERSION (WHERE, OR A MACRO)... LICENSE, seen before (*)
        split($0, half, "|")
        sub(/ [(][*][)]$/, "", half[2])
        split(half[1], word, " ")
        depth = word[1]
        ref = word[2] " " substr(word[3], 2)
        above[depth] = ref
        if (!(ref in name)) {
            order[++count] = ref
            name[ref] = word[2]
            version[ref] = substr(word[3], 2)
            license[ref] = expression(half[2])
            ours[ref] = half[1] ~ /[(]\//
        }
        if (depth > 0 && !((above[depth - 1], ref) in edge)) {
            edge[above[depth - 1], ref]
            needs[above[depth - 1]] = needs[above[depth - 1]] ", " quoted(ref)
        }
    }
    END {
        print "{"
        print "  \"$schema\": \"http://cyclonedx.org/schema/bom-1.6.schema.json\","
        print "  \"bomFormat\": \"CycloneDX\","
        print "  \"specVersion\": \"1.6\","
        print "  \"version\": 1,"
        print "  \"metadata\": {"
        if (time != "") print "    \"timestamp\": \"" time "\","
        print "    \"component\": " component("application", order[1])
        print "  },"
        print "  \"components\": ["
        for (i = 2; i <= count; i++)
            print "    " component("library", order[i]) (i < count ? "," : "")
        print "  ],"
        print "  \"dependencies\": ["
        for (i = 1; i <= count; i++)
            print "    {\"ref\": " quoted(order[i]) ", \"dependsOn\": [" \
                substr(needs[order[i]], 3) "]}" (i < count ? "," : "")
        print "  ]"
        print "}"
    }
' Cargo.lock -

# Sourced by the set-up scripts: installs packages of the system, and pinned Python and Node packages in
# folders under `target/`. Packages of languages that cannot be installed are named on standard error; this
# is not an error.

# leave_out WHAT WHY
leave_out() {
    printf 'left out: %s: %s\n' "$1" "$2" >&2
}

# may_install: succeeds if the system has apt and this user may install packages, and sets `as_root` to the
# words in front of a command that does
may_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    as_root=
    [ "$(id -u)" -ne 0 ] || return 0
    as_root='sudo -n'
    command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null
}

# apt PACKAGE...: installs Debian packages, if this user may. The list of packages is fetched only if it is
# missing or outdated, so that one set-up script after another does not fetch it.
apt() {
    may_install || return 1
    echo "installing $*" >&2
    install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
    $install "$@" >/dev/null 2>&1 || { $as_root apt-get update -qq >&2 && $install "$@" >/dev/null; }
}

# homebrew PACKAGE...: installs packages with Homebrew, if the system has it
homebrew() {
    command -v brew >/dev/null 2>&1 && brew install "$@"
}

has_python() {
    python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

has_node() {
    command -v npm >/dev/null 2>&1 &&
        node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null
}

# python_packages FOLDER REQUIREMENTS WHAT: creates a virtual environment with exactly these packages
python_packages() {
    if cmp -s "$2" "$1/installed.txt" && "$1/bin/python" -c '' 2>/dev/null; then
        return 0
    fi
    has_python || apt python3 python3-venv || true
    if ! has_python; then
        leave_out "$3" 'Python 3.10 or later with `venv` is missing'
        return 0
    fi
    rm -rf "$1"
    python3 -m venv "$1"
    # Every package is pinned, transitive ones too, so pip resolves nothing.
    if "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$2"; then
        cp "$2" "$1/installed.txt"
    else
        leave_out "$3" 'pip could not install them'
    fi
}

# node_packages FOLDER SOURCE WHAT: installs the packages of SOURCE/package-lock.json in FOLDER/node_modules
node_packages() {
    if cmp -s "$2/package-lock.json" "$1/installed.json" && [ -d "$1/node_modules" ]; then
        return 0
    fi
    has_node || apt nodejs npm || true
    if ! has_node; then
        leave_out "$3" 'Node 18 or later with `npm` is missing'
        return 0
    fi
    rm -rf "$1"
    mkdir -p "$1"
    cp "$2/package.json" "$2/package-lock.json" "$2/.npmrc" "$1"
    if npm ci --prefix "$1" --no-audit --no-fund --loglevel=error >&2; then
        cp "$2/package-lock.json" "$1/installed.json"
    else
        leave_out "$3" 'npm could not install them'
    fi
}

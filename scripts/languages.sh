# Sourced by the set-up scripts: installs pinned Python and Node packages in folders under `target/`.
# Packages that cannot be installed are named on standard error; this is not an error.

# leave_out WHAT WHY
leave_out() {
    printf 'left out: %s: %s\n' "$1" "$2" >&2
}

# apt PACKAGE...: installs Debian packages, if the system has apt and this user may
apt() {
    command -v apt-get >/dev/null 2>&1 || return 1
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root='sudo -n'
    else
        return 1
    fi
    $as_root apt-get update -qq >&2 &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >&2
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

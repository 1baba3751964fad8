#!/usr/bin/env bash
# pgx 4 and its pool, with Debian's Go and packages.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$cache/go GOFLAGS=
quietly go build -o "$cache/pgx-suite" "$clients/pgx/main.go"
"$cache/pgx-suite" || failures=$((failures + 1))
finish

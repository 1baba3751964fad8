#!/usr/bin/env bash
# What Prisma's native schema engine sends, replayed by a program in Rust.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

cargo_run prisma-native || failures=$((failures + 1))
psql -X -q -c 'drop schema if exists prisma_native' >/dev/null 2>&1 || true
finish

#!/usr/bin/env bash
# sqlx: migrations, pool, transactions, from a program in Rust.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

cargo_run sqlx-suite || failures=$((failures + 1))
finish

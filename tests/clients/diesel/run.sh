#!/usr/bin/env bash
# diesel on libpq: migrations, queries, transactions, from a program in Rust.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

cargo_run diesel-suite || failures=$((failures + 1))
finish

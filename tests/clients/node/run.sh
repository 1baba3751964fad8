#!/usr/bin/env bash
# node-postgres (with pg-cursor and pg-query-stream) and postgres.js.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

use_node
npm_project "$clients/node"
node node-postgres.mjs || failures=$((failures + 1))
node postgres-js.mjs || failures=$((failures + 1))
finish

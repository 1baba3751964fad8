#!/usr/bin/env bash
# Knex: migrations, seeds, queries.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

use_node
npm_project "$clients/knex"
node knex.mjs || failures=$((failures + 1))
finish

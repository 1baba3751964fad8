#!/usr/bin/env bash
# Sequelize 6: sync, changes to the tables, and the usual calls.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

use_node
npm_project "$clients/sequelize"
node sequelize.mjs || failures=$((failures + 1))
finish

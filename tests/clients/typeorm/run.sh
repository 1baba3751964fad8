#!/usr/bin/env bash
# TypeORM: synchronize, migrations, and the usual calls.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

use_node
npm_project "$clients/typeorm"
node typeorm.mjs || failures=$((failures + 1))
finish

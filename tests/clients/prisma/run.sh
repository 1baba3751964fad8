#!/usr/bin/env bash
# Prisma Client 7: generate, then the generated client through the pg adapter.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

drop() { psql -X -q -c 'drop table if exists prisma_post' -c 'drop table if exists prisma_author' 2>/dev/null || true; }
trap drop EXIT

use_node
npm_project "$clients/prisma"
drop
equal 'the tables are made' '' "$(psql -X -q -v ON_ERROR_STOP=1 -f tables.sql 2>&1 || true)"

# Any program will do: `generate` wants to know where the schema engine is (it would
# download it), and does not start it.
rm -rf generated
output=$(PRISMA_SCHEMA_ENGINE_BINARY=$(type -P true) CHECKPOINT_DISABLE=1 npx --no-install prisma generate 2>&1) || true
contains 'prisma generate' 'Generated Prisma Client' "$output"

node --import tsx client.ts || failures=$((failures + 1))
finish

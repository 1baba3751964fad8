#!/usr/bin/env bash
# Prisma Migrate 6: the checks of prisma-migrate, with the older CLI and the engine of its version.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
source "$clients/lib/plain.sh"
source "$clients/prisma-migrate/checks.sh"

use_node
npm_project "$clients/prisma6-migrate"
cp "$clients"/prisma-migrate/{schema-engine.mjs,adapter.mjs,seed.ts,client.ts,connect.ts} .
trap 'drop_everything; plain_stop' EXIT
plain_start shadow
export SHADOW_DATABASE_URL="postgresql://shadow@localhost/postgres?host=$plain_directory"
export PRISMA_SCHEMA_ENGINE_BINARY=$PWD/schema-engine.mjs
# shellcheck disable=SC2034 # checks.sh reads these
EXECUTE_FLAGS=(--schema prisma/schema.prisma)
# shellcheck disable=SC2034
GENERATOR='generator client {
  provider   = "prisma-client"
  output     = "../generated"
  engineType = "client"
}
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
  shadowDatabaseUrl = env("SHADOW_DATABASE_URL")
}'

drop_everything
migrate_checks
finish

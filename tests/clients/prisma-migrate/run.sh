#!/usr/bin/env bash
# Prisma Migrate 7, with a plain PostgreSQL beside it as the shadow database.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
source "$clients/lib/plain.sh"
source "$clients/prisma-migrate/checks.sh"

use_node
npm_project "$clients/prisma-migrate"
trap 'drop_everything; plain_stop' EXIT
plain_start shadow
export SHADOW_DATABASE_URL="postgresql://shadow@localhost/postgres?host=$plain_directory"
export PRISMA_SCHEMA_ENGINE_BINARY=$PWD/schema-engine.mjs
# shellcheck disable=SC2034 # checks.sh reads it
GENERATOR='generator client {
  provider   = "prisma-client"
  output     = "../generated"
  engineType = "client"
}
datasource db {
  provider = "postgresql"
}'

drop_everything
migrate_checks
finish

# shellcheck shell=bash disable=SC2154 # env.sh sets them
# Sourced by the suites of both versions of Prisma, in the directory of the npm project: one
# project's life, from `migrate deploy` to `migrate reset`.
#
# GENERATOR is the text of the schema's head, SHADOW_DATABASE_URL a database of a plain PostgreSQL.
# EXECUTE_FLAGS, an array, are what `db execute` needs besides.

unset DATABASE_URL
export CHECKPOINT_DISABLE=1 NO_COLOR=1
# url [SCHEMA [USER]]
url() { echo "postgresql://${2:-$PGUSER}@$PGHOST:$PGPORT/$PGDATABASE?schema=${1:-public}"; }
# prisma URL ARGUMENT...: both streams, and what it exits with in the last line.
prisma() {
    local url=$1 status=0
    shift
    DATABASE_URL=$url timeout 60 node_modules/.bin/prisma "$@" 2>&1 </dev/null || status=$?
    echo "exit status $status"
}
# prisma_says NAME PART URL ARGUMENT...: succeeds, and says this.
prisma_says() {
    local name=$1 part=$2 output
    shift 2
    output=$(prisma "$@")
    if [[ $output == *'exit status 0' ]]; then
        contains "$name" "$part" "$output"
    else
        not_ok "$name" "$output"
    fi
}
# prisma_fails NAME PART URL ARGUMENT...: fails, and says this.
prisma_fails() {
    local name=$1 part=$2 output
    shift 2
    output=$(prisma "$@")
    if [[ $output != *'exit status 0' ]]; then
        contains "$name" "$part" "$output"
    else
        not_ok "$name" 'it succeeds:' "$output"
    fi
}
# model NAME: the schema that Prisma sees from now on.
model() { { echo "$GENERATOR" && cat "$clients/prisma-migrate/models/$1.prisma"; } >prisma/schema.prisma; }
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@" 2>&1; }

tables='"_PostToTag" "Tag" "Post" "User" "Executed" "Label" "_prisma_migrations"'
role=prisma_role
drop_everything() {
    local schema table
    for schema in public prisma_pushed prisma_pair prisma_own; do
        for table in $tables; do sql -c "drop table if exists $schema.$table" || true; done
        [[ $schema == public ]] || sql -c "drop schema if exists $schema cascade" || true
    done
    for table in $(sql -c "select rolname from pg_roles where rolname = '$role'"); do
        sql -c "revoke all on schema public from $table" -c "drop role $table" || true
    done
} >/dev/null 2>&1

project() {
    rm -rf prisma
    mkdir prisma
    cp -R "$clients/prisma-migrate/migrations" prisma/migrations
    model second
}

migrate_checks() {
    local output broken
    project
    prisma_says 'prisma generate' 'Generated Prisma Client' "$(url)" generate

    # --- a deployment -----------------------------------------------------------------
    prisma_fails 'migrate status before' 'have not yet been applied' "$(url)" migrate status
    prisma_says 'migrate deploy' 'All migrations have been successfully applied' "$(url)" migrate deploy
    prisma_says 'migrate deploy with nothing to do' 'No pending migrations to apply' "$(url)" migrate deploy
    prisma_says 'migrate status' 'Database schema is up to date!' "$(url)" migrate status
    equal 'the table of migrations' $'20260101000000_first|t|1\n20260201000000_second|t|1' \
        "$(sql -c 'select migration_name, finished_at is not null, applied_steps_count from _prisma_migrations order by 1')"
    prisma_says 'db seed' 'seeded 6 posts' "$(url)" db seed
    DATABASE_URL=$(url) node --import tsx client.ts "$suite" || failures=$((failures + 1))
    output=$(prisma "$(url)" db pull --print)
    contains 'db pull finds the key' 'id     Int     @id @default(autoincrement())' "$output"
    contains 'db pull finds the relation' 'author    User     @relation(fields: [authorId], references: [id])' "$output"
    contains 'db pull finds the index' '@@index([authorId, createdAt])' "$output"
    contains 'db pull finds the default' 'published Boolean  @default(false)' "$output"

    # --- development ------------------------------------------------------------------
    model third
    prisma_says 'migrate dev' 'Your database is now in sync with your schema' \
        "$(url)" migrate dev --name third
    contains 'migrate dev writes a migration' 'CREATE TABLE "Tag"' "$(cat prisma/migrations/*_third/migration.sql 2>&1)"
    prisma_says 'migrate dev with nothing to do' 'Already in sync' "$(url)" migrate dev --name nothing
    equal 'rows that were there have the new default' '6' "$(sql -c 'select count(*) from "Post" where rating = 3 and title like $$%of%$$')"

    cat >executed.sql <<'SQL'
-- several statements in one file; two of them are DDL
create table "Executed" (id bigint primary key, text text not null);
create index executed_text on "Executed" (text);
insert into "Executed" values (1, 'one;'), (2, 'two');
SQL
    prisma_says 'db execute' 'Script executed successfully' "$(url)" db execute ${EXECUTE_FLAGS[@]+"${EXECUTE_FLAGS[@]}"} --file executed.sql
    equal 'db execute has run the whole file' '2' "$(sql -c 'select count(*) from "Executed"')"

    # --- a migration that fails ---------------------------------------------------------
    broken=prisma/migrations/29990101000000_broken
    mkdir -p "$broken"
    cat >"$broken/migration.sql" <<'SQL'
-- CreateTable
CREATE TABLE "Label" (id BIGINT PRIMARY KEY);
-- AlterTable
ALTER TABLE "User" ADD COLUMN "email" TEXT;
SQL
    prisma_fails 'a failed migration shows the server'"'"'s error' 'column "email" of relation "User" already exists' "$(url)" migrate deploy
    prisma_fails 'the next deploy is P3009' 'Error: P3009' "$(url)" migrate deploy
    prisma_fails 'migrate status knows of the failed migration' 'failed:
29990101000000_broken' "$(url)" migrate status
    prisma_says 'migrate resolve --rolled-back' 'marked as rolled back' "$(url)" migrate resolve --rolled-back 29990101000000_broken
    # Where the file was no transaction, its first statement has stayed.
    echo 'DROP TABLE IF EXISTS "Label"; CREATE TABLE "Label" (id BIGINT PRIMARY KEY);' >"$broken/migration.sql"
    prisma_says 'deploy of the corrected migration' 'All migrations have been successfully applied' "$(url)" migrate deploy
    mkdir -p prisma/migrations/29990102000000_by_hand
    echo 'CREATE TABLE "Executed" (id BIGINT PRIMARY KEY);' >prisma/migrations/29990102000000_by_hand/migration.sql
    prisma_says 'migrate resolve --applied' 'marked as applied' "$(url)" migrate resolve --applied 29990102000000_by_hand
    prisma_says 'migrate status after all' 'Database schema is up to date!' "$(url)" migrate status

    # --- reset ------------------------------------------------------------------------
    prisma_says 'migrate reset' 'Database reset successful' "$(url)" migrate reset --force
    # Prisma 6 seeds after a reset.
    equal 'migrate reset leaves no row' '0' \
        "$(sql -c $'select (select count(*) from "User" where email = \'tx@example.org\') + (select count(*) from "Executed")')"
    equal 'migrate reset leaves nothing else' '' "$(sql -c "select 'it is there' from pg_class where relname = 'executed_text'")"

    # --- without migrations, and in a schema of its own -----------------------------------
    model first
    prisma_says 'db push' 'Your database is now in sync with your Prisma schema' "$(url prisma_pushed)" db push
    prisma_says 'db push again' 'The database is already in sync' "$(url prisma_pushed)" db push
    model third
    prisma_says 'db push of changes' 'Your database is now in sync with your Prisma schema' "$(url prisma_pushed)" db push
    prisma_says 'db push of changes again' 'The database is already in sync' "$(url prisma_pushed)" db push
    equal 'db push keeps to its schema' '4' "$(sql -c "select count(*) from pg_tables where schemaname = 'prisma_pushed'")"

    # --- two at once ------------------------------------------------------------------
    project
    sql -c 'create schema prisma_pair' >/dev/null
    (prisma "$(url prisma_pair)" migrate deploy) >one.out &
    (prisma "$(url prisma_pair)" migrate deploy) >two.out
    wait $!
    equal 'two deploys at once both succeed' $'exit status 0\nexit status 0' "$(tail -qn 1 one.out two.out)"
    equal 'each migration is applied once' $'20260101000000_first\n20260201000000_second' \
        "$(sql -c 'select migration_name from prisma_pair._prisma_migrations order by 1')"

    # --- a role that is not admin -------------------------------------------------------
    sql -c "create role $role with login" -c 'create schema prisma_own' -c "grant usage, create on schema prisma_own to $role" || true
    # On DSQL a role is open to those to whom it is granted; PostgreSQL does not know the statement.
    if [[ -n ${DSQL_LOCAL_ENV:-} ]]; then
        equal 'a role is granted' '' "$(sql -c "aws iam grant $role to 'arn:aws:iam::123456789012:role/dsql-local'")"
    fi
    prisma_says 'migrate deploy as a custom role' 'All migrations have been successfully applied' "$(url prisma_own $role)" migrate deploy
    equal 'the tables are the role'"'"'s' "$role" \
        "$(sql -c "select distinct tableowner from pg_tables where schemaname = 'prisma_own'")"
    prisma "$(url)" generate >/dev/null
    prisma_says 'db seed as a custom role' 'seeded 6 posts' "$(url prisma_own $role)" db seed
    prisma_says 'migrate reset as a custom role' 'Database reset successful' "$(url prisma_own $role)" migrate reset --force
}

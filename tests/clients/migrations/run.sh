#!/usr/bin/env bash
# SQL that migration tools write: accepted or refused, statement by statement, as AWS's
# dsql-lint says. See judge.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
source "$clients/lib/plain.sh"

source=$clients/migrations
use_node
npm_project "$source"
venv "$cache/migrations-python" "$source/requirements.txt"
python=$cache/migrations-python/bin/python
export PYTHONPATH=$PWD PYTHONDONTWRITEBYTECODE=1 PGGSSENCMODE=disable

# For the tools that compare their model with a database.
trap plain_stop EXIT
export SCRATCH_USER=scratch
plain_start "$SCRATCH_USER"
export SCRATCH_HOST=$plain_directory
scratch_psql() { env -u DATABASE_URL PGHOST="$SCRATCH_HOST" PGPORT=5432 PGUSER="$SCRATCH_USER" psql -X -q "$@"; }
for database in sequelize typeorm django; do
    quietly scratch_psql -d postgres -c "create database $database"
done

mkdir -p generated
tools=(prisma sequelize typeorm drizzle django alembic)
for tool in "${tools[@]}"; do
    case $tool in
    django | alembic) generate=("$python" "$tool/generate.py") ;;
    *) generate=(node "$tool/generate.mjs") ;;
    esac
    # The scratch server is meant, whatever the tool reads from its environment.
    if ! env -u DATABASE_URL -u PGHOST -u PGUSER -u PGDATABASE PGPORT=5432 "${generate[@]}" \
        >"generated/$tool.json" 2>"generated/$tool.err"; then
        not_ok "$tool writes its SQL" "$(cat "generated/$tool.err")"
    else
        ok "$tool writes its SQL"
    fi
done
((failures == 0)) || finish

equal 'SQL is split into statements' '' "$("$python" -m doctest split.py 2>&1)"
PATH=$cache/migrations-python/bin:$PATH "$python" judge.py "${tools[@]}" || failures=$((failures + 1))
finish

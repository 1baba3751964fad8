#!/usr/bin/env bash
# SQL that migration tools write: accepted or refused, statement by statement, as AWS's
# dsql-lint says. See judge.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

source=$clients/migrations
use_node
npm_project "$source"
venv "$cache/migrations-python" "$source/requirements.txt"
python=$cache/migrations-python/bin/python
export PYTHONPATH=$PWD PYTHONDONTWRITEBYTECODE=1 PGGSSENCMODE=disable

# A plain PostgreSQL for the tools that compare their model with a database: on a Unix
# socket only, open to whoever can enter its directory.
scratch=$(mktemp -d)
finally() {
    pg_ctl stop --silent --mode=immediate >/dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap finally EXIT
# pg_ctl COMMAND...: with the data in $scratch/data, as a user who may start PostgreSQL.
as_postgres=()
if ((EUID == 0)); then
    user=$(id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody)
    chown "$user" "$scratch"
    as_postgres=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
fi
pg_ctl() {
    # The directory that this was started in may be closed to that user.
    (cd "$scratch" && "${as_postgres[@]}" "${postgres_bin:?}/pg_ctl" --pgdata=data "$@" </dev/null)
}
export SCRATCH_HOST=$scratch SCRATCH_USER=scratch
quietly pg_ctl init -o "--username=$SCRATCH_USER --auth=trust --locale=C --encoding=UTF8 --no-sync"
quietly pg_ctl start --wait --log=log -o "-c listen_addresses= -c port=5432 -c fsync=off -c unix_socket_directories=$scratch"
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

#!/usr/bin/env bash
# SQLAlchemy 2 on psycopg 3, and Alembic.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

venv "$cache/migrations-python" "$clients/migrations/requirements.txt"
export PYTHONPATH=$clients/lib PYTHONDONTWRITEBYTECODE=1
for part in with_alembic with_orm; do
    "$cache/migrations-python/bin/python" "$clients/sqlalchemy/$part.py" || failures=$((failures + 1))
done
finish

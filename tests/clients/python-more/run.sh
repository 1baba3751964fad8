#!/usr/bin/env bash
# psycopg2, asyncpg's pool, Tortoise ORM.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

venv "$cache/python-more" "$clients/python-more/requirements.txt"
export PYTHONPATH=$clients/lib PYTHONDONTWRITEBYTECODE=1
for part in with_psycopg2 with_asyncpg_pool with_tortoise; do
    "$cache/python-more/bin/python" "$clients/python-more/$part.py" || failures=$((failures + 1))
done
finish

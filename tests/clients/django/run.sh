#!/usr/bin/env bash
# Django 5.2: `migrate` with its own applications and a small one that grows, and the ORM.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

venv "$cache/migrations-python" "$clients/migrations/requirements.txt"
export PYTHONPATH=$clients/lib PYTHONDONTWRITEBYTECODE=1
"$cache/migrations-python/bin/python" "$clients/django/with_django.py" || failures=$((failures + 1))
finish

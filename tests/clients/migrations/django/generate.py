"""What `manage.py sqlmigrate` prints for the migrations of a small application.

sqlmigrate asks the database which constraints there are, so that each migration is applied
to the scratch server once it has been printed.
"""

import contextlib
import io
import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from lib import write

sys.path.insert(0, str(Path(__file__).parent))
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "shop"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["SCRATCH_HOST"],
            "USER": os.environ["SCRATCH_USER"],
            "NAME": "django",
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
)
django.setup()

written = []
for app, name in MigrationLoader(None).graph.forwards_plan(("shop", "0002_second")):
    printed = io.StringIO()
    call_command("sqlmigrate", app, name, stdout=printed, no_color=True)
    written.append(printed.getvalue())
    with contextlib.redirect_stdout(io.StringIO()):
        call_command("migrate", app, name, verbosity=0)
write(written)

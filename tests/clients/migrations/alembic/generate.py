"""What `alembic upgrade head --sql` prints."""

import io
from pathlib import Path

from alembic import command
from alembic.config import Config

from lib import write

printed = io.StringIO()
config = Config(output_buffer=printed)
config.set_main_option("script_location", str(Path(__file__).parent))
config.set_main_option("path_separator", "os")
command.upgrade(config, "head", sql=True)
write([printed.getvalue()])

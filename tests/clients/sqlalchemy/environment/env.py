"""What `alembic init` writes, for the model whose version the configuration names."""

from alembic import context
from sqlalchemy import create_engine

import models

config = context.config


def ours(name, kind, _parents):
    """Other suites' tables are none of this application's."""
    return kind != "table" or name.startswith(models.PREFIX)


engine = create_engine(config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=models.metadata(int(config.get_main_option("model"))),
        version_table=models.VERSION_TABLE,
        include_name=ours,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()

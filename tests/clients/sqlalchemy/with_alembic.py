"""Alembic: a model in three versions, each migration written by --autogenerate."""

import io
import os
import shutil
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from check import check, run
from sqlalchemy import create_engine, inspect, text

import models

URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
engine = create_engine(URL)
# The revisions are written beside a copy of env.py.
scripts = Path(tempfile.mkdtemp()) / "environment"
shutil.copytree(Path(__file__).parent / "environment", scripts)
(scripts / "versions").mkdir()


def config(model):
    made = Config(stdout=io.StringIO())
    made.set_main_option("script_location", str(scripts))
    made.set_main_option("path_separator", "os")
    made.set_main_option("sqlalchemy.url", URL)
    made.set_main_option("model", str(model))
    return made


def columns(table):
    return {column["name"]: column for column in inspect(engine).get_columns(models.PREFIX + table)}


def execute(statement, **parameters):
    with engine.begin() as connection:
        result = connection.execute(text(statement), parameters)
        return result.all() if result.returns_rows else None


def clean():
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("tag", "post", "user", "version"):
            connection.execute(text(f"drop table if exists {models.PREFIX}{table}"))


@check("alembic: there is room")
def _():
    clean()


@check("alembic: the first revision is written and applied")
def _():
    command.revision(config(1), message="first", autogenerate=True, rev_id="first")
    assert "create_table" in (scripts / "versions" / "first_first.py").read_text()
    command.upgrade(config(1), "head")
    assert set(columns("post")) == {"id", "title", "created", "user_id"}
    assert execute(f"select version_num from {models.VERSION_TABLE}") == [("first",)]


@check("alembic: rows, with automatic ids")
def _():
    for row in models.ROWS:
        [(id_,)] = execute(f"insert into {models.PREFIX}user (email, name) values (:email, :name) returning id", **row)
        execute(f"insert into {models.PREFIX}post (title, user_id) values ('t', :id)", id=id_)


@check("alembic: nothing new is found where nothing changed")
def _():
    command.check(config(1))


@check("alembic: columns with defaults, a check, a unique constraint")
def _():
    command.revision(config(2), message="second", autogenerate=True, rev_id="second")
    written = (scripts / "versions" / "second_second.py").read_text()
    assert written.count("add_column") == 3 and "create_unique_constraint" in written, written
    # Autogenerate does not see checks: a person adds them.
    written = written.replace(
        "    # ### end Alembic commands ###",
        f"    op.create_check_constraint('positive', '{models.PREFIX}user', 'balance >= 0')",
        1,
    )
    (scripts / "versions" / "second_second.py").write_text(written)
    command.upgrade(config(2), "head")
    assert execute(f"select distinct active, balance from {models.PREFIX}user") == [(True, models.BALANCE)]
    try:
        execute(f"update {models.PREFIX}user set balance = -1")
    except Exception as error:
        assert "check constraint" in str(error), error
    else:
        raise AssertionError("the check is not there")


@check("alembic: a column becomes NOT NULL, an index goes, a table comes")
def _():
    command.revision(config(3), message="third", autogenerate=True, rev_id="third")
    command.upgrade(config(3), "head")
    assert columns("user")["name"]["nullable"] is False
    assert set(columns("tag")) == {"id", "label", "post_id"}


@check("alembic: history and current agree")
def _():
    shown = config(3)
    command.current(shown)
    assert "third (head)" in shown.stdout.getvalue(), shown.stdout.getvalue()
    command.check(config(3))


@check("alembic: downgrade by one, and up again")
def _():
    command.downgrade(config(3), "-1")
    assert execute(f"select version_num from {models.VERSION_TABLE}") == [("second",)]
    command.upgrade(config(3), "head")
    assert execute(f"select count(*) from {models.PREFIX}user") == [(2,)]


@check("alembic: downgrade to nothing")
def _():
    command.downgrade(config(3), "base")
    left = [name for name in inspect(engine).get_table_names() if name.startswith(models.PREFIX)]
    assert left == [models.VERSION_TABLE], left


@check("alembic: it cleans up")
def _():
    clean()
    shutil.rmtree(scripts.parent)


run("sqlalchemy")

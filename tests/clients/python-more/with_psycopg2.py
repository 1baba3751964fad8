"""psycopg2. The server's address comes from PGHOST, PGPORT, PGUSER, PGDATABASE."""

import io
import uuid

import psycopg2
from check import check, run
from psycopg2 import errors, extensions
from psycopg2.extras import DictCursor, execute_values
from psycopg2.pool import ThreadedConnectionPool

TABLE = f"psycopg2_{uuid.uuid4().hex[:12]}"


def connect(autocommit=True, **parameters):
    connection = psycopg2.connect("", **parameters)
    connection.autocommit = autocommit
    return connection


@check("psycopg2: tables in one transaction, or one by one")
def _():
    connection = connect()
    with connection.cursor() as cursor:
        cursor.execute(f"create table {TABLE} (id bigserial primary key, name text unique, n integer)")
        cursor.execute(f"create index on {TABLE} (n)")
    connection.close()


@check("psycopg2: insert, RETURNING, execute_values, COPY")
def _():
    connection = connect(autocommit=False)
    with connection, connection.cursor(cursor_factory=DictCursor) as cursor:
        cursor.execute(f"insert into {TABLE} (name, n) values (%s, %s) returning id", ("it's", 1))
        assert isinstance(cursor.fetchone()["id"], int)
        execute_values(cursor, f"insert into {TABLE} (name, n) values %s", [(f"v{i}", i) for i in range(500)])
        cursor.copy_expert(f"copy {TABLE} (name, n) from stdin", io.StringIO("c1\t1\nc2\t2\n"))
    with connection, connection.cursor() as cursor:
        cursor.execute(f"select count(*), count(distinct id) from {TABLE}")
        assert cursor.fetchone() == (503, 503)
        out = io.StringIO()
        cursor.copy_expert(f"copy (select name from {TABLE} where name like 'c%' order by 1) to stdout", out)
        assert out.getvalue() == "c1\nc2\n"
    connection.close()


@check("psycopg2: rollback, and errors")
def _():
    connection = connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute(f"delete from {TABLE}")
        connection.rollback()
        try:
            cursor.execute(f"insert into {TABLE} (name) values ('c1')")
        except errors.UniqueViolation:
            connection.rollback()
        else:
            raise AssertionError("the duplicate was taken")
        cursor.execute(f"select count(*) from {TABLE}")
        assert cursor.fetchone() == (503,)
    connection.close()


@check("psycopg2: an isolation level")
def _():
    connection = connect(autocommit=False)
    connection.set_session(isolation_level=extensions.ISOLATION_LEVEL_REPEATABLE_READ)
    with connection.cursor() as cursor:
        cursor.execute("show transaction_isolation")
        assert cursor.fetchone() == ("repeatable read",)
    connection.close()


@check("psycopg2: a cursor on the server")
def _():
    connection = connect(autocommit=False)
    with connection.cursor("on_the_server") as cursor:
        cursor.itersize = 100
        cursor.execute(f"select n from {TABLE} where name like 'v%%' order by n")
        assert [n for (n,) in cursor] == list(range(500))
    connection.close()


@check("psycopg2: a pool, and reset")
def _():
    pool = ThreadedConnectionPool(1, 3, "")
    connection = pool.getconn()
    connection.reset()
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    pool.putconn(connection)
    pool.closeall()


@check("psycopg2: it cleans up")
def _():
    connection = connect()
    with connection.cursor() as cursor:
        cursor.execute(f"drop table {TABLE}")
    connection.close()


run("python-more")

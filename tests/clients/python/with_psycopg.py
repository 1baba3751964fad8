"""psycopg 3 on libpq 18. The server's address comes from PGHOST, PGPORT, PGUSER, PGDATABASE."""

import asyncio
import datetime
import decimal
import os
import threading
import uuid

import psycopg
from check import check, run
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

TABLE = f"psycopg_{uuid.uuid4().hex[:12]}"


def connect(**parameters):
    return psycopg.connect(autocommit=True, **parameters)


def insist(cancel, running):
    """Cancels until the statement has ended: a cancel that comes too early has no effect."""
    for _ in range(60):
        cancel()
        running.join(0.3)
        if not running.is_alive():
            return
    raise AssertionError("the statement outlived 60 cancels")


def cancelled(conn, statement="select pg_sleep(30)"):
    """Runs the statement in a thread and cancels it; returns the error it got."""
    errors = []

    def work():
        try:
            conn.execute(statement)
        except psycopg.Error as error:
            errors.append(error)

    running = threading.Thread(target=work, daemon=True)
    running.start()
    insist(lambda: conn.cancel_safe(timeout=10), running)
    assert errors, "the statement ended without an error"
    return errors[0]


@check("psycopg: this is libpq 18")
def _():
    assert psycopg.pq.version() >= 180000, psycopg.pq.version()


@check("psycopg: login")
def _():
    with connect(application_name="the suite") as conn:
        info = conn.info
        assert (info.user, info.dbname) == ("admin", "postgres"), (info.user, info.dbname)
        assert info.server_version >= 150000, info.server_version
        assert info.encoding == "utf-8", info.encoding
        assert info.parameter_status("standard_conforming_strings") == "on"
        assert info.parameter_status("integer_datetimes") == "on"
        row = conn.execute("select current_user, current_setting('application_name')").fetchone()
        assert row == ("admin", "the suite"), row


@check("psycopg: tables")
def _():
    with connect() as conn:
        conn.execute(
            f"create table {TABLE} (id uuid primary key default gen_random_uuid(), n int unique, name text not null"
            f" check (name <> 'forbidden'), amount numeric(18, 6), at timestamptz, data jsonb, raw bytea)"
        )


@check("psycopg: simple protocol, one and several statements")
def _():
    with connect() as conn:
        assert conn.execute("select 1").fetchone() == (1,)
        assert conn.execute("").description is None
        cur = conn.execute("select 1; select 2, 3; select 4 where false")
        sets = [cur.fetchall()]
        while cur.nextset():
            sets.append(cur.fetchall())
        assert sets == [[(1,)], [(2, 3)], []], sets


@check("psycopg: extended protocol, types there and back, text and binary")
def _():
    values = (
        42,
        2**62,
        1.5,
        decimal.Decimal("12345678901234567890.123456"),
        "naïve 東京 🦀",
        b"\x00\xff bytes",
        True,
        uuid.uuid4(),
        datetime.datetime(2026, 11, 21, 12, 30, 15, 123456, tzinfo=datetime.timezone.utc),
        datetime.date(1999, 12, 31),
        datetime.timedelta(days=3, seconds=7),
        None,
    )
    types = "int4 int8 float8 numeric text bytea bool uuid timestamptz date interval text".split()
    select = "select " + ", ".join(f"%s::{type_}" for type_ in types)
    with connect() as conn:
        for binary in (False, True):
            row = conn.cursor(binary=binary).execute(select, values).fetchone()
            assert row == values, (binary, row)
        assert conn.execute("select %s::jsonb", [Jsonb({"a": [1, None]})]).fetchone() == ({"a": [1, None]},)


@check("psycopg: prepared after the fifth use")
def _():
    with connect() as conn:
        for i in range(12):
            assert conn.execute("select %s::int + 1", [i]).fetchone() == (i + 1,)
        assert len(conn._prepared._names) == 1, conn._prepared._names
        # After a ROLLBACK psycopg sends DEALLOCATE ALL and prepares anew.
        try:
            with conn.transaction():
                conn.execute("select 1 / %s::int", [0])
        except psycopg.errors.DivisionByZero:
            pass
        for i in range(12):
            assert conn.execute("select %s::int + 1", [i]).fetchone() == (i + 1,)


@check("psycopg: prepared statements of two connections with the same names")
def _():
    with connect(prepare_threshold=0) as one, connect(prepare_threshold=0) as two:
        for i in range(5):
            assert one.execute("select %s::int", [i]).fetchone() == (i,)
            assert two.execute("select %s::text || '!'", [str(i)]).fetchone() == (f"{i}!",)


@check("psycopg: executemany, with RETURNING")
def _():
    with connect() as conn, conn.cursor() as cur:
        cur.executemany(
            f"insert into {TABLE} (n, name) values (%s, %s) returning n",
            [(n, f"name {n}") for n in range(500)],
            returning=True,
        )
        returned = [cur.fetchone()[0]]
        while cur.nextset():
            returned.append(cur.fetchone()[0])
        assert returned == list(range(500))
        cur.executemany(f"update {TABLE} set name = name || '!' where n = %s", [(n,) for n in range(10)])
        assert cur.rowcount == 10, cur.rowcount


@check("psycopg: pipeline")
def _():
    with connect() as conn:
        with conn.pipeline():
            cursors = [conn.execute("select %s::int * 2", [i]) for i in range(300)]
        assert [cur.fetchone()[0] for cur in cursors] == [i * 2 for i in range(300)]


@check("psycopg: an error in a pipeline skips up to the next Sync")
def _():
    with connect() as conn:
        with conn.pipeline() as pipeline:
            before = conn.execute("select 'before'")
            conn.execute("select 1 / %s::int", [0])
            skipped = conn.cursor()
            try:
                # Either may find the error: it comes as soon as the server has sent it.
                skipped.execute("select 'skipped'")
                pipeline.sync()
                raise AssertionError("no error")
            except psycopg.errors.DivisionByZero:
                pass
            assert before.fetchone() == ("before",)
            try:
                skipped.fetchone()
                raise AssertionError("the statement after the error was run")
            except (psycopg.errors.PipelineAborted, psycopg.ProgrammingError):
                pass
            after = conn.execute("select 'after'")
            pipeline.sync()
            assert after.fetchone() == ("after",)
        assert conn.execute("select 1").fetchone() == (1,)


@check("psycopg: COPY in and out, text")
def _():
    rows = [(1000 + i, ["plain", "tab\there", "line\nbreak", "back\\slash", "東京"][i % 5]) for i in range(1500)]
    with connect() as conn, conn.cursor() as cur:
        with cur.copy(f"copy {TABLE} (n, name) from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        assert cur.rowcount == 1500, cur.rowcount
        with cur.copy(f"copy (select n, name from {TABLE} where n >= 1000 order by n) to stdout") as copy:
            copy.set_types(["int4", "text"])
            assert list(copy.rows()) == rows


@check("psycopg: COPY in and out, binary")
def _():
    rows = [(3000 + i, f"binary {i}", decimal.Decimal(i) / 8, bytes([i % 256] * 100)) for i in range(1000)]
    types = ["int4", "text", "numeric", "bytea"]
    with connect() as conn, conn.cursor() as cur:
        with cur.copy(f"copy {TABLE} (n, name, amount, raw) from stdin (format binary)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
        with cur.copy(
            f"copy (select n, name, amount, raw from {TABLE} where n >= 3000 order by n) to stdout (format binary)"
        ) as copy:
            copy.set_types(types)
            assert list(copy.rows()) == rows


@check("psycopg: a COPY that the client gives up, and one that the server refuses")
def _():
    with connect() as conn:
        try:
            with conn.cursor().copy(f"copy {TABLE} (n, name) from stdin") as copy:
                copy.write_row((9000, "never"))
                raise KeyError("the client's own trouble")
        except KeyError:
            pass
        assert conn.execute(f"select count(*) from {TABLE} where n = 9000").fetchone() == (0,)
        try:
            with conn.cursor().copy(f"copy {TABLE} (n, name) from stdin") as copy:
                copy.write("not a number\tx\n")
            raise AssertionError("no error")
        except psycopg.errors.InvalidTextRepresentation:
            pass
        assert conn.execute("select 1").fetchone() == (1,)


@check("psycopg: errors carry SQLSTATE, position and names")
def _():
    cases = [
        ("select 1 / 0", "22012"),
        ("selec 1", "42601"),
        ("select * from no_such_table", "42P01"),
        ("select no_such_column", "42703"),
        ("select no_such_function()", "42883"),
        ("select 'x'::int", "22P02"),
        (f"insert into {TABLE} (n, name) values (1, 'twice')", "23505"),
        (f"insert into {TABLE} (n, name) values (-1, null)", "23502"),
        (f"insert into {TABLE} (n, name) values (-1, 'forbidden')", "23514"),
    ]
    with connect() as conn:
        for statement, sqlstate in cases:
            for parameters in (None, []):
                try:
                    # An empty list of parameters still means the simple protocol; prepare means extended.
                    conn.execute(statement, parameters, prepare=parameters is not None)
                    raise AssertionError(f"no error: {statement}")
                except psycopg.Error as error:
                    assert error.sqlstate == sqlstate, (statement, error.sqlstate, str(error))
                    diag = error.diag
                    if sqlstate == "42703":
                        assert diag.statement_position == "8", diag.statement_position
                    if sqlstate == "23505":
                        assert diag.constraint_name == f"{TABLE}_n_key", diag.constraint_name
                        assert diag.table_name == TABLE, diag.table_name
            assert conn.execute("select 1").fetchone() == (1,)


@check("psycopg: notices")
def _():
    notices = []
    with connect() as conn:
        conn.add_notice_handler(lambda notice: notices.append((notice.sqlstate, notice.message_primary)))
        conn.execute("drop table if exists no_such_table")
    assert notices == [("00000", 'table "no_such_table" does not exist, skipping')], notices


@check("psycopg: transactions")
def _():
    status = psycopg.pq.TransactionStatus
    with psycopg.connect() as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert conn.info.transaction_status == status.IDLE
        conn.execute(f"insert into {TABLE} (n, name) values (5001, 'committed')")
        assert conn.info.transaction_status == status.INTRANS
        conn.commit()
        conn.execute(f"insert into {TABLE} (n, name) values (5002, 'rolled back')")
        conn.rollback()
        try:
            with conn.transaction():
                conn.execute(f"insert into {TABLE} (n, name) values (5003, 'failed')")
                try:
                    conn.execute("select 1 / 0")
                except psycopg.errors.DivisionByZero:
                    assert conn.info.transaction_status == status.INERROR
                    conn.execute("select 1")
        except psycopg.errors.InFailedSqlTransaction:
            pass
        rows = conn.execute(f"select n from {TABLE} where n between 5000 and 5999").fetchall()
        conn.rollback()
        assert rows == [(5001,)], rows
        conn.read_only = True
        try:
            conn.execute(f"insert into {TABLE} (n, name) values (5004, 'read only')")
            raise AssertionError("a read-only transaction wrote")
        except psycopg.errors.ReadOnlySqlTransaction:
            conn.rollback()


@check("psycopg: rows one by one, and by the hundred")
def _():
    with connect() as conn, conn.cursor(row_factory=dict_row) as cur:
        for size in (1, 100):
            total = sum(row["i"] for row in cur.stream("select generate_series(1, %s) as i", [5000], size=size))
            assert total == 5000 * 5001 // 2, total


@check("psycopg: big values both ways")
def _():
    value = os.urandom(4_000_000)
    with connect() as conn:
        assert conn.execute("select %b::bytea", [value]).fetchone()[0] == value
        stored = value[:900_000]
        conn.execute(f"insert into {TABLE} (n, name, raw) values (6000, 'big', %b)", [stored])
        (back,) = conn.execute(f"select raw from {TABLE} where n = 6000").fetchone()
        assert back == stored


@check("psycopg: a pool")
def _():
    with ConnectionPool(min_size=2, max_size=4, kwargs={"autocommit": True}, check=ConnectionPool.check_connection) as pool:
        results = []

        def work(n):
            for i in range(25):
                with pool.connection() as conn:
                    results.append(conn.execute("select %s::int", [n * 100 + i]).fetchone()[0])

        workers = [threading.Thread(target=work, args=[n]) for n in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert sorted(results) == sorted(n * 100 + i for n in range(8) for i in range(25))


@check("psycopg: cancel")
def _():
    with connect() as conn:
        for _ in range(2):
            error = cancelled(conn)
            assert error.sqlstate == "57014", (error.sqlstate, str(error))
            assert conn.execute("select 1").fetchone() == (1,)


@check("psycopg: cancel in a transaction aborts it")
def _():
    with psycopg.connect() as conn:
        conn.execute(f"insert into {TABLE} (n, name) values (7001, 'cancelled')")
        assert cancelled(conn).sqlstate == "57014"
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        conn.rollback()
        assert conn.execute(f"select count(*) from {TABLE} where n = 7001").fetchone() == (0,)


@check("psycopg: a cancel when nothing runs has no effect")
def _():
    with connect() as conn:
        for _ in range(3):
            conn.cancel_safe(timeout=10)
            assert conn.execute("select 1").fetchone() == (1,)


@check("psycopg: protocol 3.2, and its cancel key")
def _():
    with connect(max_protocol_version="3.2") as conn:
        version = conn.info.full_protocol_version
        # PostgreSQL 17 and older negotiate down to 3.0. The proxy speaks 3.2.
        expected = (30002,) if "DSQL_LOCAL_ENV" in os.environ else (30000, 30002)
        assert version in expected, version
        assert conn.execute("select %s::int", [1]).fetchone() == (1,)
        assert cancelled(conn).sqlstate == "57014"
        assert conn.execute("select 1").fetchone() == (1,)
    with connect(max_protocol_version="latest") as conn:
        assert conn.execute("select 1").fetchone() == (1,)


@check("psycopg: TLS is refused plainly")
def _():
    for sslmode in ("disable", "allow", "prefer"):
        with connect(sslmode=sslmode) as conn:
            assert not conn.pgconn.ssl_in_use
    try:
        connect(sslmode="require").close()
        raise AssertionError("the server has TLS")
    except psycopg.OperationalError as error:
        assert "server does not support SSL, but SSL was required" in str(error), str(error)


@check("psycopg: many connections at once")
def _():
    connections = [connect() for _ in range(40)]
    try:
        for n, conn in enumerate(connections):
            assert conn.execute("select %s::int", [n]).fetchone() == (n,)
    finally:
        for conn in connections:
            conn.close()


@check("psycopg: asyncio, with a timeout that cancels")
async def _():
    async with await psycopg.AsyncConnection.connect(autocommit=True) as conn:
        answers = [(await (await conn.execute("select %s::int", [i])).fetchone())[0] for i in range(10)]
        assert answers == list(range(10))
        try:
            await asyncio.wait_for(conn.execute("select pg_sleep(30)"), 1)
            raise AssertionError("no timeout")
        except asyncio.TimeoutError:
            pass
        assert await (await conn.execute("select 1")).fetchone() == (1,)


if "PGUNIX" in os.environ:

    @check("psycopg: a Unix socket")
    def _():
        with connect(host=os.environ["PGUNIX"]) as conn:
            assert conn.execute("select %s::int", [1]).fetchone() == (1,)
            assert cancelled(conn).sqlstate == "57014"


try:
    run("python")
finally:
    with connect() as cleaner:
        cleaner.execute(f"drop table if exists {TABLE}")

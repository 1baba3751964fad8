"""asyncpg. The server's address comes from PGHOST, PGPORT, PGUSER, PGDATABASE.

Not here: pools, whose reset sends pg_advisory_unlock_all(), CLOSE ALL and UNLISTEN *, and
array columns, whose introspection sets `jit`. DSQL refuses both.
"""

import asyncio
import datetime
import decimal
import io
import os
import uuid

import asyncpg
from check import check, run

TABLE = f"asyncpg_{uuid.uuid4().hex[:12]}"


class connection:
    """`async with connection() as conn`"""

    def __init__(self, **parameters):
        self.parameters = parameters

    async def __aenter__(self):
        self.conn = await asyncpg.connect(**self.parameters)
        return self.conn

    async def __aexit__(self, *_):
        await self.conn.close()


@check("asyncpg: login")
async def _():
    async with connection(server_settings={"application_name": "the suite"}) as conn:
        row = await conn.fetchrow("select current_user, current_setting('application_name') as name")
        assert tuple(row) == ("admin", "the suite"), row
        assert conn.get_server_version().major >= 15
        assert conn.get_settings().client_encoding.upper() in ("UTF8", "UTF-8")


@check("asyncpg: tables")
async def _():
    async with connection() as conn:
        await conn.execute(
            f"create table {TABLE} (id bigint primary key, name text not null, amount numeric(18, 6), raw bytea)"
        )


@check("asyncpg: types there and back")
async def _():
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
        '{"a": [1, null]}',
        None,
    )
    types = "int4 int8 float8 numeric text bytea bool uuid timestamptz date interval jsonb text".split()
    select = "select " + ", ".join(f"${i}::{type_}" for i, type_ in enumerate(types, 1))
    async with connection() as conn:
        assert tuple(await conn.fetchrow(select, *values)) == values


@check("asyncpg: prepared statements")
async def _():
    async with connection() as conn:
        double = await conn.prepare("select $1::int * 2 as double, $2::text as name")
        assert [p.name for p in double.get_parameters()] == ["int4", "text"]
        assert [a.name for a in double.get_attributes()] == ["double", "name"]
        for i in range(20):
            assert await double.fetchval(i, "x") == i * 2
        other = await conn.prepare("select $1::int * 3")
        assert (await other.fetchval(5), await double.fetchval(5, "x")) == (15, 10)


@check("asyncpg: without its statement cache")
async def _():
    async with connection(statement_cache_size=0) as conn:
        for i in range(5):
            assert await conn.fetchval("select $1::int", i) == i


@check("asyncpg: a cache of two statements")
async def _():
    async with connection(statement_cache_size=2) as conn:
        for i in range(30):
            assert await conn.fetchval(f"select $1::int + {i % 5}", i) == i + i % 5


@check("asyncpg: several statements at once")
async def _():
    async with connection() as conn:
        assert await conn.execute("select 1; select 2; select 3") == "SELECT 1"
        assert await conn.fetchval("select 'after'") == "after"


@check("asyncpg: executemany")
async def _():
    async with connection() as conn:
        await conn.executemany(
            f"insert into {TABLE} (id, name) values ($1, $2)", [(i, f"name {i}") for i in range(1000)]
        )
        assert await conn.fetchval(f"select count(*) from {TABLE}") == 1000
        returned = await conn.fetchmany(
            f"insert into {TABLE} (id, name) values ($1, $2) returning id", [(i, "m") for i in range(1000, 1010)]
        )
        assert [row["id"] for row in returned] == list(range(1000, 1010))


@check("asyncpg: transactions")
async def _():
    async with connection() as conn:
        async with conn.transaction(isolation="repeatable_read"):
            await conn.execute(f"insert into {TABLE} (id, name) values (2000, 'committed')")
        try:
            async with conn.transaction():
                await conn.execute(f"insert into {TABLE} (id, name) values (2001, 'rolled back')")
                await conn.execute("select 1 / 0")
            raise AssertionError("no error")
        except asyncpg.DivisionByZeroError:
            pass
        assert not conn.is_in_transaction()
        rows = await conn.fetch(f"select id from {TABLE} where id >= 2000")
        assert [row["id"] for row in rows] == [2000], rows
        try:
            async with conn.transaction(isolation="repeatable_read", readonly=True):
                await conn.execute(f"insert into {TABLE} (id, name) values (2002, 'read only')")
            raise AssertionError("a read-only transaction wrote")
        except asyncpg.ReadOnlySQLTransactionError:
            pass


@check("asyncpg: portals live across Syncs in a transaction")
async def _():
    async with connection() as conn:
        async with conn.transaction(isolation="repeatable_read"):
            total = 0
            async for row in conn.cursor("select generate_series(1, $1::int) as i", 5000, prefetch=37):
                total += row["i"]
            assert total == 5000 * 5001 // 2, total
            one = await conn.cursor("select generate_series(1, 100) as i")
            two = await conn.cursor("select generate_series(201, 300) as i")
            assert [row["i"] for row in await one.fetch(3)] == [1, 2, 3]
            assert [row["i"] for row in await two.fetch(3)] == [201, 202, 203]
            assert (await one.fetchrow())["i"] == 4
            assert (await two.fetchrow())["i"] == 204
            # `forward` is a MOVE, and DSQL has no cursors of SQL.
            try:
                await one.forward(10)
                raise AssertionError("MOVE is not refused")
            except asyncpg.FeatureNotSupportedError as error:
                assert str(error) == "unsupported statement: Fetch", error


@check("asyncpg: COPY in and out, binary and text")
async def _():
    rows = [(3000 + i, f"binary {i}", decimal.Decimal(i) / 8, bytes([i % 256] * 100)) for i in range(1000)]
    async with connection() as conn:
        assert await conn.copy_records_to_table(TABLE, records=rows) == "COPY 1000"
        back = await conn.fetch(f"select * from {TABLE} where id between 3000 and 3999 order by id")
        assert [tuple(row) for row in back] == rows
        out = io.BytesIO()
        await conn.copy_from_query(
            f"select id, name from {TABLE} where id between 3000 and 3999 order by id", output=out, format="binary"
        )
        assert out.getvalue().startswith(b"PGCOPY\n\xff\r\n\0"), out.getvalue()[:20]
        await conn.execute(f"delete from {TABLE} where id between 3000 and 3999")
        out.seek(0)
        assert await conn.copy_to_table(TABLE, source=out, columns=["id", "name"], format="binary") == "COPY 1000"
        text = io.BytesIO()
        await conn.copy_from_query(
            f"select id, name from {TABLE} where id between 3000 and 3999 order by id", output=text
        )
        assert text.getvalue() == "".join(f"{i}\tbinary {i - 3000}\n" for i in range(3000, 4000)).encode()
        try:
            await conn.copy_to_table(TABLE, source=io.BytesIO(b"x\ty\n"), columns=["id", "name"])
            raise AssertionError("no error")
        except asyncpg.InvalidTextRepresentationError:
            pass
        assert await conn.fetchval("select 1") == 1


@check("asyncpg: errors carry SQLSTATE and names")
async def _():
    async with connection() as conn:
        for statement, sqlstate in [
            ("selec 1", "42601"),
            ("select * from no_such_table", "42P01"),
            (f"insert into {TABLE} (id, name) values (1, 'twice')", "23505"),
        ]:
            for run_it in (conn.execute, conn.fetch):
                try:
                    await run_it(statement)
                    raise AssertionError(f"no error: {statement}")
                except asyncpg.PostgresError as error:
                    assert error.sqlstate == sqlstate, (statement, error.sqlstate)
                    if sqlstate == "23505":
                        assert error.constraint_name == f"{TABLE}_pkey", error.constraint_name
        try:
            await conn.fetch("select $1::int / $2::int", 1, 0)
            raise AssertionError("no error")
        except asyncpg.DivisionByZeroError:
            pass
        assert await conn.fetchval("select 1") == 1


@check("asyncpg: a timeout cancels, and the connection goes on")
async def _():
    async with connection() as conn:
        for _ in range(3):
            try:
                await conn.fetch("select pg_sleep(30)", timeout=0.5)
                raise AssertionError("no timeout")
            except asyncio.TimeoutError:
                pass
            assert await conn.fetchval("select $1::int", 7) == 7


@check("asyncpg: big values both ways")
async def _():
    value = os.urandom(4_000_000)
    async with connection() as conn:
        assert await conn.fetchval("select $1::bytea", value) == value


@check("asyncpg: twenty connections at once")
async def _():
    async def one(n):
        async with connection() as conn:
            return [await conn.fetchval("select $1::int", n * 100 + i) for i in range(20)]

    results = await asyncio.gather(*(one(n) for n in range(20)))
    assert results == [[n * 100 + i for i in range(20)] for n in range(20)]


@check("asyncpg: TLS is refused plainly")
async def _():
    try:
        async with connection(ssl="require"):
            raise AssertionError("the server has TLS")
    except ConnectionError as error:
        assert "rejected SSL upgrade" in str(error), str(error)


if "PGUNIX" in os.environ:

    @check("asyncpg: a Unix socket")
    async def _():
        async with connection(host=os.environ["PGUNIX"]) as conn:
            assert await conn.fetchval("select $1::int", 1) == 1


@check("asyncpg: the table goes")
async def _():
    async with connection() as conn:
        await conn.execute(f"drop table {TABLE}")


run("python")

"""asyncpg's pool, which resets each connection that comes back with one script of four statements."""

import asyncio
import os
import uuid

import asyncpg
from check import check, run

TABLE = f"asyncpg_pool_{uuid.uuid4().hex[:12]}"


def pool(**options):
    return asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=3, **options)


@check("asyncpg: a table, and rows")
async def _():
    async with pool() as connections:
        await connections.execute(f"create table {TABLE} (id bigint primary key, name text)")
        await connections.executemany(f"insert into {TABLE} values ($1, $2)", [(i, f"n{i}") for i in range(100)])
        assert await connections.fetchval(f"select count(*) from {TABLE}") == 100


@check("asyncpg: fifty at once through three connections")
async def _():
    async with pool() as connections:
        names = await asyncio.gather(
            *(connections.fetchval(f"select name from {TABLE} where id = $1", i) for i in range(50))
        )
        assert names == [f"n{i}" for i in range(50)]


@check("asyncpg: a transaction, committed and rolled back")
async def _():
    async with pool() as connections, connections.acquire() as connection:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute(f"update {TABLE} set name = 'x' where id = 1")
        try:
            async with connection.transaction():
                await connection.execute(f"delete from {TABLE}")
                raise KeyError
        except KeyError:
            pass
        assert await connection.fetchval(f"select count(*) from {TABLE} where id < 10") == 10


@check("asyncpg: a setting is gone when the connection comes back")
async def _():
    async with pool(max_inactive_connection_lifetime=0) as connections:
        async with connections.acquire() as connection:
            await connection.execute("set search_path to pg_catalog")
        async with connections.acquire() as connection:
            assert await connection.fetchval("show search_path") == '"$user", public'


@check("asyncpg: a cursor, and a record type of its own")
async def _():
    async with pool() as connections, connections.acquire() as connection, connection.transaction():
        seen = [row["id"] async for row in connection.cursor(f"select id from {TABLE} order by id", prefetch=10)]
        assert seen == list(range(100))


@check("asyncpg: an error, and the pool goes on")
async def _():
    async with pool() as connections:
        for _ in range(5):
            try:
                await connections.execute(f"insert into {TABLE} values (1, 'x')")
            except asyncpg.UniqueViolationError:
                continue
            raise AssertionError("the duplicate was taken")
        assert await connections.fetchval("select 1") == 1


@check("asyncpg: it cleans up")
async def _():
    async with pool() as connections:
        await connections.execute(f"drop table {TABLE}")


run("python-more")

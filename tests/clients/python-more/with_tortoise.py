"""Tortoise ORM on asyncpg."""

import functools
import os

from check import check, run
from tortoise import Tortoise, connections, fields
from tortoise.exceptions import IntegrityError
from tortoise.expressions import F
from tortoise.models import Model
from tortoise.transactions import in_transaction


class User(Model):
    id = fields.IntField(primary_key=True)
    email = fields.CharField(max_length=200, unique=True)
    visits = fields.IntField(default=0, db_index=True)

    class Meta:
        table = "tortoise_user"


class Post(Model):
    id = fields.UUIDField(primary_key=True)
    title = fields.TextField()
    created = fields.DatetimeField(auto_now_add=True)
    meta = fields.JSONField(default=dict)
    user = fields.ForeignKeyField("models.User", related_name="posts")

    class Meta:
        table = "tortoise_post"


def connected(body):
    @functools.wraps(body)
    async def connect():
        url = os.environ["DATABASE_URL"].replace("postgresql://", "asyncpg://", 1)
        await Tortoise.init(db_url=url, modules={"models": [__name__]})
        try:
            await body()
        finally:
            await connections.close_all()

    return connect


async def clean():
    for table in ("tortoise_post", "tortoise_user"):
        await connections.get("default").execute_script(f"drop table if exists {table}")


@check("tortoise: generate_schemas")
@connected
async def _():
    await clean()
    await Tortoise.generate_schemas()
    await Tortoise.generate_schemas(safe=True)


@check("tortoise: create reads ids back; relations")
@connected
async def _():
    user = await User.create(email="ada@example.org")
    assert isinstance(user.id, int)
    await Post.create(title="one", user=user, meta={"a": [1]})
    found = await User.get(email="ada@example.org").prefetch_related("posts")
    assert [post.meta for post in found.posts] == [{"a": [1]}]


@check("tortoise: bulk_create, update, get_or_create, delete")
@connected
async def _():
    await User.bulk_create([User(email=f"many{i}@example.org", visits=i) for i in range(50)])
    assert await User.filter(visits__gte=40).update(visits=F("visits") + 1) == 10
    for expected in (True, False):
        _user, created = await User.get_or_create(email="get@example.org")
        assert created is expected
    assert await User.filter(email__startswith="many").delete() == 50


@check("tortoise: a transaction, committed and rolled back")
@connected
async def _():
    async with in_transaction() as connection:
        await User.create(email="tx@example.org", using_db=connection)
    try:
        async with in_transaction() as connection:
            await User.filter(email="tx@example.org").using_db(connection).delete()
            raise KeyError
    except KeyError:
        pass
    assert await User.filter(email="tx@example.org").exists()


@check("tortoise: an IntegrityError")
@connected
async def _():
    try:
        await User.create(email="tx@example.org")
    except IntegrityError:
        return
    raise AssertionError("the duplicate was taken")


@check("tortoise: it cleans up")
@connected
async def _():
    await clean()


run("python-more")

"""SQLAlchemy's ORM on psycopg: create_all, unit of work, the usual queries."""

import os
import uuid

from check import check, run
from sqlalchemy import ForeignKey, MetaData, String, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
engine = create_engine(URL, pool_pre_ping=True)
PREFIX = f"orm_{uuid.uuid4().hex[:8]}_"


class Base(DeclarativeBase):
    metadata = MetaData()


class User(Base):
    __tablename__ = PREFIX + "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(100), unique=True)
    visits: Mapped[int] = mapped_column(default=0, index=True)
    posts: Mapped[list["Post"]] = relationship(back_populates="user", cascade="all, delete-orphan")


class Post(Base):
    __tablename__ = PREFIX + "post"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    title: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey(f"{PREFIX}user.id"))
    user: Mapped[User] = relationship(back_populates="posts")


@check("sqlalchemy: create_all, twice")
def _():
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)


@check("sqlalchemy: the unit of work reads ids back")
def _():
    with Session(engine) as session:
        user = User(email="ada@example.org", posts=[Post(title="one"), Post(title="two")])
        session.add(user)
        session.commit()
        assert isinstance(user.id, int)
        assert {post.user_id for post in user.posts} == {user.id}


@check("sqlalchemy: many rows at once, with their ids")
def _():
    with Session(engine) as session:
        users = [User(email=f"many{i}@example.org", visits=i) for i in range(200)]
        session.add_all(users)
        session.commit()
        assert len({user.id for user in users}) == 200


@check("sqlalchemy: queries")
def _():
    with Session(engine) as session:
        found = session.scalars(
            select(User).where(User.email.like("ada%")).options(selectinload(User.posts))
        ).one()
        assert sorted(post.title for post in found.posts) == ["one", "two"]
        total = session.scalar(select(func.sum(User.visits)).where(User.visits.between(1, 3)))
        assert total == 6, total
        rows = session.execute(select(User.email, func.count(Post.id)).join(Post).group_by(User.email)).all()
        assert rows == [("ada@example.org", 2)], rows


@check("sqlalchemy: update, delete, rollback")
def _():
    with Session(engine) as session:
        user = session.scalars(select(User).where(User.email == "ada@example.org")).one()
        user.visits = 5
        session.flush()
        session.rollback()
        assert user.visits == 0
        session.delete(user)
        session.commit()
        assert session.scalar(select(func.count()).select_from(Post)) == 0


@check("sqlalchemy: an IntegrityError, and the session goes on")
def _():
    with Session(engine) as session:
        session.add(User(email="many1@example.org"))
        try:
            session.commit()
        except IntegrityError as error:
            assert error.orig.sqlstate == "23505"
            session.rollback()
        else:
            raise AssertionError("the duplicate was taken")
        assert session.scalar(select(func.count()).select_from(User)) == 200


@check("sqlalchemy: isolation levels")
def _():
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        assert connection.get_isolation_level() == "REPEATABLE READ"
        assert connection.scalar(select(func.count()).select_from(User)) == 200
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"update {PREFIX}user set visits = visits + 1"))


@check("sqlalchemy: rows that stream")
def _():
    with Session(engine) as session:
        rows = session.scalars(select(User.visits).order_by(User.visits).execution_options(yield_per=50))
        assert list(rows) == list(range(1, 201))


@check("sqlalchemy: drop_all")
def _():
    Base.metadata.drop_all(engine)


run("sqlalchemy")

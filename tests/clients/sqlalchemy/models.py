"""A model in three versions, as an application's grows."""

import decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

PREFIX = "alembic_suite_"
VERSION_TABLE = PREFIX + "version"


def metadata(version):
    """The tables of version 1, 2 or 3."""
    tables = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    users = [
        Column("id", Integer, primary_key=True),
        Column("email", String(200), nullable=False, unique=True),
        Column("name", String(50), index=True),
    ]
    posts = [
        Column("id", BigInteger, primary_key=True),
        Column("title", Text, nullable=False),
        Column("created", DateTime(timezone=True), server_default=func.now(), nullable=False),
        Column("user_id", ForeignKey(f"{PREFIX}user.id", ondelete="CASCADE"), nullable=False),
        Index(f"ix_{PREFIX}post_user_created", "user_id", "created"),
    ]
    if version >= 2:
        users += [
            Column("active", Boolean, nullable=False, server_default=text("true")),
            Column("balance", Numeric(12, 2), nullable=False, server_default="0"),
            CheckConstraint("balance >= 0", name="positive"),
        ]
        posts += [Column("slug", String(80)), UniqueConstraint("slug")]
    if version >= 3:
        users[2] = Column("name", String(50), nullable=False, server_default="")
        Table(
            f"{PREFIX}tag",
            tables,
            Column("id", Integer, primary_key=True),
            Column("label", String(40), nullable=False, unique=True),
            Column("post_id", ForeignKey(f"{PREFIX}post.id")),
        )
    Table(f"{PREFIX}user", tables, *users)
    Table(f"{PREFIX}post", tables, *posts)
    return tables


# What the first version's users are, and what the second gives each of them.
ROWS = [
    {"email": "ada@example.org", "name": "Ada"},
    {"email": "grace@example.org", "name": "Grace"},
]
BALANCE = decimal.Decimal("0.00")

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.String(255), nullable=False, unique=True),
        sa.Column("name", sa.Text, index=True),
        sa.Column("role", sa.Enum("reader", "author", name="role"), nullable=False, server_default="reader"),
        sa.Column("balance", sa.Numeric(12, 2), server_default="0"),
        sa.Column("total", sa.Numeric),
        sa.Column("settings", pg.JSONB, server_default="{}"),
        sa.Column("nicknames", pg.ARRAY(sa.Text)),
        sa.Column("last_ip", pg.INET),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.CheckConstraint("balance >= 0", name="balance_positive"),
    )
    op.create_table(
        "posts",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.func.gen_random_uuid()),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True, cache=1), nullable=False),
        sa.Column("counter", sa.Integer, sa.Identity(start=5), nullable=False),
        sa.Column("slug", sa.String(120), nullable=False),
        sa.Column("title", sa.Text(collation="C")),
        sa.Column("views", sa.BigInteger, server_default="0"),
        sa.Column("score", sa.Double),
        sa.Column("rank", sa.SmallInteger),
        sa.Column("cover", sa.LargeBinary),
        sa.Column("day", sa.Date),
        sa.Column("at", sa.Time),
        sa.Column("took", sa.Interval),
        sa.Column("words", pg.TSVECTOR),
        sa.Column("published", sa.Boolean, server_default=sa.false()),
        sa.Column("upper", sa.Text, sa.Computed("upper(slug)", persisted=True)),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.UniqueConstraint("author_id", "slug", name="author_slug"),
        comment="what was written",
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("label", sa.String(40), nullable=False),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "post_tags",
        sa.Column("post_id", sa.Uuid, sa.ForeignKey("posts.id"), primary_key=True),
        sa.Column("tag_id", sa.BigInteger, sa.ForeignKey("tags.id", deferrable=True, initially="DEFERRED"), primary_key=True),
    )
    op.create_table("events", sa.Column("at", sa.Date, primary_key=True), postgresql_partition_by="RANGE (at)")
    op.create_table("cache", sa.Column("key", sa.Text, primary_key=True), prefixes=["UNLOGGED"])
    op.create_table("scratch", sa.Column("key", sa.Text, primary_key=True), prefixes=["TEMPORARY"])
    op.create_index("users_role_balance", "users", ["role", "balance"])
    op.create_index("users_lower_email", "users", [sa.text("lower(email)")], unique=True)
    op.create_index("posts_newest", "posts", [sa.text("day DESC"), "id"])
    op.create_index("posts_published", "posts", ["slug"], postgresql_where=sa.text("published"))
    op.create_index("users_settings", "users", ["settings"], postgresql_using="gin")
    op.create_index("posts_prefix", "posts", ["slug"], postgresql_ops={"slug": "text_pattern_ops"})
    op.create_index("posts_covering", "posts", ["slug"], postgresql_include=["views"])
    op.execute(sa.schema.CreateSequence(sa.Sequence("numbers", start=10)))
    op.execute(sa.schema.CreateSequence(sa.Sequence("cached", cache=1, data_type=sa.BigInteger)))
    op.execute("CREATE VIEW headlines AS SELECT id, slug FROM posts")
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.bulk_insert(sa.table("tags", sa.column("id", sa.BigInteger), sa.column("label", sa.String)), [{"id": 1, "label": "one"}, {"id": 2, "label": "two"}])

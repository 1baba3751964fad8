"""Django on psycopg 3. The server's address comes from PGHOST, PGPORT, PGUSER, PGDATABASE."""

import io
import os
import sys
from pathlib import Path

import django
from check import check, run
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

sys.path.insert(0, str(Path(__file__).parent))
settings.configure(
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "django.contrib.admin",
        "shop",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PGHOST"],
            "PORT": os.environ["PGPORT"],
            "USER": os.environ["PGUSER"],
            "NAME": os.environ["PGDATABASE"],
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    SECRET_KEY="only for this test",
    SILENCED_SYSTEM_CHECKS=["admin.E403", "admin.E408", "admin.E409", "admin.E410"],
    USE_TZ=True,
)
django.setup()

from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from django.db.models import Count, F  # noqa: E402

from shop.models import Customer, Order, Tag  # noqa: E402


def manage(*arguments, **options):
    printed = io.StringIO()
    call_command(*arguments, stdout=printed, no_color=True, **options)
    return printed.getvalue()


# Each after what refers to it.
TABLES = (
    "shop_order_tags shop_tag shop_order shop_customer django_admin_log django_session auth_user_user_permissions "
    "auth_user_groups auth_group_permissions auth_permission auth_group auth_user django_content_type django_migrations"
).split()


def clean():
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"drop table if exists {table}")


@check("there is room")
def _():
    clean()


@check("migrate: contenttypes, auth, sessions, admin")
def _():
    for app in ("contenttypes", "auth", "sessions", "admin"):
        manage("migrate", app)


@check("migrate: the application's first tables, and rows that a migration makes")
def _():
    manage("migrate", "shop", "0002")
    with connection.cursor() as cursor:
        cursor.execute("select count(*), count(distinct id) from shop_customer")
        assert cursor.fetchone() == (50, 50)


@check("migrate: the application grows")
def _():
    manage("migrate", "shop")
    assert Customer.objects.filter(active=True, name="").count() == 50


@check("migrate with nothing to do")
def _():
    assert "No migrations to apply." in manage("migrate")
    assert "[ ]" not in manage("showmigrations")


@check("makemigrations finds nothing new")
def _():
    assert "No changes detected" in manage("makemigrations", "shop", dry_run=True)


@check("permissions, users and groups")
def _():
    assert Permission.objects.filter(content_type__app_label="shop").count() == 12
    user = User.objects.create_user("ada", "ada@example.org", "secret", last_name="x" * 150)
    user.groups.add(Group.objects.create(name="editors"))
    user.user_permissions.set(Permission.objects.filter(codename__startswith="add_"))
    user = User.objects.get(username="ada")
    assert user.check_password("secret")
    assert user.has_perm("shop.add_order") and not user.has_perm("shop.delete_order")


@check("create, relations, aggregates")
def _():
    customer = Customer.objects.create(email="grace@example.org", name="Grace")
    assert isinstance(customer.pk, int)
    orders = [customer.orders.create(number=n, details={"lines": [n]}) for n in range(3)]
    orders[0].tags.add(Tag.objects.create(label="new"), Tag.objects.create(label="big"))
    assert list(Order.objects.filter(tags__label="new").values_list("number", flat=True)) == [0]
    found = Customer.objects.annotate(orders_count=Count("orders")).get(pk=customer.pk)
    assert found.orders_count == 3
    assert Order.objects.select_related("customer").get(details__lines__0=2).customer.name == "Grace"


@check("bulk_create, update, get_or_create, update_or_create, delete")
def _():
    made = Customer.objects.bulk_create([Customer(email=f"bulk{i}@example.org") for i in range(100)])
    assert len({customer.pk for customer in made}) == 100
    assert Customer.objects.filter(email__startswith="bulk").update(name=F("email")) == 100
    for expected in (True, False):
        _customer, created = Customer.objects.get_or_create(email="get@example.org")
        assert created is expected
    customer, created = Customer.objects.update_or_create(email="get@example.org", defaults={"name": "again"})
    assert (customer.name, created) == ("again", False)
    Customer.objects.filter(email="grace@example.org").delete()
    assert Order.objects.count() == 0


@check("atomic: committed, rolled back, and one inside another that succeeds")
def _():
    with transaction.atomic():
        Customer.objects.create(email="outer@example.org")
        with transaction.atomic():
            Customer.objects.create(email="inner@example.org")
    try:
        with transaction.atomic():
            Customer.objects.create(email="gone@example.org")
            raise KeyError
    except KeyError:
        pass
    names = Customer.objects.filter(email__regex="^(outer|inner|gone)@").values_list("email", flat=True)
    assert sorted(names) == ["inner@example.org", "outer@example.org"]


@check("select_for_update")
def _():
    with transaction.atomic():
        customer = Customer.objects.select_for_update().get(email="outer@example.org")
        customer.name = "locked"
        customer.save()


@check("an IntegrityError, and the connection goes on")
def _():
    try:
        Customer.objects.create(email="outer@example.org")
    except IntegrityError as error:
        assert "shop_customer" in str(error)
    else:
        raise AssertionError("the duplicate was taken")
    assert Customer.objects.filter(email="outer@example.org").count() == 1


@check("iterator, which reads through a cursor")
def _():
    emails = {customer.email for customer in Customer.objects.iterator(chunk_size=20)}
    assert len(emails) == Customer.objects.count()


@check("migrate back to nothing")
def _():
    manage("migrate", "shop", "zero")
    assert "shop_customer" not in connection.introspection.table_names()


@check("it cleans up")
def _():
    clean()


run("django")

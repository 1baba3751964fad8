import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    initial = True
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.CreateModel(
            "Tag",
            [
                ("id", models.SmallAutoField(primary_key=True)),
                ("label", models.SlugField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            "Product",
            [
                ("id", models.UUIDField(primary_key=True, default=uuid.uuid4)),
                ("sku", models.CharField(max_length=40, unique=True)),
                ("title", models.TextField(db_index=True)),
                ("price", models.DecimalField(max_digits=12, decimal_places=2)),
                ("stock", models.PositiveIntegerField(db_default=0)),
                ("weight", models.FloatField(null=True)),
                ("details", models.JSONField(default=dict)),
                ("photo", models.BinaryField(null=True)),
                ("sizes", django.contrib.postgres.fields.ArrayField(models.IntegerField(), default=list)),
                ("seen_from", models.GenericIPAddressField(null=True)),
                ("period", django.contrib.postgres.fields.DateRangeField(null=True)),
                ("handled_in", models.DurationField(null=True)),
                ("active", models.BooleanField(default=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("code", models.CharField(max_length=10, db_collation="C")),
                ("gross", models.GeneratedField(expression=F("price") * 2, output_field=models.DecimalField(max_digits=13, decimal_places=2), db_persist=True)),
                ("tags", models.ManyToManyField("shop.Tag")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["-created", "sku"], name="product_created"),
                    models.Index(django.db.models.functions.Lower("title"), name="product_lower_title"),
                    models.Index(fields=["price"], name="product_active", condition=Q(active=True)),
                    models.Index(fields=["sku"], name="product_covering", include=["price"]),
                    GinIndex(fields=["details"], name="product_details"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=Q(price__gte=0), name="price_positive"),
                    models.UniqueConstraint(fields=["code", "sku"], name="code_sku"),
                    models.UniqueConstraint(fields=["title"], condition=Q(active=True), name="title_of_active"),
                ],
            },
        ),
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("number", models.BigIntegerField(unique=True)),
                ("placed", models.DateField()),
                ("at", models.TimeField(null=True)),
                ("customer", models.ForeignKey("auth.User", on_delete=django.db.models.deletion.CASCADE)),
                ("product", models.ForeignKey("shop.Product", null=True, on_delete=django.db.models.deletion.SET_NULL)),
            ],
            options={"unique_together": {("customer", "placed")}, "db_table_comment": "what was bought"},
        ),
    ]

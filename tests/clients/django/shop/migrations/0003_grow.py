import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A field with a default, wider and stricter fields, a foreign key, an index, a constraint."""

    dependencies = [("shop", "0002_rows")]
    operations = [
        migrations.AddField("Customer", "active", models.BooleanField(default=True)),
        migrations.AlterField("Customer", "email", models.CharField(max_length=200, unique=True)),
        migrations.AlterField("Customer", "name", models.CharField(max_length=100, default=""), preserve_default=False),
        migrations.AddField(
            "Order",
            "customer",
            models.ForeignKey("shop.Customer", on_delete=django.db.models.deletion.CASCADE, related_name="orders"),
            preserve_default=False,
        ),
        migrations.RemoveField("Order", "note"),
        migrations.AddField("Order", "status", models.CharField(max_length=20, default="open")),
        migrations.RenameField("Order", "status", "state"),
        migrations.AddIndex("Order", models.Index(fields=["state", "placed"], name="shop_order_state")),
        migrations.AddConstraint(
            "Order", models.UniqueConstraint(fields=["customer", "number"], name="shop_order_number")
        ),
        migrations.CreateModel(
            "Tag",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.SlugField(unique=True)),
            ],
        ),
        migrations.AddField("Order", "tags", models.ManyToManyField("shop.Tag")),
    ]

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently, CreateCollation, HStoreExtension
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    # For the index that is made concurrently.
    atomic = False
    dependencies = [("shop", "0001_first")]
    operations = [
        migrations.AddField("product", "brand", models.CharField(max_length=50, null=True)),
        migrations.AddField("product", "rating", models.IntegerField(default=3)),
        migrations.AddField("product", "visible", models.BooleanField(db_default=True)),
        migrations.AddField("product", "parent", models.ForeignKey("shop.Product", null=True, on_delete=django.db.models.deletion.CASCADE)),
        migrations.AlterField("product", "sku", models.CharField(max_length=80, unique=True)),
        migrations.AlterField("product", "stock", models.BigIntegerField(db_default=1)),
        migrations.AlterField("product", "weight", models.FloatField(default=0)),
        migrations.AlterField("product", "title", models.TextField(null=True)),
        migrations.AlterField("order", "id", models.AutoField(primary_key=True)),
        migrations.AlterField("order", "customer", models.ForeignKey("auth.User", on_delete=django.db.models.deletion.PROTECT, db_constraint=False)),
        migrations.AlterUniqueTogether("order", {("customer", "number")}),
        migrations.RenameField("order", "placed", "placed_on"),
        migrations.RenameModel("Order", "Purchase"),
        migrations.RenameIndex("product", old_name="product_created", new_name="product_newest"),
        migrations.RemoveIndex("product", "product_active"),
        migrations.RemoveConstraint("product", "price_positive"),
        migrations.RemoveConstraint("product", "code_sku"),
        migrations.AddConstraint("product", models.CheckConstraint(condition=Q(price__gt=0), name="price_real")),
        migrations.AddConstraint("product", models.UniqueConstraint(fields=["brand", "code"], name="brand_code", deferrable=models.Deferrable.DEFERRED)),
        AddIndexConcurrently("product", models.Index(fields=["brand"], name="product_brand")),
        migrations.RemoveField("product", "photo"),
        migrations.RemoveField("product", "sizes"),
        migrations.RemoveField("product", "tags"),
        migrations.DeleteModel("Tag"),
        migrations.AlterModelTable("purchase", "purchases"),
        HStoreExtension(),
        CreateCollation("folded", "und-u-ks-level2", provider="icu", deterministic=False),
        migrations.RunSQL("UPDATE shop_product SET rating = 4 WHERE rating IS NULL"),
        migrations.RunSQL("TRUNCATE purchases"),
    ]

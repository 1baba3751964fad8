from django.db import migrations


def make(apps, _schema_editor):
    customer = apps.get_model("shop", "Customer")
    customer.objects.bulk_create(customer(email=f"customer{i}@example.org") for i in range(50))


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]

"""The application's model after its last migration."""

from django.db import models


class Customer(models.Model):
    email = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=100)
    active = models.BooleanField(default=True)


class Order(models.Model):
    number = models.BigIntegerField()
    details = models.JSONField(default=dict)
    placed = models.DateTimeField(auto_now_add=True)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="orders")
    state = models.CharField(max_length=20, default="open")
    tags = models.ManyToManyField("Tag")

    class Meta:
        indexes = [models.Index(fields=["state", "placed"], name="shop_order_state")]
        constraints = [models.UniqueConstraint(fields=["customer", "number"], name="shop_order_number")]


class Tag(models.Model):
    label = models.SlugField(unique=True)

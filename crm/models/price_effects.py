"""What a tariff version ahead means for a key account, worked out before it takes effect."""

from __future__ import annotations

from django.db import models


class PriceEffect(models.Model):
    """
    A key account's last twelve months under a tariff version ahead and under the one before it.

    One row an account and version; worked out anew every night until the version takes effect, then it stays. `months`
    and `left_out` say of how much of the year it speaks.
    """

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    version = models.ForeignKey("cis.TariffVersion", models.PROTECT, related_name="+")
    from_day = models.DateField()
    before_fen = models.BigIntegerField()
    after_fen = models.BigIntegerField()
    months = models.SmallIntegerField()
    left_out = models.SmallIntegerField()
    has_other_windows = models.BooleanField(default=False)
    first_known_at = models.DateTimeField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "crm_price_effect"
        constraints = (
            models.UniqueConstraint(fields=["account", "version"], name="one_price_effect_a_version"),
            models.CheckConstraint(
                condition=models.Q(months__gte=0, left_out__gte=0)
                & (models.Q(months__gt=0) | models.Q(before_fen=0, after_fen=0)),
                name="price_effect_speaks_of_bills",
            ),
            models.CheckConstraint(
                condition=models.Q(computed_at__gte=models.F("first_known_at")), name="price_effect_is_known_in_order"
            ),
        )
        indexes = (models.Index(fields=["from_day"], name="price_effects_ahead"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.version_id}"

"""
Who calls us to collect: banks, agents and integrators, their keys, what they asked and what they were answered.

A client's code is the `channel` of its payments, so that two banks may use the same serial. The tables of what was
asked (nonces, answers) are pruned; what protects money (serials that were blocked) is kept for ever.
"""

from __future__ import annotations

from typing import ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models

from config.shared.personal_data import EncryptedTextField

OWN_CHANNELS = ("counter", "wallet", "wechat", "alipay", "debit", "transfer", "note", "terminal")
"""the channels of payments that are ours; no client is called so"""


@pghistory.track()
class ChannelClient(models.Model):
    """
    One bank, agent or integrator, and the rules of its contract.

    `cutoff_time`: from then on a moment belongs to the next accounting day; empty: at midnight. `days_apart`: how far
    the accounting day in a message may be from that. `reversal_days`: so many accounting days after its own a payment
    may still be reversed, 0 for the same day only. Between the two blackout times nothing is collected.
    """

    class Kind(models.TextChoices):
        """What it is."""

        BANK = "bank", "银行"
        AGENT = "agent", "代收点"
        INTEGRATOR = "integrator", "集成商"

    code = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    is_sandbox = models.BooleanField()
    is_on = models.BooleanField(default=False)
    clearing_id = models.BigIntegerField(unique=True)
    """the ledger account on which its money lies until it is in the bank"""
    cutoff_time = models.TimeField(null=True, blank=True)
    days_apart = models.SmallIntegerField(default=1)
    reversal_days = models.SmallIntegerField(default=0)
    blackout_from = models.TimeField(null=True, blank=True)
    blackout_until = models.TimeField(null=True, blank=True)
    networks = ArrayField(models.CharField(max_length=43))
    """networks from which it may call, such as 203.0.113.0/24"""
    fingerprints = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    """SHA-256 of its TLS certificates in hexadecimal; empty: no certificate is asked for"""
    queries_per_minute = models.IntegerField(default=600)
    payments_per_minute = models.IntegerField(default=1200)
    account_queries_per_hour = models.IntegerField(default=60)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")

    class Meta:
        db_table = "payments_channel_client"
        constraints = (
            models.CheckConstraint(condition=models.Q(code__regex=r"^[a-z0-9][a-z0-9-]{1,15}$"), name="client_code"),
            models.CheckConstraint(
                condition=~models.Q(code__in=list(OWN_CHANNELS)),
                name="client_code_is_no_channel_of_ours",
            ),
            models.CheckConstraint(condition=models.Q(clearing_id__lt=0), name="client_clears_on_our_account"),
            models.CheckConstraint(condition=models.Q(networks__len__gt=0), name="client_calls_from_somewhere"),
            models.CheckConstraint(
                condition=models.Q(blackout_from__isnull=True, blackout_until__isnull=True)
                | models.Q(blackout_from__isnull=False, blackout_until__isnull=False),
                name="blackout_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    days_apart__range=(0, 7),
                    reversal_days__range=(0, 7),
                    queries_per_minute__gt=0,
                    payments_per_minute__gt=0,
                    account_queries_per_hour__gt=0,
                ),
                name="client_rules_are_sane",
            ),
        )

    def __str__(self) -> str:
        return self.code


@pghistory.track()
class ChannelArea(models.Model):
    """
    A part of the organisation whose customers the client collects from; the nearest one above an account counts.

    So a city may be on and one of its counties off.
    """

    client = models.ForeignKey(ChannelClient, models.CASCADE, related_name="areas")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    is_on = models.BooleanField(default=True)

    class Meta:
        db_table = "payments_client_area"
        constraints = (models.UniqueConstraint(fields=["client", "org_unit"], name="client_area_once"),)

    def __str__(self) -> str:
        return f"{self.client_id} {self.org_unit_id}"


@pghistory.track(exclude=["secret"])
class ClientKey(models.Model):
    """
    A key of a client: its public half, or the shared secret, sealed. Two at most are live, for rotation.

    `slot` is what the database counts with: one live key in each of two.
    """

    class Algorithm(models.TextChoices):
        """How requests are signed with it."""

        RSA = "RSA2048-SHA256", "RSA2048-SHA256"
        HMAC = "HMAC-SHA256", "HMAC-SHA256"
        SM2 = "SM2-SM3", "SM2-SM3"

    SLOTS: ClassVar = (1, 2)

    client = models.ForeignKey(ChannelClient, models.PROTECT, related_name="keys")
    key_id = models.CharField(max_length=32, unique=True)
    algorithm = models.CharField(max_length=20, choices=Algorithm.choices)
    public_key = models.TextField(blank=True)
    """PEM of an RSA key, or 128 hexadecimal digits of an SM2 point"""
    secret = EncryptedTextField(blank=True)
    slot = models.SmallIntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "payments_client_key"
        constraints = (
            models.UniqueConstraint(
                fields=["client", "slot"], condition=models.Q(revoked_at__isnull=True), name="two_live_keys_at_most"
            ),
            models.CheckConstraint(condition=models.Q(slot__in=[1, 2]), name="key_slot_is_known"),
            models.CheckConstraint(
                condition=(models.Q(algorithm="HMAC-SHA256") & models.Q(public_key="") & ~models.Q(secret=""))
                | (~models.Q(algorithm="HMAC-SHA256") & ~models.Q(public_key="") & models.Q(secret="")),
                name="key_has_its_half",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until__isnull=True) | models.Q(valid_until__gt=models.F("valid_from")),
                name="key_lasts",
            ),
        )

    def __str__(self) -> str:
        return self.key_id


class ChannelNonce(models.Model):
    """A nonce that a client used, so that the same signed bytes are taken once; kept for ten minutes and more."""

    pk = models.CompositePrimaryKey("client_id", "nonce")
    client_id = models.BigIntegerField()
    nonce = models.CharField(max_length=64)
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "payments_client_nonce"

    def __str__(self) -> str:
        return self.nonce


class AnsweredRequest(models.Model):
    """
    The first answer to a request that changed something, byte for byte, under the key that it came with.

    Written in the transaction of the act itself; forgotten after some days, when the serial still protects the money.
    """

    pk = models.CompositePrimaryKey("client_id", "route", "key")
    client_id = models.BigIntegerField()
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32)
    status = models.SmallIntegerField()
    body = models.BinaryField()
    answered_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "payments_answered_request"

    def __str__(self) -> str:
        return f"{self.client_id} {self.route} {self.key}"


class BlockedSerial(models.Model):
    """
    A serial that a client reversed before it was ever paid: a payment that comes late under it is refused, for ever.
    """

    channel = models.CharField(max_length=16)
    serial = models.CharField(max_length=64)
    reversal_serial = models.CharField(max_length=64)
    bank_date = models.DateField()
    reason = models.CharField(max_length=500)
    blocked_at = models.DateTimeField()

    class Meta:
        db_table = "payments_blocked_serial"
        constraints = (
            models.UniqueConstraint(fields=["channel", "serial"], name="serial_blocked_once"),
            models.UniqueConstraint(fields=["channel", "reversal_serial"], name="blocking_serial_once"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="blocked_serial_has_reason"),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.serial}"

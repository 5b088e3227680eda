"""Reference data and published tariffs."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction
from psycopg2.extras import DateRange

from cis.models import ChargeKind, LedgerAccount, Tariff, TariffVersion
from cis.operations.reference import OverlappingValidity, add_tariff_version, load_reference
from cis.rating import CannotPrice, compile_rules

AT = datetime(2026, 2, 3, 2, tzinfo=UTC)


@pytest.mark.django_db
class TestLoadReference:
    def test_twice_changes_nothing(self):
        load_reference(at=AT)
        first = (Tariff.objects.count(), TariffVersion.objects.count(), ChargeKind.objects.count())

        load_reference(at=AT)

        assert (Tariff.objects.count(), TariffVersion.objects.count(), ChargeKind.objects.count()) == first
        assert LedgerAccount.objects.exists()

    def test_only_tables_graded_medium_or_better_and_the_demonstration_are_loaded(self):
        load_reference(at=AT)

        assert TariffVersion.objects.get(tariff__code="HB-RES").is_demonstration
        grades = TariffVersion.objects.exclude(tariff__code="HB-RES").values_list("confidence", flat=True)
        assert not [grade for grade in grades if grade.startswith("low")]
        assert not Tariff.objects.filter(code__in=["HE-RES", "NM-W-RES", "HN-RES", "SH-RES"]).exists()

    def test_a_table_without_energy_prices_is_kept_and_refuses_to_be_priced(self):
        load_reference(at=AT)
        version = TariffVersion.objects.get(tariff__code="GD-PRD-2026-02-2P-10-CAP")

        with pytest.raises(CannotPrice) as refused:
            compile_rules(version.rules)

        assert refused.value.code == "no_energy_rule"


@pytest.mark.django_db
class TestTariffValidity:
    rules: list[dict[str, object]] = [{"kind": "shared_meter", "price_yuan": "0.5"}]

    def publish(self, start: date, end: date) -> int:
        return add_tariff_version(
            tariff_code="HB-2026-01-1P-LT1",
            valid_from=start,
            valid_to=end,
            rules=self.rules,
            source="test",
            confidence="test",
        )

    def test_the_next_month_follows_without_a_gap(self):
        load_reference(at=AT)

        assert self.publish(date(2026, 2, 1), date(2026, 3, 1))

    def test_overlapping_validity_is_refused_with_the_days_of_the_other_version(self):
        load_reference(at=AT)

        with pytest.raises(OverlappingValidity, match="2026-01-01"):
            self.publish(date(2026, 1, 31), date(2026, 3, 1))
        assert TariffVersion.objects.filter(tariff__code="HB-2026-01-1P-LT1").count() == 1

    def test_the_database_refuses_it_too(self):
        load_reference(at=AT)
        tariff = Tariff.objects.get(code="HB-2026-01-1P-LT1")

        with pytest.raises(IntegrityError), transaction.atomic():
            TariffVersion.objects.create(
                tariff=tariff,
                valid=DateRange(date(2026, 1, 15), date(2026, 1, 16)),
                rules=self.rules,
                source="test",
                confidence="test",
            )

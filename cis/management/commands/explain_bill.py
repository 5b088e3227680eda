"""Explain a bill line by line, from what it was computed from, however old it is."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cis.queries import billing
from config.shared.display_formats import format_energy, format_money, format_price, format_register
from config.shared.errors import NotFound


class Command(BaseCommand):
    """Exit code 0 when the kernel gives the stored lines again, 3 when it does not, 1 when there is no such bill."""

    help = "Explain a bill line by line from the readings and the tariff version it was computed from."

    def add_arguments(self, parser: CommandParser) -> None:
        """The bill's number."""
        parser.add_argument("number", help="the bill number as printed on the bill")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, number: str, **options: Any) -> None:
        """Print it."""
        try:
            page = billing.get_bill(number)
        except NotFound as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(dataclasses.asdict(page), ensure_ascii=False, default=str, indent=1))
        else:
            self._print(page)
        if not page.recomputes:
            raise CommandError("the kernel does not give the stored lines again", returncode=3)

    def _print(self, page: billing.BillPage) -> None:
        bill = page.bill
        say = self.stdout.write
        say(f"{bill.bill_no}  {page.customer_name}  {bill.account_no}")
        say(f"{bill.period_start} – {bill.last_day}  {page.tariff_code} {page.tariff_name}")
        if page.is_demonstration:
            say("演示电价，不得用于实际计费 / demonstration tariff, not for billing")
        say(f"来源 source: {page.tariff_source}")
        for use in page.usage:
            turned = " ↻" if use.is_rollover else ""
            say(
                f"  {use.meter_no} {use.register_zh}: ({format_register(use.to_value_e4)}{turned} − "
                f"{format_register(use.from_value_e4)}) × {use.multiplier} = {format_energy(use.energy_kwh_e2)} kWh"
            )
        say(f"  年度已用 used before in the tier year: {format_energy(page.tier_kwh_e2_before)} kWh; {page.people} 人")
        for line in page.lines:
            say(
                f"  {line.seq}. {line.name_zh}: {Decimal(line.quantity).scaleb(-line.places)} {line.unit} × "
                f"{format_price(line.price_e8)} × {line.share}/60 = {format_money(line.amount_fen)}"
                f"   [{line.legal_basis}]"
            )
            say("     " + "; ".join(f"{key} = {value}" for key, value in line.facts.items()))
        say(f"合计 total {format_money(bill.total_fen)}  未付 open {format_money(bill.open_fen)}")
        say("逐行复算一致 every line recomputes" if page.recomputes else "复算不一致 DOES NOT RECOMPUTE")

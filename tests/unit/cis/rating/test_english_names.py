"""Every published tariff has an English name; a name nobody has put into English stays Chinese."""

import pytest

from cis.rating import TariffRecord
from cis.rating.english_names import english_name

from .test_golden import CATALOGUE


@pytest.mark.parametrize("record", CATALOGUE.records, ids=lambda record: record.code)
def test_every_published_tariff_has_one(record: TariffRecord) -> None:
    assert record.name_en and record.name_en.isascii()


def test_says_the_voltage() -> None:
    assert (
        english_name("浙江", "合表居民电价", "1-10kV及以上") == "Zhejiang residential, shared meter, 1-10kV and above"
    )


def test_is_empty_where_a_part_is_unknown() -> None:
    assert english_name("火星", "居民阶梯电价", None) == ""

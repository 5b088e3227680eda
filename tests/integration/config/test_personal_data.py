"""Personal values are sealed in the database, found by digest, and open only with the keys."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cis.models import Customer
from config.shared.personal_data import (
    CannotDecrypt,
    blind_index,
    decrypt,
    encrypt,
    mask_identity_no,
    mask_name,
    mask_phone,
)

OLD, NEW = "an-old-key", "a-new-key"


class TestSealing:
    @pytest.mark.parametrize("cipher", ["aes", "sm4"])
    def test_opens_to_what_was_sealed_and_never_looks_the_same(
        self, settings: pytest.FixtureRequest, cipher: str
    ) -> None:
        settings.PERSONAL_DATA_CIPHER = cipher  # type: ignore[attr-defined]

        one, two = encrypt("13800001234"), encrypt("13800001234")

        assert decrypt(one) == decrypt(two) == "13800001234"
        assert one != two
        assert "13800001234" not in one

    @given(st.text(min_size=1, max_size=50))
    @hypothesis_settings(deadline=None, max_examples=50)
    def test_any_text_survives(self, text: str) -> None:
        assert decrypt(encrypt(text)) == text

    def test_keys_may_change_while_the_old_one_is_kept(self, settings: pytest.FixtureRequest) -> None:
        settings.PERSONAL_DATA_KEYS = [OLD]  # type: ignore[attr-defined]
        sealed = encrypt("secret")

        settings.PERSONAL_DATA_KEYS = [NEW, OLD]  # type: ignore[attr-defined]
        assert decrypt(sealed) == "secret"
        settings.PERSONAL_DATA_KEYS = [NEW]  # type: ignore[attr-defined]
        with pytest.raises(CannotDecrypt):
            decrypt(sealed)

    @pytest.mark.parametrize("place", [-2, -20, 20])
    def test_an_altered_value_is_refused(self, place: int) -> None:
        sealed = encrypt("13800001234")
        letter = "A" if sealed[place] != "A" else "B"

        with pytest.raises(CannotDecrypt):
            decrypt(sealed[:place] + letter + sealed[place:][1:])

    @pytest.mark.parametrize("stored", ["", "plain", "a:b", "aes:zz:!!!"])
    def test_what_was_never_sealed_is_refused(self, stored: str) -> None:
        with pytest.raises(CannotDecrypt):
            decrypt(stored)


class TestIndex:
    def test_equal_values_meet_however_they_are_typed(self) -> None:
        assert blind_index("138 0000-1234") == blind_index("13800001234")
        assert blind_index("4201X") == blind_index("4201x")
        assert blind_index("13800001234") != blind_index("13800001235")

    def test_it_depends_on_its_key(self, settings: pytest.FixtureRequest) -> None:
        before = blind_index("13800001234")

        settings.BLIND_INDEX_KEY = "another"  # type: ignore[attr-defined]

        assert blind_index("13800001234") != before


@pytest.mark.django_db
class TestField:
    def test_the_database_holds_no_clear_value(self) -> None:
        customer = Customer.objects.create(kind="person", name="张三", phone="13800001234", identity_no="")

        with connection.cursor() as cursor:
            cursor.execute("SELECT phone, identity_no FROM cis_customer WHERE id = %s", [customer.pk])
            phone, identity_no = cursor.fetchone()

        assert phone.startswith("aes:")
        assert "13800001234" not in phone
        assert identity_no == ""
        assert Customer.objects.get(pk=customer.pk).phone == "13800001234"

    def test_its_history_holds_none_either(self) -> None:
        customer = Customer.objects.create(kind="person", name="张三", phone="13800001234")
        customer.phone = "13900005678"
        customer.save()

        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(e::text, ' ') FROM cis_customerevent e")
            (history,) = cursor.fetchone()

        assert history
        assert "13800001234" not in history
        assert "13900005678" not in history


class TestMasks:
    def test_they_show_what_is_needed_to_recognise_and_no_more(self) -> None:
        assert mask_phone("13800001234") == "138****1234"
        assert mask_phone("123") == "****"
        assert mask_identity_no("110101199001011237") == "1101**********1237"
        assert mask_identity_no("12") == "****"
        assert mask_name("张三丰") == "张**"
        assert mask_name("张") == "张*"

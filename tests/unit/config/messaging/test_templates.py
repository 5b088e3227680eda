"""Every template can be said in both languages and fits the channels it goes by."""

from __future__ import annotations

import pytest
from django.conf import settings

from config.shared.messaging import sms_length, templates
from config.shared.messaging.channels import CHANNELS, sms
from config.shared.messaging.templates import LANGUAGES, TEMPLATES, Template, WrongParameters

# A notice may take two messages; a code that arrives in halves is no use.
MOST_PARTS = {templates.Kind.CODE: 1, templates.Kind.NOTICE: 2}


@pytest.mark.parametrize("form", TEMPLATES.values(), ids=list(TEMPLATES))
class TestEveryTemplate:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_can_be_said(self, form: Template, language: str) -> None:
        form.check(form.examples)

        subject, text = form.render(language, form.examples)

        assert subject and text and "{" not in text + subject and "••" not in text + subject
        assert all(value in text + subject for value in form.examples.values())

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_fits_an_sms(self, form: Template, language: str) -> None:
        if "sms" not in form.channels:
            return
        whole = sms_length.signed(settings.SMS_SIGN_NAME, form.render(language, form.examples)[1])

        assert sms_length.parts(whole) <= MOST_PARTS[form.kind], len(whole)

    def test_names_channels_there_are_and_the_same_parameters_in_both_languages(self, form: Template) -> None:
        assert form.channels and set(form.channels) <= set(CHANNELS)
        assert templates.names_in(form.zh) | templates.names_in(form.subject_zh) == form.parameters
        assert templates.names_in(form.en) | templates.names_in(form.subject_en) == form.parameters
        assert form.secrets <= form.parameters

    def test_speaks_each_language(self, form: Template) -> None:
        def is_chinese(text: str) -> bool:
            return any("一" <= sign <= "鿿" for sign in text)

        assert is_chinese(form.zh) and is_chinese(form.subject_zh)
        assert not is_chinese(form.en + form.subject_en)


class TestParameters:
    def test_one_missing_or_too_many_is_refused(self) -> None:
        form = TEMPLATES["sign-in-code"]

        for wrong in ({}, {"code": "123456", "name": "x"}):
            with pytest.raises(WrongParameters):
                form.check(wrong)

    def test_what_was_erased_is_not_shown(self) -> None:
        assert "••••••" in TEMPLATES["sign-in-code"].render("zh-hans", {})[1]

    def test_two_templates_of_one_code_are_refused(self) -> None:
        twin = Template(code="sign-in-code", channels=("sms",), zh="", en="", subject_zh="", subject_en="")

        with pytest.raises(ValueError, match="sign-in-code"):
            templates.declare(twin)


class TestLength:
    def test_counts_as_providers_do(self) -> None:
        assert [sms_length.parts("字" * n) for n in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]
        assert sms_length.parts("a" * 71) == 2, "Latin letters count like characters"
        assert sms_length.signed("电力", "好") == "【电力】好"


class TestRegistration:
    def test_hands_in_every_text_with_the_providers_placeholders(self) -> None:
        handed_in = sms.registered_templates()

        code = sms.provider_template("sign-in-code", "zh-hans")
        assert "${code}" in handed_in[code] and "{code}，" in handed_in[code]
        assert len(handed_in) == 2 * sum("sms" in form.channels for form in TEMPLATES.values())

"""Where webhooks may go, when they come again, how they are signed: from the registries and the specification."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest

from payments.signing import standard_webhook
from payments.webhook_rules import UnusableUrl, asked_wait_s, may_reach, read_url, rest_s, wait_s

SCHEDULE = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


class TestAddresses:
    @pytest.mark.parametrize(
        "text",
        [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.9",
            "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1",
            "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
            "255.255.255.255",
            "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1",
            "64:ff9b::7f00:1", "64:ff9b::5db8:d822", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
            "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0",
            "fec0::1", "ff02::1", "ff0e::1", "5f00::1",
        ],
    )  # fmt: skip
    def test_nothing_that_is_not_public_is_reached(self, text: str) -> None:
        assert not may_reach(ip_address(text))

    @pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111"])
    def test_what_is_public_is_reached(self, text: str) -> None:
        assert may_reach(ip_address(text))

    def test_a_network_that_was_named_is_reached_and_no_other_and_not_by_its_mapped_form(self) -> None:
        near = [ip_network("10.20.30.0/28")]

        assert may_reach(ip_address("10.20.30.5"), near=near)
        assert not may_reach(ip_address("10.20.30.16"), near=near)
        assert not may_reach(ip_address("::ffff:10.20.30.5"), near=near)


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://hooks.example.com/", "https"), ("ftp://hooks.example.com/", "form"), ("https://", "form"),
            ("https://user:word@hooks.example.com/", "form"), ("https://hooks.example.com/#part", "form"),
            ("https://hooks.example.com:8443/", "port"), ("https://hooks.example.com:0x1bb/", "form"),
            ("https://127.0.0.1/", "private"), ("https://[::1]/", "private"), ("https://[::ffff:10.0.0.1]/", "private"),
            ("https://10.0.0.1/", "private"), ("https://hooks.example.com/a b", "form"), ("https://银行.cn/", "form"),
            ("https://hooks.example.com/\r\nX: y", "form"), ("https://a\\@b.example/", "form"),
            ("https://hooks.example.com/" + "a" * 500, "form"), ("https://..example/", "form"),
        ],
    )  # fmt: skip
    def test_what_is_no_address_for_webhooks_is_refused(self, url: str, why: str) -> None:
        with pytest.raises(UnusableUrl) as refused:
            read_url(url, ports=(443,), may_be_plain=False)

        assert refused.value.why == why

    def test_an_address_is_taken_apart(self) -> None:
        target = read_url("https://Hooks.Example.com/a/b?c=d", ports=(443,), may_be_plain=False)

        assert (target.host, target.port, target.path, target.host_header) == (
            "hooks.example.com", 443, "/a/b?c=d", "hooks.example.com"
        )  # fmt: skip
        plain = read_url("http://[2606:4700::1]:8080", ports=(8080,), may_be_plain=True)
        assert (plain.path, plain.host_header, plain.is_tls) == ("/", "[2606:4700::1]:8080", False)


class TestWaits:
    def test_ten_tries_over_more_than_three_days_then_no_more(self) -> None:
        waits = [wait_s(tries, schedule=SCHEDULE, jitter=0.0, draw=0.5) for tries in range(1, 11)]

        assert waits == [*SCHEDULE, None]
        assert sum(SCHEDULE) == 75 * 3600 + 35 * 60 + 5

    def test_jitter_adds_a_share_of_the_wait_at_most(self) -> None:
        assert wait_s(2, schedule=SCHEDULE, jitter=0.2, draw=0.0) == 300
        assert wait_s(2, schedule=SCHEDULE, jitter=0.2, draw=0.5) == pytest.approx(330)

    def test_an_endpoint_rests_longer_with_every_failure_and_five_minutes_at_most(self) -> None:
        assert [rest_s(failures) for failures in (1, 2, 3, 9, 10, 500)] == [1, 2, 4, 256, 300, 300]

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("120", 120), ("", 0), ("soon", 0), ("-5", 0), ("99999999999999", 86_400),
            ("Mon, 23 Nov 2026 04:01:00 GMT", 60), ("Mon, 23 Nov 2026 03:00:00 GMT", 0), ("²", 0),
        ],
    )  # fmt: skip
    def test_retry_after_is_read_in_both_forms(self, text: str, seconds: float) -> None:
        assert asked_wait_s(text, at=NOON) == seconds


class TestSignature:
    def test_the_example_of_the_specification(self) -> None:
        signed = standard_webhook.sign(
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp=1614265330,
            body=b'{"test": 2432232314}',
        )

        assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_two_live_secrets_make_two_signatures(self) -> None:
        one, two = (standard_webhook.new_secret(bytes([number]) * 32) for number in (1, 2))

        both = standard_webhook.sign([one, two], message_id="m", timestamp=1, body=b"{}")

        assert both.split(" ") == [
            standard_webhook.sign([secret], message_id="m", timestamp=1, body=b"{}") for secret in (one, two)
        ]

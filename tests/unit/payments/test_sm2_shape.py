"""What is no SM2 signature never reaches GmSSL, which would write about it to the process's stderr."""

from __future__ import annotations

import pytest

from payments.signing import sm2

needs_sm2 = pytest.mark.skipif(not sm2.IS_OFFERED, reason="gmssl-pyx is not installed")


@needs_sm2
def test_only_the_shape_of_a_signature_is_handed_on(capfd: pytest.CaptureFixture[str]) -> None:
    private, public = sm2.new_pair()
    right = sm2.sign(b"x", private)

    for raw in (b"", b"\x00" * 70, b"0" * 9000, right + b"x", right[:-1], b"\x30\x06\x02\x01\x00\x02\x01\x01"):
        assert not sm2.is_signed(b"x", raw, public)

    assert sm2.is_signed(b"x", right, public)
    assert capfd.readouterr().err == ""

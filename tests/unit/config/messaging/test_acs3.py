"""Aliyun's third request format, by its published example."""

from __future__ import annotations

import hashlib

from config.shared.messaging.channels import acs3

HEADERS = {
    "host": "ecs.cn-shanghai.aliyuncs.com",
    "x-acs-action": "RunInstances",
    "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "x-acs-date": "2023-10-26T10:22:32Z",
    "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
    "x-acs-version": "2014-05-26",
}
QUERY = acs3.query_of({"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"})


class TestTheExample:
    def test_is_written_canonically(self) -> None:
        written = acs3.canonical_request("POST", "/", QUERY, HEADERS, b"")

        digest = hashlib.sha256(written.encode()).hexdigest()
        assert digest == "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"

    def test_is_signed(self) -> None:
        said = acs3.authorization(
            key_id="YourAccessKeyId",
            secret="YourAccessKeySecret",
            method="POST",
            path="/",
            query=QUERY,
            headers=HEADERS,
            body=b"",
        )

        assert said.endswith("Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")
        assert "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;" in said

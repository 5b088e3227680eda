"""Lists of accounts and groups."""

from __future__ import annotations

import pytest

from cis.laboratory import GroupFileFault, read_group_file


class TestAFile:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    @pytest.mark.parametrize("head", ["户号,收入分组\n", ""])
    def test_is_read_with_and_without_a_head(self, encoding: str, head: str) -> None:
        read = read_group_file(f"{head}4200000001,低收入\n\n4200000002, 其他 \n4200000003,低收入\n".encode(encoding))

        assert read.names == ("低收入", "其他")
        assert read.group_of == {"4200000001": 0, "4200000002": 1, "4200000003": 0}

    @pytest.mark.parametrize(
        ("text", "code", "line"),
        [
            ("1,a\n2\n", "columns", 2),
            ("1,a\nx,b\n", "account_no", 2),
            ("1,a\n2,\n", "group", 2),
            ("1,a\n1,b\n", "twice", 2),
            ("户号,组\n", "empty", 0),
            ("".join(f"{n},g{n}\n" for n in range(30)), "too_many_groups", 21),
        ],
    )
    def test_that_cannot_be_used_says_where(self, text: str, code: str, line: int) -> None:
        with pytest.raises(GroupFileFault) as fault:
            read_group_file(text.encode())

        assert (fault.value.code, fault.value.line) == (code, line)

    def test_of_no_known_encoding_is_refused(self) -> None:
        with pytest.raises(GroupFileFault, match="encoding"):
            read_group_file(b"1,\xff\xff")

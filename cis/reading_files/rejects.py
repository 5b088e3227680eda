"""Pure: why a row is rejected, and the file of rejects that goes back to the sender."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

__all__ = ["REASONS", "Reject", "write_rejects"]

REASONS: dict[str, tuple[str, str]] = {
    "field-count": ("应有 {expected} 列，实有 {found} 列。", "{found} fields, but the header has {expected}."),
    "undecodable": ("编码错误，不是 {encoding}。", "Not readable as {encoding}."),
    "quote-misplaced": ("引号位置错误。", "A quote stands in the wrong place."),
    "quoted-newline": ("字段内不允许换行。", "A field must not contain a line break."),
    "stray-carriage-return": ("行内含有回车符。", "A carriage return stands inside the row."),
    "meter-no-missing": ("表号为空。", "The meter number is empty."),
    "meter-no-unreadable": (
        "表号“{text}”不可用：最多 32 个字符且不含空格。",
        "Meter number “{text}” cannot be used: at most 32 characters, no blanks.",
    ),
    "meter-no-rounded": (
        "表号“{text}”已被表格软件改成科学计数法，请按文本导出。",
        "A spreadsheet turned meter number “{text}” into powers of ten. Export it as text.",
    ),
    "register-unknown": ("示数类型“{text}”不认识。", "Register “{text}” is not known."),
    "date-missing": ("日期为空。", "The date is empty."),
    "date-unreadable": (
        "日期“{text}”读不懂，应形如 2025-01-31。",
        "Date “{text}” cannot be read. Write it like 2025-01-31.",
    ),
    "date-not-midnight": (
        "时间“{text}”不是 00:00，不是日冻结示数。",
        "Time “{text}” is not 00:00, so this is no daily freeze.",
    ),
    "date-too-old": ("日期“{text}”早于 1990 年。", "Date “{text}” is before 1990."),
    "date-in-future": ("日期“{text}”晚于今天（{today}）。", "Date “{text}” is after today ({today})."),
    "value-missing": ("{column}为空。", "{column} is empty."),
    "value-not-a-number": ("{column}“{text}”不是数字。", "{column} “{text}” is not a number."),
    "value-not-finite": ("{column}“{text}”不是有限的数。", "{column} “{text}” is not a finite number."),
    "value-exponent": (
        "{column}“{text}”是科学计数法，可能丢失位数。",
        "{column} “{text}” is written in powers of ten and may have lost digits.",
    ),
    "value-negative": ("{column}“{text}”是负数。", "{column} “{text}” is negative."),
    "value-too-many-decimals": (
        "{column}“{text}”的小数多于 {allowed} 位。",
        "{column} “{text}” has more than {allowed} decimals.",
    ),
    "value-too-large": ("{column}“{text}”过大。", "{column} “{text}” is too large."),
    "values-all-missing": ("96 点全部为空。", "All 96 points are empty."),
    "source-unknown": ("来源“{text}”不认识。", "Source “{text}” is not known."),
    "quality-unknown": ("质量“{text}”不认识。", "Quality “{text}” is not known."),
    "reading-missing": ("文件标明该示数缺失。", "The file itself marks this reading as missing."),
    "duplicate-row": ("与第 {first_line} 行相同，已忽略。", "Repeats line {first_line}; ignored."),
    "conflicting-row": (
        "与第 {first_line} 行同表同示数同日期但数值不同，保留前者。",
        "Same meter, register and date as line {first_line} but another value; the first was kept.",
    ),
    "meter-unknown": ("表号“{meter_no}”不存在。", "There is no meter “{meter_no}”."),
    "already-stored": ("该示数已入库，已忽略。", "This reading is stored already; ignored."),
    "conflicts-with-stored": (
        "已入库的示数为 {stored}，与本行不同。",
        "The stored reading is {stored}, which differs from this row.",
    ),
}
"""Code to (Chinese, English) words. The last three are for the step that stores readings."""

TEXT_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that was not taken: where (CSV line, header = 1; Parquet row, first = 1), why, and its raw text."""

    line_no: int
    code: str
    """key of REASONS"""
    params: Mapping[str, str | int] = field(default_factory=dict)
    """values of the message; long texts are cut when shown"""
    raw: str = ""
    """the row as it stood in the file, without its line end"""

    def message(self, language: str = "zh") -> str:
        """Return the reason in plain words, `zh` or `en`."""
        shown = {name: _shorten(value) for name, value in self.params.items()}
        return REASONS[self.code][language == "en"].format(**shown)


def write_rejects(
    stream: BinaryIO, rejects: Iterable[Reject], *, language: str = "zh", with_header: bool = True
) -> int:
    """
    Write rejects as CSV (UTF-8; the header brings a BOM for spreadsheets) and return how many were written.

    Columns: line_no, code, reason, raw. Call it once per batch with `with_header=False` after the first to stay in
    constant memory. A raw row that a spreadsheet would run as a formula (it begins with = + - @ or a tab) gets an
    apostrophe in front; otherwise it is written as it was.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    if with_header:
        stream.write(b"\xef\xbb\xbf")
        writer.writerow(["line_no", "code", "reason", "raw"])
    count = 0
    for reject in rejects:
        raw = f"'{reject.raw}" if reject.raw.startswith(("=", "+", "-", "@", "\t")) else reject.raw
        writer.writerow([reject.line_no, reject.code, reject.message(language), raw])
        count += 1
        if count % 1000 == 0:
            _drain(text, stream)
    _drain(text, stream)
    return count


def _drain(text: io.StringIO, stream: BinaryIO) -> None:
    stream.write(text.getvalue().encode("utf-8", "backslashreplace"))
    text.seek(0)
    text.truncate()


def _shorten(value: str | int) -> str | int:
    return value if isinstance(value, int) or len(value) <= TEXT_LIMIT else value[: TEXT_LIMIT - 1] + "…"

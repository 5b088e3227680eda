"""Pure: text columns to exact integers, days and known words. No number passes through a float."""

import re
from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["Why", "parse_days", "parse_meter_nos", "parse_numbers", "parse_words"]

Why = tuple[str, dict[str, str | int]]
"""code and message values of a Reject"""

MAX_INTEGER_DIGITS = 12
MAX_METER_NO = 32
FIRST_DAY = date(1990, 1, 1)
EPOCH = date(1970, 1, 1)

NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?", re.ASCII)
EXPONENT = re.compile(r"[+-]?[0-9]*\.?[0-9]+[eE][+-]?[0-9]+", re.ASCII)
NOT_FINITE = {"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
ROUNDED_METER_NO = re.compile(r"[0-9](\.[0-9]+)?[eE]\+[0-9]+", re.ASCII)
DAY = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|([0-9]{2})([0-9]{2})"
    r"|年([0-9]{1,2})月([0-9]{1,2})日)(?:[T ]+([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?))?",
    re.ASCII,
)
MIDNIGHT = re.compile(r"0{1,2}:00(?::00(?:\.0+)?)?", re.ASCII)


def parse_numbers(
    texts: pa.StringArray, *, decimals: int, column: str, blank_allowed: bool = False
) -> tuple[NDArray[np.int64], dict[int, Why], NDArray[np.bool_]]:
    """
    Return (n,) numbers in units of 10**-decimals, the rows that are no such number, and which rows are blank.

    Zeros behind the allowed decimals are dropped; anything else there is refused, as are signs below zero, exponents,
    non-finite words and 10**12 or more. Rows that are refused or blank hold 0. A blank is refused as `value-missing`
    unless `blank_allowed`.
    """
    is_plain = pc.match_substring_regex(texts, rf"^[0-9]{{1,{MAX_INTEGER_DIGITS}}}(\.[0-9]{{0,{decimals}}})?$")
    plain = is_plain.to_numpy(zero_copy_only=False)
    blank = np.zeros(len(texts), np.bool_)
    bad: dict[int, Why] = {}
    if plain.all():
        return _decimal_to_int64(texts, decimals), bad, blank

    numbers = _decimal_to_int64(pc.if_else(is_plain, texts, "0"), decimals)
    blank = pc.equal(texts, "").to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(~plain & ~blank).tolist():
        text = texts[row].as_py()
        number = _read_number(text, decimals)
        if isinstance(number, int):
            numbers[row] = number
        elif number == "value-missing":
            blank[row] = True
        else:
            params: dict[str, str | int] = {"column": column, "text": text}
            bad[row] = (number, params | {"allowed": decimals} if number == "value-too-many-decimals" else params)
    if not blank_allowed:
        bad.update((row, ("value-missing", {"column": column})) for row in np.flatnonzero(blank).tolist())
    return numbers, bad, blank


def parse_days(texts: pa.StringArray, *, today: date) -> tuple[NDArray[np.datetime64], dict[int, Why]]:
    """
    Return (n,) datetime64[D] and the rows that hold no usable day (they hold 1970-01-01).

    Reads 2025-01-31, 2025/1/31, 20250131 and 2025年1月31日, each alone or with a time that must be 00:00. Days after
    `today` and before 1990 (a meter whose clock was reset) are refused.
    """
    words, index = _distinct(texts)
    days = np.zeros(len(words), np.int64)
    whys: dict[int, Why] = {}
    for number, word in enumerate(words):
        day = _read_day(word, today)
        if isinstance(day, date):
            days[number] = (day - EPOCH).days
        else:
            whys[number] = (
                day,
                {"text": word, "today": today.isoformat()} if day == "date-in-future" else {"text": word},
            )
    return days[index].astype("datetime64[D]"), _spread(whys, index)


def parse_words(
    texts: pa.StringArray, known: Mapping[str, str], *, unknown_code: str
) -> tuple[NDArray[np.object_], dict[int, Why]]:
    """Return (n,) the name each word stands for, and the rows whose word is not known (they hold "")."""
    words, index = _distinct(texts)
    names = np.empty(len(words), dtype=object)
    whys: dict[int, Why] = {}
    for number, word in enumerate(words):
        name = known.get(word.strip().lower())
        names[number] = name or ""
        if name is None:
            whys[number] = (unknown_code, {"text": word})
    return names[index], _spread(whys, index)


def parse_meter_nos(texts: pa.StringArray) -> tuple[NDArray[np.object_], dict[int, Why]]:
    """Return (n,) str without blanks around it, and the rows with no usable meter number (at most 32 characters)."""
    plain = pc.match_substring_regex(texts, rf"^[!-~]{{1,{MAX_METER_NO}}}$").to_numpy(zero_copy_only=False)
    suspect = ~plain | pc.match_substring(texts, "+").to_numpy(zero_copy_only=False)
    meter_nos = texts.to_numpy(zero_copy_only=False)
    bad: dict[int, Why] = {}
    if suspect.any():
        meter_nos = meter_nos.copy()
        for row in np.flatnonzero(suspect).tolist():
            text = meter_nos[row].strip()
            meter_nos[row] = text
            if not text:
                bad[row] = ("meter-no-missing", {})
            elif ROUNDED_METER_NO.fullmatch(text):
                bad[row] = ("meter-no-rounded", {"text": text})
            elif len(text) > MAX_METER_NO or not text.isprintable() or any(map(str.isspace, text)):
                bad[row] = ("meter-no-unreadable", {"text": text})
    return meter_nos, bad


def _read_number(text: str, decimals: int) -> int | str:
    """Return the number in units of 10**-decimals, or the code of why it is none."""
    text = text.strip()
    if not text:
        return "value-missing"
    parts = NUMBER.fullmatch(text)
    if parts is None or not (parts[2] or parts[3]):
        if text.lower() in NOT_FINITE:
            return "value-not-finite"
        return "value-exponent" if EXPONENT.fullmatch(text) else "value-not-a-number"
    whole, fraction = parts[2].lstrip("0"), (parts[3] or "").rstrip("0")
    if parts[1] == "-" and (whole or fraction):
        return "value-negative"
    if len(fraction) > decimals:
        return "value-too-many-decimals"
    if len(whole) > MAX_INTEGER_DIGITS:
        return "value-too-large"
    return int((whole or "0") + fraction.ljust(decimals, "0"))


def _read_day(text: str, today: date) -> date | str:
    """Return the day, or the code of why it is none."""
    text = text.strip()
    if not text:
        return "date-missing"
    parts = DAY.fullmatch(text)
    if parts is None:
        return "date-unreadable"
    month, day = (int(part) for part in parts.groups()[1:9] if part)
    try:
        found = date(int(parts[1]), month, day)
    except ValueError:
        return "date-unreadable"
    if parts[10] and not MIDNIGHT.fullmatch(parts[10]):
        return "date-not-midnight"
    if found < FIRST_DAY:
        return "date-too-old"
    return "date-in-future" if found > today else found


def _decimal_to_int64(texts: pa.StringArray, decimals: int) -> NDArray[np.int64]:
    """Plain numbers of at most 12 + decimals digits, decimals <= 6: they fit the low word of a 128-bit decimal."""
    exact = pc.cast(texts, pa.decimal128(18, decimals))
    words = np.frombuffer(exact.buffers()[1], dtype="<i8", count=2 * (exact.offset + len(exact)))
    return np.array(words[2 * exact.offset :: 2], dtype=np.int64)


def _distinct(texts: pa.StringArray) -> tuple[list[str], NDArray[np.int64]]:
    coded = texts.dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)


def _spread(whys: dict[int, Why], index: NDArray[np.int64]) -> dict[int, Why]:
    """Reasons of distinct words to reasons of rows."""
    if not whys:
        return {}
    rows = np.flatnonzero(np.isin(index, list(whys)))
    return {row: whys[int(index[row])] for row in rows.tolist()}

"""Pure: reads files of meter readings, CSV or Parquet, in batches and in constant memory.

`open_readings` recognises the layout by its header, turns every good row into columns of exact integers and reports
every bad row with its line number, a stable code and plain words. It needs no database and no clock: unknown meters
and rows that repeat across batches or files are found by the step that stores them, which makes its own `Reject`s
with `batch.reject(...)`.

Layouts, by English or Chinese header names in any order; other columns are ignored:

registers   meter_no, register, read_on, value, optional source, quality
            表号, 示数类型, 抄表日期, 示数, 来源, 质量
intervals   meter_no, day, kwh_01 ... kwh_96 (or v1 ... v96), optional register (default total)
            表号, 日期, 电量01 ... 电量96, 示数类型

Source: billing-rules.md 3.6 (daily freeze at 00:00, 96 points of 15 minutes, quality flags).
"""

from cis.reading_files.batches import IntervalBatch, ReadingFile, RegisterBatch
from cis.reading_files.opening import open_readings
from cis.reading_files.refusals import FILE_REASONS, FileRefused
from cis.reading_files.rejects import REASONS, Reject, write_rejects

__all__ = [
    "FILE_REASONS",
    "REASONS",
    "FileRefused",
    "IntervalBatch",
    "ReadingFile",
    "RegisterBatch",
    "Reject",
    "open_readings",
    "write_rejects",
]

"""Pure: why a whole file is refused."""

__all__ = ["FILE_REASONS", "FileRefused"]

FILE_REASONS: dict[str, tuple[str, str]] = {
    "empty-file": ("文件是空的。", "The file is empty."),
    "wrong-encoding": (
        "第 {line_no} 行起无法按 UTF-8 或 GB18030 读取；请另存为 UTF-8 编码的 CSV 后重新上传。",
        "From line {line_no} the file is neither UTF-8 nor GB18030. Save it as CSV in UTF-8 and send it again.",
    ),
    "not-text": (
        "文件内容是{kind}，不是 CSV 或 Parquet；请导出为 CSV 后重新上传。",
        "The file contains {kind}, not CSV or Parquet. Export it as CSV and send it again.",
    ),
    "nul-bytes": (
        "第 {line_no} 行含有空字节，文件已损坏；请重新导出。",
        "Line {line_no} contains NUL bytes: the file is damaged. Export it again.",
    ),
    "line-too-long": (
        "第 {line_no} 行超过 {limit} 字节，文件可能没有换行或已损坏；请重新导出。",
        "Line {line_no} is longer than {limit} bytes: line ends are missing or the file is damaged. Export it again.",
    ),
    "line-ends": (
        "文件只用回车符换行；请以 LF 或 CRLF 换行重新保存。",
        "Lines end in carriage returns only. Save the file again with LF or CRLF line ends.",
    ),
    "quote-open": (
        "第 {line_no} 行的引号没有闭合；请改正后重新上传。",
        "A quote opened in line {line_no} is never closed. Correct it and send the file again.",
    ),
    "columns-missing": (
        "缺少列：{columns}；第一行须为列名。",
        "Columns are missing: {columns}. The first line must hold the column names.",
    ),
    "column-twice": ("列出现两次：{columns}。", "Columns stand twice in the header: {columns}."),
    "column-type": (
        "Parquet 列类型不可用：{columns}；表号须为文本。",
        "Parquet columns of a type that cannot be used: {columns}. Meter numbers must be text.",
    ),
    "not-parquet": (
        "文件名是 Parquet，但内容不是；请核对文件。",
        "The file is named Parquet but is not one. Check the file.",
    ),
    "not-seekable": (
        "Parquet 文件须先完整接收再读取。",
        "A Parquet file must be received completely before it can be read.",
    ),
    "parquet-damaged": (
        "Parquet 文件在第 {line_no} 行之后损坏；请重新导出。",
        "The Parquet file is damaged after row {line_no}. Export it again.",
    ),
    "cut-short": (
        "文件在第 {line_no} 行中断，未传完整；请重新上传整个文件。",
        "The file breaks off at line {line_no}. Send the whole file again.",
    ),
    "last-line-open": (
        "最后一行没有换行，数字可能被截断；请确认文件完整，在末尾加一个换行后重新上传。",
        "The last line has no line end, so its number may be cut. Check the file, add a line end and send it again.",
    ),
}
"""Code to (Chinese, English) words. `line_no` is 0 when no line can be named."""


class FileRefused(Exception):
    """
    The file as a whole cannot be used. Batches already handed out must be thrown away (roll the transaction back).

    `code` is a key of FILE_REASONS, `line_no` the line (CSV) or row (Parquet) it was noticed at, 0 if none, `params`
    the values of the message.
    """

    def __init__(self, code: str, line_no: int = 0, **params: str | int) -> None:
        self.code = code
        self.line_no = line_no
        self.params = params
        super().__init__(f"{code}: {self.message('en')}")

    def message(self, language: str = "zh") -> str:
        """Return the reason in plain words, `zh` or `en`, saying what to do next."""
        return FILE_REASONS[self.code][language == "en"].format(line_no=self.line_no, **self.params)

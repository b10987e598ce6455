"""What the first bytes of a file say: its encoding, or that it is no text."""

from __future__ import annotations

import codecs
from pathlib import Path

from tinygsp.data.dataset import DataError

MARKS = {  # byte order marks; that of UTF-16 is the beginning of one of UTF-32
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NO_TEXT = {
    b"\x1f\x8b": "is compressed by gzip; unpack it first",
    b"BZh91AY": "is compressed by bzip2; unpack it first",
    b"\xfd7zXZ\0": "is compressed by xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd; unpack it first",
    b"PK\3\4": "is a zip file or a spreadsheet; unpack it first, or save the sheet as .csv",
    b"PAR1": "is a parquet file; give it the ending .parquet",
    b"\x89PNG": "is a picture; expected a table",
    b"\xff\xd8\xff": "is a picture; expected a table",
    b"GIF8": "is a picture; expected a table",
    b"%PDF-": "is a PDF; expected a table",
}
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def find_encoding(path: Path, encoding: str | None) -> str:
    """The encoding to read a text file with: the one given, else that of its byte order mark, else UTF-8.

    Raises DataError if the file is known to be something else than text, and OSError as open and read do.
    """
    with open(path, "rb") as file:
        start = file.read(8)
    for mark, reason in NO_TEXT.items():
        if start.startswith(mark):
            raise DataError(f"{path}: {reason}")
    marked = next((name for mark, name in MARKS.items() if start.startswith(mark)), "utf-8-sig")
    return encoding or marked


def not_decoded(path: Path, encoding: str, error: UnicodeError) -> DataError:
    """The DataError for a file that is not in its encoding."""
    if not isinstance(error, UnicodeDecodeError):  # a UTF-16 or UTF-32 without a byte order mark
        return DataError(f"{path}: {error}; name its encoding in full, as in --encoding {encoding}-le")
    if encoding.startswith(("utf-16", "utf-32")):
        return DataError(f"{path}: is not {encoding.upper()} ({error.reason}); is it cut off?")
    if b"\0" in error.object:
        return DataError(f"{path}: has bytes of 0, so it is no text in this encoding; name another with --encoding")
    return DataError(
        f"{path}: is not {error.encoding.upper()} (byte 0x{error.object[error.start]:02x}); name its encoding, as "
        "in --encoding latin-1, or convert it: iconv -f latin-1 -t utf-8"
    )

"""metrics.csv: a row for each epoch of a run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from tinygsp.data.files import write_atomic

COLUMNS = ("epoch", "phase", "loss", "val_accuracy", "open_gates", "density", "price", "noise", "seconds")


class MetricsFile:
    """Write metrics.csv anew, with a row for each record so far, and append rows to it.

    records : dicts with the names in COLUMNS; other names are left out
    """

    def __init__(self, path: Path, records: Iterable[dict]) -> None:
        text = io.StringIO()
        writer = csv_writer(text)
        writer.writeheader()
        writer.writerows(map(to_row, records))
        write_atomic(path, text.getvalue())
        self.file = open(path, "a", newline="", encoding="utf-8")  # noqa: SIM115  (closed by `close`)

    def append(self, record: dict) -> None:
        """Write the row of one more epoch, to the disk as far as Python can."""
        csv_writer(self.file).writerow(to_row(record))
        self.file.flush()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def csv_writer(file: TextIO) -> csv.DictWriter:
    """Make the writer of the rows: named columns, lines that end in a line feed on every system."""
    return csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")


def to_row(record: dict) -> dict:
    """Format the numbers of a record: six digits."""
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in record.items()}

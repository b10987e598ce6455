"""Read a table from a text file (.csv, .tsv) or from .parquet: named columns of numbers or of texts.

A text file is read block by block, and only numbers are kept, a text as the number of its category, so that memory
follows the count of cells and not the length of the file. Read `encoding.py` next: it makes inputs of the columns.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinygsp.data.arrays import LARGEST
from tinygsp.data.dataset import DataError
from tinygsp.data.limits import MAX_NAME, shown
from tinygsp.data.scaling import repeated
from tinygsp.data.text_files import find_encoding, not_decoded

DELIMITERS = ",;\t|"
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})  # in lower case: cells that hold nothing
MAX_CELLS = 2**28  # of a table: 2 GiB of numbers
MAX_TEXTS = 5000  # different texts in a column
MAX_COLUMNS = 2**16
BLOCK = 4096  # rows


@dataclass(frozen=True, eq=False)
class Column:
    """One column: numbers, or categories.

    values : (n,) float64   numbers, or indices into `texts`; nan where the cell is empty
    texts  : the categories, sorted; None of a column of numbers
    """

    name: str
    values: np.ndarray
    texts: tuple[str, ...] | None = None

    @property
    def is_missing(self) -> np.ndarray:
        """Which cells are empty: (n,) bool."""
        return np.isnan(self.values)


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a file, by name, in its order; all have `rows` cells."""

    path: Path
    columns: dict[str, Column]
    rows: int
    notes: tuple[str, ...] = ()  # what was done with columns that have no name


def read_table(
    path: Path,
    drop: Sequence[str] = (),
    categories: Sequence[str] = (),
    encoding: str | None = None,
    only: Container[str] | None = None,
) -> Table:
    """Read a table.

    drop       : columns to leave out
    categories : columns whose cells are texts, though they may look like numbers
    encoding   : of a text file; UTF-8 unless given
    only       : columns to read, as far as they are there; None reads all. Then the others may hold anything

    A column of a text file that has no name is called by its number, such as "column 1"; one that is empty or counts
    the rows, as a data frame writes it, is left out. Raises DataError, one line that names the file and, where it can,
    line and column.
    """
    if path.suffix.lower() == ".parquet":
        from tinygsp.data.parquet import read_parquet

        unnamed = []
        names, columns, rows = read_parquet(path, drop, categories, only)
    else:
        names, columns, rows, unnamed = read_csv(path, drop, categories, encoding, only)
    for option, chosen in (("drop", drop), ("categories", categories)):
        if only is None and (unknown := [name for name in chosen if name not in names]):
            raise DataError(f"{path}: --{option} {unknown[0]}: no such column; its columns are {few(names)}")
    if not rows:
        raise DataError(f"{path}: has no rows below its header")
    notes = look_at_unnamed(columns, [name for name in unnamed if only is None and name not in categories])
    return Table(path, columns, rows, tuple(notes))


def look_at_unnamed(columns: dict[str, Column], unnamed: Sequence[str]) -> list[str]:
    """Leave out columns without a name that are empty or count the rows; say so, and how others are called."""
    notes = []
    for name in unnamed:
        column = columns.get(name)
        if column is None:
            continue
        count = np.arange(len(column.values))
        counts_rows = any(np.array_equal(column.values - first, count) for first in (0, 1))
        if column.is_missing.all() or (column.texts is None and counts_rows):
            notes.append(f"{name} has no name and {'counts the rows' if counts_rows else 'is empty'}: left out")
            del columns[name]
        else:
            notes.append(f"{name} has no name and is called so")
    return notes


def few(names: Sequence[str], most: int = 8) -> str:
    """Write names for a message, the first ones of many."""
    return ", ".join(shown(name) for name in names[:most]) + (f", ... ({len(names)})" if len(names) > most else "")


def check_header(path: Path, names: Sequence[str]) -> None:
    """Raise DataError unless the columns have different printable names."""
    if len(names) > MAX_COLUMNS:
        raise DataError(f"{path}: has {len(names):,} columns; at most {MAX_COLUMNS:,} are read")
    for k, name in enumerate(names, 1):
        if not name.strip():
            raise DataError(f"{path}: the name of column {k} is empty; give it one")
        if not name.isprintable():
            raise DataError(f"{path}: the name of column {k}, {shown(name)}, is not printable; give it another")
        if len(name) > MAX_NAME // 2:
            raise DataError(
                f"{path}: the name of column {k}, {shown(name)}, has {len(name)} letters; at most {MAX_NAME // 2} are "
                "allowed"
            )
    if twice := repeated(names):
        raise DataError(f"{path}: two columns are called {shown(twice)}; give each its own name")


# --- text files -----------------------------------------------------------------------------------------------


def read_csv(
    path: Path, drop: Sequence[str], categories: Sequence[str], encoding: str | None, only: Container[str] | None
) -> tuple[list[str], dict[str, Column], int, list[str]]:
    """Read a text file whose first line names the columns.

    Returns (all names, columns without those dropped, rows, names of those that had none).
    """
    try:
        found = find_encoding(path, encoding)
        with open(path, encoding=found, newline="") as file:
            delimiter = find_delimiter(path, file.read(2**16), 2 if only is None else 1)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            given = [name.strip() for name in next(reader)]
            names = [name or f"column {k}" for k, name in enumerate(given, 1)]
            check_header(path, names)
            is_left_out = [name in drop or (only is not None and name not in only) for name in names]
            cells = [
                None if left_out else Cells(path, name, name in categories, delimiter)
                for name, left_out in zip(names, is_left_out)
            ]
            rows = 0
            for lines, block in blocks(path, reader, len(names)):
                rows += len(block)
                if rows * len(names) > MAX_CELLS:
                    raise DataError(f"{path}: has more than {MAX_CELLS:,} cells; read a part of it")
                for column, texts in zip(cells, zip(*block)):
                    if column is not None:
                        column.add(texts, lines)
    except UnicodeError as error:
        raise not_decoded(path, found, error) from error
    except LookupError as error:
        raise DataError(f"--encoding {encoding}: {error}; expected a name such as utf-8 or latin-1") from error
    except csv.Error as error:
        reason = "ends within a quotation; close its quotation marks" if "end of data" in str(error) else error
        raise DataError(f"{path}: line {reader.line_num}: {reason}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); expected a table") from error
    columns = {column.name: column.column() for column in cells if column is not None}
    return names, columns, rows, [name for name, had in zip(names, given) if not had]


def find_delimiter(path: Path, start: str, least: int = 2) -> str:
    """Find the character between cells: that which cuts the first lines into the most cells, as many in each.

    least : columns that there must be
    """
    if not start.strip():
        raise DataError(f"{path}: is empty; expected a line with the names of the columns")
    if "\0" in start:
        raise DataError(f"{path}: has bytes of 0, so it is no text in this encoding; name another with --encoding")
    lines = start.splitlines(keepends=True)[:50]
    best = max(DELIMITERS, key=lambda delimiter: cells_a_line(lines, delimiter))
    if cells_a_line(lines, best)[1] < least:
        raise DataError(f"{path}: has one column; cells must be separated by , ; | or tabs")
    return best


def cells_a_line(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """(share of lines that have as many cells as the first, cells in the first), 0 of a line that is not cut."""
    try:
        counts = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
    except csv.Error:
        return 0.0, 0
    if not counts or counts[0] < 2:
        return 0.0, 1
    return sum(count == counts[0] for count in counts) / len(counts), counts[0]


def blocks(path: Path, reader: Iterator[list[str]], width: int) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Yield (line numbers, rows) of at most BLOCK rows; lines without any character are left out."""
    lines, block = [], []
    for row in reader:
        if not row:
            continue
        if len(row) != width:
            raise DataError(f"{path}: line {reader.line_num} has {len(row)} cells, but the header has {width}")
        lines.append(reader.line_num)
        block.append(row)
        if len(block) == BLOCK:
            yield lines, block
            lines, block = [], []
    if block:
        yield lines, block


class Cells:
    """Takes in the cells of one column, and decides by the first that is not empty: numbers, or texts.

    as_texts : take every cell as a text
    """

    def __init__(self, path: Path, name: str, as_texts: bool, delimiter: str) -> None:
        self.path, self.name, self.as_texts = path, name, as_texts
        self.has_comma = delimiter == ";"  # such files often write 1,5 for 1.5
        self.is_text: bool | None = True if as_texts else None
        self.values, self.texts = array("d"), {}

    def add(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Take in cells, with the numbers of their lines."""
        if not self.is_text:
            try:  # quick, for a block of nothing but numbers
                numbers = array("d", map(float, cells))
                if all(map(math.isfinite, numbers)) and max(map(abs, numbers)) < LARGEST:
                    self.values.extend(numbers)
                    self.is_text = False
                    return
            except ValueError:
                pass
        for cell, line in zip(cells, lines):
            self.values.append(self.read(cell.strip(), line))

    def read(self, cell: str, line: int) -> float:
        """The number of a cell, or the index of its text; nan if it is empty."""
        if cell.lower() in MISSING:
            return math.nan
        value = None if self.as_texts else self.number(cell)
        if self.is_text is None:
            self.is_text = value is None
        if (value is None) != self.is_text:
            name, what = shown(self.name), "a text" if value is None else "a number"
            has = (
                "numbers; correct it"
                if value is None
                else f"texts, first {shown(next(iter(self.texts)))}; correct them"
            )
            raise DataError(
                f"{self.path}: line {line}: {shown(cell)} is {what}, but column {name} has {has}, or take all as "
                "categories with --categories"
            )
        if value is None:
            if len(self.texts) >= MAX_TEXTS and cell not in self.texts:
                raise DataError(
                    f"{self.path}: column {shown(self.name)} has more than {MAX_TEXTS:,} different texts; leave it out "
                    "with --drop"
                )
            return float(self.texts.setdefault(cell, len(self.texts)))
        if not abs(value) < LARGEST:
            raise DataError(
                f"{self.path}: line {line}: column {shown(self.name)} has {cell}; expected finite numbers below "
                f"{LARGEST:g}"
            )
        return value

    def number(self, cell: str) -> float | None:
        """The number that a text stands for, None if it is none."""
        try:
            return float(cell)
        except ValueError:
            if self.has_comma and cell.count(",") == 1 and "." not in cell:
                try:
                    return float(cell.replace(",", "."))
                except ValueError:
                    return None
            return None

    def column(self) -> Column:
        """The whole column; the texts are sorted."""
        values = np.frombuffer(self.values, np.float64) if self.values else np.zeros(0)
        return sorted_column(self.name, values, list(self.texts) if self.is_text else None)


def sorted_column(name: str, values: np.ndarray, texts: list[str] | None) -> Column:
    """A Column of these values; if they are indices into texts, of sorted texts."""
    if texts is None:
        return Column(name, values)
    order = sorted(range(len(texts)), key=lambda k: sort_key(texts[k]))
    place = np.empty(len(texts) + 1)
    place[order], place[-1] = np.arange(len(texts)), math.nan
    indices = np.where(np.isnan(values), len(texts), values).astype(np.int64)
    return Column(name, place[indices], tuple(texts[k] for k in order))


def sort_key(text: str) -> tuple[bool, float, str]:
    """What sorts texts: numbers by their size, before other texts in the order of their letters."""
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text

"""Read a table from a .parquet file, where the package pyarrow is installed."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygsp.data.dataset import DataError
from tinygsp.data.limits import shown
from tinygsp.data.tables import MAX_CELLS, MAX_TEXTS, MISSING, Column, check_header, sorted_column


def read_parquet(
    path: Path, drop: Sequence[str], categories: Sequence[str], only: Container[str] | None = None
) -> tuple[list[str], dict[str, Column], int]:
    """Read the columns of a .parquet file, as `tables.read_csv` does those of a text file."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(f"{path}: reading .parquet takes the package pyarrow: pip install pyarrow") from error
    try:
        file = pyarrow.parquet.ParquetFile(path)
        names, rows = list(file.schema_arrow.names), file.metadata.num_rows
        check_header(path, names)
        if rows * len(names) > MAX_CELLS:
            raise DataError(f"{path}: has more than {MAX_CELLS:,} cells; read a part of it")
        kept = [name for name in names if name not in drop and (only is None or name in only)]
        columns = {name: to_column(path, name, file.read([name]).column(0), name in categories) for name in kept}
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); expected a .parquet file") from error
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: {str(error)[:200]}; expected a .parquet file, undamaged") from error
    return names, columns, rows


def to_column(path: Path, name: str, values: Any, as_texts: bool) -> Column:
    """A Column of a column of pyarrow: numbers as they are, texts and bools as categories, null as an empty cell."""
    import pyarrow

    kind = values.type
    if not as_texts and (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)):
        numbers = np.array(
            values.cast(pyarrow.float64()).fill_null(math.nan).to_numpy(zero_copy_only=False), np.float64
        )
        if np.isinf(numbers).any():
            raise DataError(f"{path}: column {shown(name)} has inf; expected finite numbers")
        return Column(name, numbers)
    cells, texts = [], {}
    for value in values.to_pylist():
        if value is None or (isinstance(value, str) and value.strip().lower() in MISSING):
            cells.append(math.nan)
        elif isinstance(value, (str, bool, int, float)):
            cells.append(float(texts.setdefault(str(value).strip(), len(texts))))
        else:
            raise DataError(f"{path}: column {shown(name)} is {kind}; expected numbers, texts or bools; --drop it")
        if len(texts) > MAX_TEXTS:
            raise DataError(f"{path}: column {shown(name)} has more than {MAX_TEXTS:,} different texts; --drop it")
    return sorted_column(name, np.array(cells, np.float64), list(texts))

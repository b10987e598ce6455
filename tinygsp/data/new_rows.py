"""Encode rows that come later as the table was that a network was trained on: same columns, same categories.

Only the columns that the network reads are looked at. `columns.py` says what a network knows of its columns.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygsp.data.arrays import LARGEST
from tinygsp.data.columns import Feature, all_features
from tinygsp.data.dataset import DataError
from tinygsp.data.encoding import encode
from tinygsp.data.limits import shown
from tinygsp.data.tables import MISSING, Column, Table, read_table, sorted_column

TRAINED_ON = "the table that the network was trained on"


def read_new_rows(
    source: Any,
    columns: Sequence[Sequence],
    input_names: Sequence[str],
    used: Sequence[int],
    encoding: str | None = None,
) -> np.ndarray:
    """The inputs of a network for the rows of a table: (rows, n_in) float64; those that it does not read are 0.

    source      : the path of a file, a data frame, {name of a column: its cells}, or one row as {name: cell}
    columns, input_names : of the network, see `columns.all_features`
    used        : which inputs the network reads
    encoding    : of a text file; UTF-8 unless given

    Other columns are allowed and left out. Raises DataError, one line, for a column that is missing or of another kind,
    a category that the network has not met, and a cell that is empty where none was.
    """
    place = {name: i for i, name in enumerate(input_names)}
    read = set(used)
    features = [f for f in all_features(columns, input_names) if read & {place[name] for name in f.inputs}]
    is_path = isinstance(source, (str, os.PathLike))
    table = from_file(Path(source), features, encoding) if is_path else from_memory(source, features)
    x = np.zeros((table.rows, len(input_names)))
    if features:
        x[:, [place[name] for feature in features for name in feature.inputs]] = encode(table, features, TRAINED_ON)
    return x


def from_file(path: Path, features: Sequence[Feature], encoding: str | None) -> Table:
    """The columns of these features from a file."""
    texts = [feature.name for feature in features if feature.texts is not None]
    return read_table(path, (), texts, encoding, only={feature.name for feature in features})


def from_memory(source: Any, features: Sequence[Feature]) -> Table:
    """The columns of these features from a data frame or a dict of columns."""
    names = list(source) if isinstance(source, Mapping) else list(getattr(source, "columns", ()))
    if not names:
        raise DataError(
            f"rows is {type(source).__name__} without names of columns; expected a path, a data frame or a dict"
        )
    if isinstance(source, Mapping) and not any(map(np.ndim, source.values())):
        source = {name: [cell] for name, cell in source.items()}  # one row
    shape = np.shape(source[names[0]])
    if not shape:
        raise DataError(f"rows: column {shown(names[0])} is one cell, another column has several; expected as many")
    columns, rows = {}, shape[0]
    for feature in features:
        if feature.name in names:
            cells = np.asarray(source[feature.name])
            if cells.shape != (rows,):
                raise DataError(f"rows: column {shown(feature.name)} has shape {cells.shape}; expected ({rows},)")
            columns[feature.name] = to_column(feature, cells.tolist())
    return Table(Path("rows"), columns, rows)


def to_column(feature: Feature, cells: Sequence[Any]) -> Column:
    """A Column of cells from memory, numbers or texts as the feature has them."""
    if feature.texts is None:
        try:
            values = np.array([math.nan if is_empty(cell) else float(cell) for cell in cells], np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"rows: column {shown(feature.name)} has {shown(next(c for c in cells if not is_number(c)))}, in "
                f"{TRAINED_ON} it has numbers"
            ) from error
        if (too_large := np.abs(values) >= LARGEST).any():
            value = values[too_large][0]
            raise DataError(
                f"rows: column {shown(feature.name)} has {value:g}; expected finite numbers below {LARGEST:g}"
            )
        return Column(feature.name, values)
    texts: dict[str, int] = {}
    values = [math.nan if is_empty(cell) else float(texts.setdefault(as_text(cell), len(texts))) for cell in cells]
    return sorted_column(feature.name, np.array(values, np.float64), list(texts))


def is_empty(cell: Any) -> bool:
    """Whether a cell holds nothing: None, nan, what data frames have for that, or a text that stands for it."""
    text = str(cell).strip().lower()
    return text in MISSING or text in ("<na>", "nat")


def is_number(cell: Any) -> bool:
    """Whether a cell is a number, or empty."""
    try:
        float(cell)
        return True
    except (TypeError, ValueError):
        return is_empty(cell)


def as_text(cell: Any) -> str:
    """A cell as a text file has it: 3.0 of a data frame, whose column has an empty cell, is 3."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()

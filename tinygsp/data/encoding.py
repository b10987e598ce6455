"""Make inputs of the columns of a table: numbers as they are, categories as columns of 0 and 1.

A column "colour" with the categories blue, green and red becomes the inputs "colour = blue", "colour = green" and
"colour = red"; one with two categories becomes one input, for the second of them. `plan_features` looks at the table
to train on, `encode` applies the plan to that one or another. The plan goes with the network into its model file, so
that `new_rows.py` can apply it to rows that come later.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinygsp.data.columns import Feature
from tinygsp.data.dataset import DataError
from tinygsp.data.limits import shown
from tinygsp.data.scaling import listed
from tinygsp.data.tables import Column, Table, few

MAX_CATEGORIES = 100  # of a column that becomes inputs
MAX_INPUTS = 2**16
NOTHING = "(missing)"  # the category of empty cells


def plan_features(
    table: Table, target: str, missing: str | None, train: np.ndarray, categories: Sequence[str] = ()
) -> list[Feature]:
    """Decide how the columns of a table, but for the target, become inputs.

    missing : "median" fills empty cells with the median of the column and adds an input that says so; a text that is
              missing becomes a category of its own. None refuses them
    train   : rows that medians are taken from;  categories : columns that may have a text in nearly every row

    Raises DataError where a column cannot be used.
    """
    columns = [column for name, column in table.columns.items() if name != target]
    if not columns:
        raise DataError(f"{table.path}: has no column besides the target {shown(target)}")
    if faults := [*unusable(table, columns, categories), *(missing_cells(columns) if missing is None else ())]:
        raise DataError(f"{table.path}: {'; also '.join(faults)}")
    features = [plan_feature(column, train) for column in columns]
    if (count := sum(len(feature.inputs) for feature in features)) > MAX_INPUTS:
        raise DataError(f"{table.path}: would become {count:,} inputs; at most {MAX_INPUTS:,} are allowed")
    return features


def unusable(table: Table, columns: Sequence[Column], categories: Sequence[str]) -> list[str]:
    """What to say of columns that are empty or have too many different texts."""
    faults = []
    if empty := [column.name for column in columns if column.is_missing.all()]:
        faults.append(f"{listed(empty)} {'is' if len(empty) == 1 else 'are'} empty; leave out with --drop")
    most = min(MAX_CATEGORIES, table.rows // 2)
    mosts = {column.name: MAX_CATEGORIES if column.name in categories else most for column in columns}
    if crowded := [column for column in columns if len(column.texts or ()) > mosts[column.name]]:
        named = ", ".join(
            f"column {shown(column.name)} has {len(column.texts)} different texts in {table.rows:,} rows, such as "
            f"{shown(column.texts[0])}; at most {mosts[column.name]} become inputs"
            for column in crowded[:5]
        )
        more = f", and {len(crowded) - 5} more such columns" if len(crowded) > 5 else ""
        faults.append(f"{named}{more}: write them as numbers, group them, or leave out with --drop")
    return faults


def missing_cells(columns: Sequence[Column]) -> list[str]:
    """What to say of columns with some empty cells, if there are any."""
    counts = {c.name: int(c.is_missing.sum()) for c in columns if c.is_missing.any() and not c.is_missing.all()}
    if not counts:
        return []
    named = ", ".join(f"{shown(name)} ({count})" for name, count in list(counts.items())[:5])
    more = f" and {len(counts) - 5} more" if len(counts) > 5 else ""
    return [f"cells are missing in {named}{more}; fill them in, --drop the columns, or use --missing median"]


def plan_feature(column: Column, train: np.ndarray) -> Feature:
    """How one column becomes inputs."""
    if column.texts is not None:
        return Feature(column.name, column.texts + (NOTHING,) * bool(column.is_missing.any()))
    known = column.values[train][~column.is_missing[train]]
    known = known if known.size else column.values[~column.is_missing]
    return Feature(column.name, None, float(np.median(known)), bool(column.is_missing.any()))


def encode(table: Table, features: Sequence[Feature], trained_on: str | Path) -> np.ndarray:
    """The inputs of a table, by the plan made for `trained_on`, which messages name: (rows, inputs) float64.

    Raises DataError if a column is missing or of another kind, or a category was not there.
    """
    parts = []
    for feature in features:
        column = table.columns.get(feature.name)
        if column is None:
            raise DataError(f"{table.path}: has no column {shown(feature.name)}, which {trained_on} has")
        is_empty = bool(np.isnan(column.values).all())
        if (column.texts is None) != (feature.texts is None) and not is_empty:
            kinds = ("numbers", "texts") if column.texts is None else ("texts", "numbers")
            raise DataError(
                f"{table.path}: column {shown(feature.name)} has {kinds[0]}, in {trained_on} it has {kinds[1]}"
            )
        encoder = encode_numbers if feature.texts is None else encode_texts
        parts += encoder(table, column, feature)
    return np.column_stack(parts)


def encode_numbers(table: Table, column: Column, feature: Feature) -> list[np.ndarray]:
    """The inputs of a column of numbers."""
    if not feature.indicator and column.is_missing.any():
        raise DataError(
            f"{table.path}: cells are missing in {shown(column.name)}, where none is missing in the table to train on"
        )
    values = np.where(column.is_missing, feature.median, column.values)
    return [values] + [column.is_missing.astype(np.float64)] * feature.indicator


def encode_texts(table: Table, column: Column, feature: Feature) -> list[np.ndarray]:
    """The inputs of a column of categories, of 0 and 1."""
    texts = column.texts or ()
    known = {text: k for k, text in enumerate(feature.texts)}
    unseen = [text for text in texts if text not in known]
    if unseen or (column.is_missing.any() and NOTHING not in known):
        text = unseen[0] if unseen else NOTHING
        raise DataError(
            f"{table.path}: {shown(text)} is not known as a {shown(column.name)}; known are {few(feature.texts)}"
        )
    place = np.array([known[text] for text in texts] + [known.get(NOTHING, -1)])
    index = place[np.where(column.is_missing, len(texts), np.nan_to_num(column.values)).astype(np.int64)]
    first = 1 if len(feature.texts) == 2 else 0
    return [(index == k).astype(np.float64) for k in range(first, len(feature.texts))]

"""Make a Dataset of a table: find the task in the target, set samples apart, encode the columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tinygsp.data.arrays import from_arrays
from tinygsp.data.dataset import DataError, Dataset
from tinygsp.data.encoding import encode, plan_features
from tinygsp.data.limits import MAX_OUTPUTS, TASKS, shown
from tinygsp.data.options import ReadOptions
from tinygsp.data.scaling import check_input_names, repeated
from tinygsp.data.splits import TEST_SHARE, VALIDATION_SHARE, shares
from tinygsp.data.tables import Column, Table, few, read_table

MOST_CLASSES = 20  # different whole numbers that are still taken for classes, each five times at least


def load_table(name: str, path: Path, options: ReadOptions, split_seed: int = 0) -> Dataset:
    """Read a table and make a Dataset of it.

    Whether the target makes a classification or a regression is decided by `find_task`, and said in the notes. Without
    a table to test with, a fifth of the rows is set apart for it; a fifth of the others validates. Both are drawn by
    split_seed, of a classification with the same share of every class.
    """
    if not options.target:
        table = read_table(path, options.drop, options.categories, options.encoding)
        raise DataError(f"{path}: --target is missing; name the column to predict, one of {few(list(table.columns))}")
    table = read(path, options)
    target = table.columns[options.target]
    check_target(table, target)
    task, reason = find_task(table, target, options.task)
    labels = target.values if task == "classification" else None
    test = read(Path(options.test), options) if options.test else None
    rest, test_rows = shares(table.rows, 0.0 if test else TEST_SHARE, split_seed, labels)
    train, val = shares(len(rest), VALIDATION_SHARE, split_seed, None if labels is None else labels[rest])
    train, val = rest[train], rest[val]
    if not (len(train) and len(val) and (test or len(test_rows))):
        raise DataError(f"{path}: {table.rows} rows are too few to train, validate and test with")

    features = plan_features(table, options.target, options.missing, train, options.categories)
    x, y = encode(table, features, path), to_targets(table, target, task)
    if test:
        check_same_columns(test, table)
        check_target(test, test.columns[options.target])
        pair = encode(test, features, path), to_targets(test, same_kind(test, table, target), task)
    else:
        pair = x[test_rows], y[test_rows]
    names = [name for feature in features for name in feature.inputs]
    if twice := repeated(names):
        raise DataError(f"{path}: two inputs would be called {shown(twice)}; rename a column")
    check_input_names(tuple(names), len(names), DataError)
    output = [options.target] if task == "regression" else None
    try:
        dataset = from_arrays(
            x[train], y[train], validation=(x[val], y[val]), test=pair, names=output, input_names=names, name=name
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    split = "" if test else f"; a fifth of {table.rows:,} rows tests, a fifth of the others validates"
    note = f"target {shown(options.target)}: {reason}, so a {task}{split}"
    notes = (note, *table.notes, *dataset.notes)
    return replace(dataset, columns=tuple(f for f in features if not f.is_plain), notes=notes)


def read(path: Path, options: ReadOptions) -> Table:
    """Read a table, and check that it has the target."""
    table = read_table(path, options.drop, options.categories, options.encoding)
    if options.target not in table.columns:
        raise DataError(
            f"{path}: --target {options.target}: no such column; its columns are {few(list(table.columns))}"
        )
    return table


def check_same_columns(test: Table, table: Table) -> None:
    """Raise DataError if the table to test with has columns that the one to train on lacks."""
    if extra := [name for name in test.columns if name not in table.columns]:
        raise DataError(f"{test.path}: column {shown(extra[0])} is not in {table.path}; leave it out with --drop")


def check_target(table: Table, target: Column) -> None:
    """Raise DataError unless every row has a target."""
    if target.is_missing.any():
        row = int(np.flatnonzero(target.is_missing)[0]) + 1
        count = int(target.is_missing.sum())
        raise DataError(
            f"{table.path}: the target {shown(target.name)} is missing in {count} rows, the first is row {row}"
        )


def find_task(table: Table, target: Column, task: str | None) -> tuple[str, str]:
    """(task, what it was found from): "classification" or "regression".

    Texts are classes. Numbers are classes if there are two different ones, or a few whole ones that occur five times
    each on average; otherwise they make a regression. `task` overrides, where that can be.
    """
    if task is not None and task not in TASKS:
        raise DataError(f"--task {task}: expected {' or '.join(TASKS)}")
    different = len(np.unique(target.values))
    if different < 2:
        only = target.texts[0] if target.texts else f"{target.values[0]:g}"
        raise DataError(
            f"{table.path}: the target {shown(target.name)} is {shown(only)} in every row; nothing to learn"
        )
    if target.texts is not None:
        if task == "regression":
            raise DataError(f"{table.path}: the target {shown(target.name)} has texts; --task regression takes numbers")
        found, reason = "classification", f"{different} different texts"
    else:
        is_whole = bool((target.values == np.round(target.values)).all())
        is_class = different == 2 or (is_whole and different <= min(MOST_CLASSES, table.rows / 5))
        found = "classification" if is_class else "regression"
        reason = f"{different:,} different {'whole ' * is_whole}numbers"
    if task is not None and task != found:
        reason += f" and --task {task}"
    elif target.texts is None:
        reason += f" (--task {TASKS[found == TASKS[0]]} to change that)"
    if (task or found) == "classification" and different > min(MAX_OUTPUTS, table.rows / 2):
        raise DataError(
            f"{table.path}: the target {shown(target.name)} has {different:,} classes in {table.rows:,} rows; "
            "each class needs several rows" + ("" if target.texts else ", or use --task regression")
        )
    return task or found, reason


def same_kind(test: Table, table: Table, target: Column) -> Column:
    """The target of the table to test with, if it has numbers or texts as the one to train on has."""
    column = test.columns[target.name]
    if (column.texts is None) != (target.texts is None):
        kinds = ("numbers", "texts") if column.texts is None else ("texts", "numbers")
        raise DataError(
            f"{test.path}: the target {shown(target.name)} has {kinds[0]}, in {table.path} it has {kinds[1]}"
        )
    return column


def to_targets(table: Table, target: Column, task: str) -> np.ndarray:
    """The targets of all rows: (n,) float64 of a regression; texts or whole numbers of a classification."""
    if task == "regression":
        return target.values
    if target.texts is not None:
        return np.array(target.texts)[target.values.astype(np.int64)]
    if (target.values == np.round(target.values)).all() and np.abs(target.values).max() < 2**53:
        return target.values.astype(np.int64)
    return np.array([f"{value!r}" for value in target.values.tolist()])

"""Feature: how one column of a table becomes inputs. The plan of a table goes into the model file with its network.

`encoding.py` makes Features and applies them, `new_rows.py` applies those of a network to rows that come later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tinygsp.data.limits import MAX_NAME, is_number, shown


class Feature(NamedTuple):
    """How one column becomes inputs.

    texts     : its categories; None of a column of numbers
    median    : what stands for a missing number
    indicator : whether an input says that the number is missing
    """

    name: str
    texts: tuple[str, ...] | None = None
    median: float = 0.0
    indicator: bool = False

    @property
    def inputs(self) -> list[str]:
        """The names of its inputs."""
        if self.texts is None:
            return [self.name] + [f"{self.name} is missing"] * self.indicator
        shown_texts = self.texts[1:] if len(self.texts) == 2 else self.texts
        return [f"{self.name} = {text}" for text in shown_texts]

    @property
    def is_plain(self) -> bool:
        """Whether it is one input of the same name, so that nothing need be kept of it."""
        return self.texts is None and not self.indicator


def all_features(columns: Sequence[Sequence], input_names: Sequence[str]) -> list[Feature]:
    """Every Feature of a network, from those that are not plain and the names of the inputs."""
    special = [Feature(*column) for column in columns]
    known = {name for feature in special for name in feature.inputs}
    return [*special, *(Feature(name) for name in input_names if name not in known)]


def check_columns(columns: Any, input_names: Sequence[str], error: type[Exception]) -> None:
    """Raise `error` unless `columns` holds Features, and the inputs of all of them are among `input_names`, once."""
    if not isinstance(columns, tuple):
        raise error(f"columns is {shown(columns)}; expected a tuple of columns")
    for column in columns:
        if not (isinstance(column, tuple) and len(column) == 4 and is_feature(*column)):
            raise error(f"a column is {shown(column)}; expected its name, categories, median and indicator")
    made = [name for column in columns for name in Feature(*column).inputs]
    if len(set(made)) < len(made) or not set(made) <= set(input_names):
        raise error("columns make an input that is not among input_names, or make it twice")


def is_feature(name: Any, texts: Any, median: Any, indicator: Any) -> bool:
    """Whether these are the fields of a Feature."""
    are_texts = isinstance(texts, tuple) and all(map(is_text, texts)) and len(set(texts)) == len(texts) > 0
    return is_text(name) and (texts is None or are_texts) and is_number(median) and type(indicator) is bool


def is_text(value: Any) -> bool:
    """Whether a value is a printable text of moderate length."""
    return type(value) is str and value.isprintable() and len(value) <= MAX_NAME

"""The options of a run, and the argparse types that check them: OPTIONS, which sweep has too, FURTHER and READING.

A type turns the text of an argument into its value, or raises an error of one line that says what would be right.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygsp import methods

if TYPE_CHECKING:
    from tinygsp.data import Dataset


class Option(NamedTuple):
    """An option of a run: its argparse type, and its line in the help."""

    type: Callable[[str], Any]
    help: str


def number(
    kind: Callable[[str], Any], low: float, high: float, expected: str, open_low: bool = False
) -> Callable[[str], Any]:
    """Make an argparse type: a finite number in [low, high], or (low, high] if open_low; `expected` names the range."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
            if not (low < value <= high if open_low else low <= value <= high):
                raise ValueError
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}") from None
        return value

    return parse


def sizes(text: str) -> tuple[int, ...]:
    """Read the sizes of the hidden layers, as in "300,100"; "none" means that there is none."""
    if text == "none":
        return ()
    try:
        hidden = tuple(int(part) for part in text.split(","))
        if not (1 <= len(hidden) <= 8 and all(1 <= size <= 65536 for size in hidden)):
            raise ValueError
    except ValueError:
        expected = "1 to 8 sizes of 1 to 65536 with commas between, as in 300,100, or none"
        raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}") from None
    return hidden


def method(text: str) -> str:
    """Read the name of a method."""
    if text not in methods.names():
        raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(methods.names())}")
    return text


def choice(*words: str) -> Callable[[str], str]:
    """Make an argparse type: one of these words."""

    def parse(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"{text!r}: expected {' or '.join(words)}")
        return text

    return parse


def yes_or_no(text: str) -> bool:
    """Read "yes" or "no"; config.json has True or False."""
    words = {"yes": True, "true": True, "no": False, "false": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"{text!r}: expected yes or no")
    return words[text.lower()]


def columns(text: str) -> tuple[str, ...]:
    """Read names of columns with commas between; a name with a comma in it stands in quotes, as in a .csv file."""
    import csv

    names = tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), ()))
    if not names or not all(names):
        raise argparse.ArgumentTypeError(f"{text!r}: expected names of columns with commas between")
    return names


COUNT = number(int, 1, 10**6, "a whole number of at least 1")

OPTIONS = {  # what a run keeps in its config.json, beside `data`
    "method": Option(method, f"how to choose what stays: {', '.join(methods.names())} (default: {methods.DEFAULT})"),
    "density": Option(
        number(float, 0, 1, "a fraction in (0, 1]", open_low=True),
        "parameters to keep / all, biases included (default: 0.0015; toy: 0.2)",
    ),
    "hidden": Option(sizes, "sizes of the hidden layers, or none (default: 300,100; toy: 10,10; tables: by size)"),
    "epochs": Option(
        COUNT, "epochs of a search and the rewiring after it (default: 300, above a density of 0.003 150; toy: 800)"
    ),
    "tries": Option(
        number(int, 1, 1000, "a whole number from 1 to 1000"),
        "searches, of which the best on the validation split is kept (default: 1; toy: 5)",
    ),
    "batch_size": Option(COUNT, "samples of a training step (default: 256)"),
    "lr": Option(
        number(float, 0, 1e6, "a number above 0", open_low=True),
        "learning rate of the weights (default: 0.1; toy: 0.06)",
    ),
    "seed": Option(
        number(int, 0, 2**32 - 1, "a whole number from 0 to 4294967295"),
        "of the weights, the noise and the order of the batches (default: 0)",
    ),
    "threads": Option(number(int, 1, 256, "a whole number from 1 to 256"), "threads of BLAS (default: 1)"),
}


SHARE = number(float, 0, 1, "a fraction in [0, 1]")
POSITIVE = number(float, 0, 1e9, "a number above 0", open_low=True)
NOT_NEGATIVE = number(float, 0, 1e9, "a number of at least 0")
ANY = number(float, -1e9, 1e9, "a number")
EPOCHS = number(int, 0, 10**6, "a whole number of at least 0")

FURTHER = {  # the fields of Settings that OPTIONS lacks; config.json has them too
    "loss": Option(
        choice("cross-entropy", "absolute", "squared", "huber"),
        "cross-entropy for classes; absolute, squared or huber for numbers",
    ),
    "shift": Option(number(int, 0, 64, "a whole number from 0 to 64"), "pixels by which training images are moved"),
    "activation": Option(choice("silu", "relu"), "silu or relu, after each hidden layer"),
    "dense_epochs": Option(EPOCHS, "epochs before anything is pruned"),
    "finetune_epochs": Option(EPOCHS, "epochs of what is left"),
    "gate_lr": Option(POSITIVE, "learning rate of the gates"),
    "lr_end": Option(SHARE, "share of the learning rates that is left when the wiring is fixed"),
    "finetune_lr": Option(POSITIVE, "share of --lr that training of what is left starts from"),
    "momentum": Option(number(float, 0, 0.9999, "a number from 0 to 0.9999"), "of the gradient descent"),
    "decay": Option(NOT_NEGATIVE, "half of this times the squares of the weights is added to the loss"),
    "tau": Option(POSITIVE, "temperature of the soft gates"),
    "gate_start": Option(ANY, "the logit that every gate begins with"),
    "noise_end": Option(
        number(float, 0, 1, "a fraction in (0, 1]", open_low=True), "when the gates are no longer random"
    ),
    "budget_at": Option(
        number(float, 0, 1, "a fraction in (0, 1]", open_low=True), "when the count of gates is at the budget"
    ),
    "count_power": Option(POSITIVE, "how fast the count falls at first: slower above 1"),
    "steer": Option(choice("drawn", "open"), "which count follows the schedule: drawn with noise, or open without"),
    "price_start": Option(POSITIVE, "first price of an open gate"),
    "price_rate": Option(NOT_NEGATIVE, "how fast the price follows the count"),
    "price_damping": Option(NOT_NEGATIVE, "how much the price reacts at once"),
    "retire_below": Option(ANY, "gates below this many times the noise are closed for good"),
    "retire_density": Option(POSITIVE, "density above which gates are closed for good later"),
    "search_share": Option(SHARE, "share of --epochs until the wiring is found; then connections change places"),
    "rewire_share": Option(SHARE, "share of the connections that change places after an epoch, at most"),
    "rewire_moved": Option(yes_or_no, "yes or no: whether images move while connections change places"),
    "scale_target": Option(yes_or_no, "yes or no: whether targets are brought to mean 0 and spread 1 for training"),
    "one_score": Option(yes_or_no, "yes or no: whether the first of two classes has no score of its own"),
    "keep_best": Option(yes_or_no, "yes or no: whether the best epoch at the end is kept, not the last"),
    "edges_below": Option(SHARE, "share of live connections below which a layer becomes a list (speed only)"),
}

READING = {  # the fields of data.ReadOptions that take a value
    "target": Option(str, "column of the table to predict; of x.npy: the file of y"),
    "task": Option(choice("classification", "regression"), "classification or regression (default: as the target is)"),
    "test": Option(str, "a table like the first, to test with (default: a fifth of the rows)"),
    "missing": Option(choice("median"), "median: fill missing numbers in, with an input that says so"),
    "categories": Option(columns, "a,b: columns to take as categories, though they look like numbers"),
    "drop": Option(columns, 'a,b: columns to leave out; one without a name is "column 1" by its number'),
    "encoding": Option(str, "of a text file that is not UTF-8, such as latin-1"),
    "class_names": Option(str, "of images: a text file with a name for each class"),
}


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how to read the data."""
    group = parser.add_argument_group("how to read the data")
    for name, option in READING.items():
        group.add_argument(flag(name), type=option.type, help=option.help)
    group.add_argument("--transpose", action="store_true", default=None, help="turn images that lie on their side")


def reading_of(args: argparse.Namespace) -> dict[str, Any]:
    """Those of the options of `add_reading` that were given: fields of data.ReadOptions."""
    return {name: getattr(args, name) for name in (*READING, "transpose") if getattr(args, name) is not None}


def flag(name: str) -> str:
    """Return the option of the command line for a name in OPTIONS: "batch_size" -> "--batch-size"."""
    return f"--{name.replace('_', '-')}"


def is_table(dataset: Dataset) -> bool:
    """Whether a data set is a table, with a scale of its own for each column."""
    from tinygsp.data.scaling import is_columnwise

    return is_columnwise(dataset)


def count_parameters(hidden: tuple[int, ...], dataset: Dataset) -> int:
    """Count the parameters of a network with these hidden layers."""
    sizes = (dataset.n_in, *hidden, dataset.n_out)
    return sum((n_in + 1) * n_out for n_in, n_out in zip(sizes, sizes[1:]))


def share_of(budget: int, hidden: tuple[int, ...], dataset: Dataset) -> float:
    """Return the density that keeps `budget` parameters of a network with these hidden layers.

    Raises SettingsError if it has not so many.
    """
    from tinygsp.training import SettingsError

    total = count_parameters(hidden, dataset)
    if budget > total:
        raise SettingsError(f"--budget {budget}: the network has {total} parameters in all; keep fewer")
    return budget / total

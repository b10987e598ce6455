"""The options of a run, which train and sweep share, and the argparse types that check them.

A type turns the text of an argument into its value, or raises an error of one line that says what would be right.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

from tinygsp import methods


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
    """Read the sizes of the hidden layers, as in "300,100"."""
    try:
        hidden = tuple(int(part) for part in text.split(","))
        if not (1 <= len(hidden) <= 8 and all(1 <= size <= 65536 for size in hidden)):
            raise ValueError
    except ValueError:
        expected = "1 to 8 sizes of 1 to 65536 with commas between, as in 300,100"
        raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}") from None
    return hidden


def method(text: str) -> str:
    """Read the name of a method."""
    if text not in methods.names():
        raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(methods.names())}")
    return text


COUNT = number(int, 1, 10**6, "a whole number of at least 1")

OPTIONS = {  # what a run keeps in its config.json, beside `data`
    "method": Option(method, f"how to choose what stays: {', '.join(methods.names())} (default: {methods.DEFAULT})"),
    "density": Option(
        number(float, 0, 1, "a fraction in (0, 1]", open_low=True),
        "parameters to keep / all, biases included (default: 0.0015; toy: 0.2)",
    ),
    "hidden": Option(sizes, "sizes of the hidden layers (default: 300,100; toy: 10,10)"),
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


def flag(name: str) -> str:
    """Return the option of the command line for a name in OPTIONS: "batch_size" -> "--batch-size"."""
    return f"--{name.replace('_', '-')}"

"""Settings: every number the training can be given, and what follows from them for one data set.

`Settings` is chosen by the user, `make_plan` checks it against a data set and works out the budget, and the phases
read the resulting `Plan`. Read `trainer.py` next.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tinygsp.data import Dataset
from tinygsp.data.limits import check_sizes


class SettingsError(ValueError):
    """Settings that cannot work with the data set; one line says what is wrong and what would be right."""


@dataclass(frozen=True)
class Settings:
    """Every number of the training. The defaults are those of the MNIST run; `defaults` has those of other runs."""

    density: float = 0.0015  # kept / total of the result, biases included
    hidden: tuple = (300, 100)  # units of the hidden layers
    activation: str = "silu"  # or "relu"
    epochs: int = 300  # of the search and the rewiring after it
    dense_epochs: int = 10  # of the plain network before them
    finetune_epochs: int = 100  # of what they leave; the second half without moving images, if any were moved
    tries: int = 1  # searches, each rewired and fine-tuned; the best on the validation split is kept
    batch_size: int = 256
    shift: int = 1  # pixels by which training images are moved at random, at most, each way
    lr: float = 0.1  # of weights, falling to lr_end * lr over the search, to 0 over the other phases
    gate_lr: float = 3.0  # of gates, falling to lr_end * gate_lr: slower gates choose better where few are left
    lr_end: float = 0.1
    finetune_lr: float = 1.0  # share of lr that fine-tuning starts from; it falls to 0
    momentum: float = 0.9
    tau: float = 1.0  # temperature of the soft gate behind the straight-through gradient
    gate_start: float = 1.0  # every gate's first logit: open with probability sigmoid(1) = 0.73
    noise_end: float = 0.75  # share of the search after which the gates are no longer random
    budget_at: float = 0.6  # share of the search after which the count stays at the budget
    count_power: float = 0.3  # log(count) falls as r ** count_power: fast at first, most epochs at low counts
    steer: str = "drawn"  # the count that should follow: of gates "drawn" open in a step, or "open" without noise
    price_start: float = 1e-6
    price_rate: float = 0.004  # d log(price) per step and unit of log(count / target)
    price_damping: float = 3.0  # the price reacts at once by (count / target) ** price_damping
    retire_below: float = -3.0  # a gate below this many times the noise after an epoch is closed for good, where
    retire_density: float = 0.0045  # the noise counts as at least density / this: larger budgets wait longer
    search_share: float = 0.5  # of `epochs`; in the others the survivors change places with closed connections
    rewire_share: float = 0.15  # of the connections that change places after an epoch, at most; falls to 0 along a line
    rewire_moved: bool = False  # whether training images move meanwhile: not where too little is left to overfit
    loss: str = ""  # "cross-entropy", "absolute", "squared" or "huber"; "" is the first or the second, by the task
    decay: float = 0.0  # of the weights: half of it times their squares is added to the loss, biases excepted
    scale_target: bool = False  # whether the targets of a regression are brought to mean 0 and spread 1 for training
    one_score: bool = False  # whether of two classes only the second has a score, the first always 0
    keep_best: bool = False  # whether fine-tuning keeps its best epoch on the validation split, not its last
    edges_below: float = 0.5  # share of live connections below which a layer becomes a list of them (speed only)


ANY_SIZE = 1e30
RANGES = {  # of the numbers among the fields: the smallest and the largest value that can work, and their type
    "density": (0, 1, float), "epochs": (0, 10**6, int), "dense_epochs": (0, 10**6, int),
    "finetune_epochs": (1, 10**6, int), "tries": (1, 1000, int), "batch_size": (1, 10**9, int), "shift": (0, 255, int),
    "lr": (0, ANY_SIZE, float), "gate_lr": (0, ANY_SIZE, float), "lr_end": (0, 1, float),
    "finetune_lr": (0, ANY_SIZE, float), "momentum": (0, 1, float), "tau": (1e-9, ANY_SIZE, float),
    "gate_start": (-ANY_SIZE, ANY_SIZE, float), "noise_end": (1e-9, 1, float), "budget_at": (1e-9, 1, float),
    "count_power": (1e-9, ANY_SIZE, float), "price_start": (1e-300, ANY_SIZE, float),
    "price_rate": (0, ANY_SIZE, float), "price_damping": (0, ANY_SIZE, float),
    "retire_below": (-math.inf, ANY_SIZE, float), "retire_density": (1e-9, ANY_SIZE, float),
    "search_share": (0, 1, float), "rewire_share": (0, 1, float), "decay": (0, ANY_SIZE, float),
    "edges_below": (0, ANY_SIZE, float),
}  # fmt: skip
WORDS = {"activation": ("silu", "relu"), "steer": ("drawn", "open")}  # of the fields that are texts
LATER = {"loss": "", "decay": 0.0, "scale_target": False, "one_score": False, "keep_best": False}
LOSS_NAMES = {"classification": ("cross-entropy",), "regression": ("absolute", "squared", "huber")}
TOY = Settings(
    density=0.2, hidden=(10, 10), dense_epochs=100, epochs=800, finetune_epochs=200, tries=5,
    lr=0.06, finetune_lr=1 / 3, count_power=1.0, steer="open", search_share=1.0,
)  # fmt: skip
ROOMY = Settings(density=0.01, epochs=150, search_share=1.0, steer="open", gate_lr=10.0)  # closes gates later
MIDDLE = replace(ROOMY, density=0.00375, search_share=2 / 3, rewire_moved=True)
MIDDLE_ABOVE, ROOMY_ABOVE = 0.003, 0.006  # densities above which these two are the defaults


def defaults(name: str, density: float | None = None) -> Settings:
    """The Settings of the data set `name`, as given to `data.load`, at a density, or at its own."""
    if name == "toy":
        settings = TOY
    else:
        density_or_own = Settings.density if density is None else density
        settings = Settings() if density_or_own <= MIDDLE_ABOVE else MIDDLE if density_or_own <= ROOMY_ABOVE else ROOMY
    return settings if density is None else replace(settings, density=density)


def known_fields(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of Settings, but those of LATER at their default: what was written before there were any is known."""
    return {name: value for name, value in settings.items() if name not in LATER or value != LATER[name]}


def loss_name(task: str, loss: str) -> str:
    """The name of the loss of a task, "" being that of images and the toy. Raises SettingsError if it does not fit."""
    if loss and loss not in LOSS_NAMES[task]:
        raise SettingsError(f"loss is {loss!r}: for a {task} expected {' or '.join(LOSS_NAMES[task])}")
    return loss or LOSS_NAMES[task][0]


def check_fields(settings: Settings) -> None:
    """Raise SettingsError unless every field has a value that can work with some data set."""
    for name, (low, high, kind) in RANGES.items():
        value = getattr(settings, name)
        number = isinstance(value, numbers.Integral if kind is int else numbers.Real) and not isinstance(value, bool)
        if not (number and low <= value <= high):  # not true for nan
            what = "a whole number" if kind is int else "a number"
            raise SettingsError(f"{name} is {value!r}: expected {what} from {low:g} to {high:g}")
    for name, words in WORDS.items():
        if getattr(settings, name) not in words:
            raise SettingsError(f"{name} is {getattr(settings, name)!r}: expected {' or '.join(words)}")
    hidden = settings.hidden
    is_sizes = isinstance(hidden, tuple | list) and all(isinstance(n, numbers.Integral) and n >= 1 for n in hidden)
    if not is_sizes:
        raise SettingsError(f"hidden is {hidden!r}: expected the sizes of the hidden layers, such as (300, 100)")


@dataclass(frozen=True)
class Plan:
    """What the phases of a run need to know before it begins."""

    settings: Settings
    sizes: tuple[int, ...]  # inputs, units of each hidden layer, outputs
    total: int  # weights and biases of the dense network
    budget: int  # parameters that the phases may keep
    reserve: int  # parameters that are kept besides: biases that bring outputs back to the units of the targets
    moves: bool  # whether training images can be moved: they are images, and settings.shift > 0


def make_plan(dataset: Dataset, settings: Settings) -> Plan:
    """Work out the Plan of these settings for this data set. Raises SettingsError where they cannot work.

    The budget must suffice to connect one input to every output, the number of a connection must fit a uint32, and the
    network must be one that a model file may hold.
    """
    check_fields(settings)
    sizes = (dataset.n_in, *settings.hidden, dataset.n_out)
    check_sizes(sizes, SettingsError)
    matrices = [(n_in + 1) * n_out for n_in, n_out in zip(sizes, sizes[1:])]
    total = sum(matrices)
    loss_name(dataset.task, settings.loss)
    reserve = dataset.n_out if settings.scale_target and dataset.task == "regression" else 0
    budget = int(settings.density * total + 1e-9) - reserve
    least = len(settings.hidden) + dataset.n_out
    if budget < least:
        raise SettingsError(
            f"density {settings.density:g} of {total:,} parameters keeps {budget + reserve}: connecting one input to "
            f"each of {dataset.n_out} outputs takes {least + reserve}, a density of {(least + reserve) / total:.6f}"
        )
    if max(matrices) >= 2**31:
        raise SettingsError(f"hidden {settings.hidden} gives a layer of {max(matrices):,} weights: at most 2^31")
    return Plan(settings, sizes, total, budget, reserve, settings.shift > 0 and len(dataset.input_shape) == 2)

"""Settings: every number the training can be given, and what follows from them for one data set.

`Settings` is chosen by the user, `make_plan` checks it against a data set and works out the budget, and the phases
read the resulting `Plan`. Read `trainer.py` next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    edges_below: float = 0.5  # share of live connections below which a layer becomes a list of them (speed only)


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


@dataclass(frozen=True)
class Plan:
    """What the phases of a run need to know before it begins."""

    settings: Settings
    sizes: tuple[int, ...]  # inputs, units of each hidden layer, outputs
    total: int  # weights and biases of the dense network
    budget: int  # parameters that may be kept
    moves: bool  # whether training images can be moved: they are images, and settings.shift > 0


def make_plan(dataset: Dataset, settings: Settings) -> Plan:
    """Work out the Plan of these settings for this data set. Raises SettingsError where they cannot work.

    The budget must suffice to connect one input to every output, the number of a connection must fit a uint32, and the
    network must be one that a model file may hold.
    """
    sizes = (dataset.n_in, *settings.hidden, dataset.n_out)
    check_sizes(sizes, SettingsError)
    matrices = [(n_in + 1) * n_out for n_in, n_out in zip(sizes, sizes[1:])]
    total = sum(matrices)
    budget = int(settings.density * total + 1e-9)
    least = len(settings.hidden) + dataset.n_out
    if budget < least:
        raise SettingsError(
            f"density {settings.density:g} of {total:,} parameters keeps {budget}: connecting one "
            f"input to each of {dataset.n_out} outputs takes {least}, a density of {least / total:.6f}"
        )
    if max(matrices) >= 2**31:
        raise SettingsError(f"hidden {settings.hidden} gives a layer of {max(matrices):,} weights: at most 2^31")
    return Plan(settings, sizes, total, budget, settings.shift > 0 and len(dataset.input_shape) == 2)

"""A phase: one stage of the training, such as a search or a fine-tuning. A method is a list of phases.

The trainer asks the current phase what to do and does what it answers; it knows no phase by name. Each phase in
this folder is one file: `dense.py`, `search.py`, `rewire.py`, `finetune.py`. Read `trainer.py` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygsp.nn.optim import cosine
from tinygsp.training.settings import Plan

if TYPE_CHECKING:
    from tinygsp.training.net import Net
    from tinygsp.training.trainer import Trainer

WHOLE, FIXED, ANY = "the dense network", "at most `budget` connections", "anything"  # what a phase works on


class Phase:
    """A stage of the training: these defaults train the open weights of the network, and close nothing.

    plan   : Plan
    epochs : int    how long it lasts; a phase of 0 epochs is left out

    r is the progress of the phase, from 0 at its first step to nearly 1 at its last one; done counts its epochs
    that are over.
    """

    name = ""  # in metrics.csv
    watches_gates = False  # whether the records of its epochs hold a histogram of the gates
    price = 0.0  # of an open gate after the last step, for the records
    wiring = ANY  # WHOLE if no gate ever closes in it, FIXED if its `start` lists what stays, open for good

    def __init__(self, plan: Plan, epochs: int):
        self.plan, self.settings, self.epochs = plan, plan.settings, epochs
        self.lr_end = 0.0  # share of the learning rates that is left at the end

    def start(self, trainer: Trainer) -> None:
        """Set up the network before the first step; by default it stays what it is."""

    def rates(self, r: float) -> dict[str, float]:
        """Learning rates of the weights "W" and the gates "gate"."""
        s = self.settings
        return {"W": cosine(s.lr, self.lr_end * s.lr, r), "gate": cosine(s.gate_lr, self.lr_end * s.gate_lr, r)}

    def noise(self, r: float) -> float:
        """Scale of the gates' noise."""
        return 0.0

    def charge(self, net: Net, r: float) -> float | None:
        """What an open gate is charged in this step, asked after the gates are drawn; None if no gates are trained.

        This is the price, with what a controller adds to it for this step alone. With None, the penalty is left out.
        """
        return None

    def moves(self, r: float) -> bool:
        """Whether training images move."""
        return self.plan.moves

    def close_gates(self, trainer: Trainer, r: float, done: int) -> None:
        """Close gates for good after an epoch, before the network is validated."""

    def change_wiring(self, trainer: Trainer, done: int) -> None:
        """Change the wiring after an epoch, when the network has been validated."""

    def offers(self, done: int) -> bool:
        """Whether the network after this epoch is a candidate for the result.

        Some phase of a run must offer one, or there is no result. It must be within the budget: `trainer.freeze()`, in
        the start of this phase or of one before, sees to that. Its score is that before `change_wiring`.
        """
        return False

    def state(self) -> dict:
        """What the phase itself must remember between two steps: {name: number or array}.

        No other part of the training may have an entry of the same name.
        """
        return {}

    def restore(self, state: dict) -> None:
        """Take back what `state` returned; other entries are those of other parts. Raises StateError."""

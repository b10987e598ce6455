"""Training: one loop, a file for each phase, and the network that they work on.

`trainer.py` has the loop; `phase.py` says what a phase is, and `dense.py`, `search.py`, `rewire.py` and `finetune.py`
are the phases; `method.py` says what a method is. `net.py` is the network while it is trained, `wiring.py` what is
closed for good, `price.py` the controller of the price of a gate, `inputs.py` the batches, `settings.py` all numbers.
"""

from tinygsp.training.dense import Dense
from tinygsp.training.finetune import Finetune
from tinygsp.training.inputs import Feed, Inputs, MovedInputs
from tinygsp.training.method import Method
from tinygsp.training.net import Net
from tinygsp.training.phase import Phase
from tinygsp.training.price import PriceController
from tinygsp.training.rewire import Rewire
from tinygsp.training.search import Search
from tinygsp.training.settings import (
    MIDDLE,
    ROOMY,
    TOY,
    Plan,
    Settings,
    SettingsError,
    defaults,
    make_plan,
)
from tinygsp.training.trainer import DivergedError, Trainer

__all__ = [
    "MIDDLE", "ROOMY", "TOY", "Dense", "DivergedError", "Feed", "Finetune", "Inputs", "Method", "MovedInputs", "Net",
    "Phase", "Plan", "PriceController", "Rewire", "Search", "Settings", "SettingsError", "Trainer", "defaults",
    "make_plan",
]  # fmt: skip

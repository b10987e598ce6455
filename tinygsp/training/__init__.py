"""Training: one loop, a file for each phase, and the network that they work on.

`trainer.py` has the loop; `phase.py` says what a phase is, and `dense.py`, `search.py`, `rewire.py` and `finetune.py`
are the phases; `method.py` says what a method is. `net.py` is the network while it is trained, `wiring.py` what is
closed for good, `price.py` the controller of the price of a gate, `inputs.py` the batches, `settings.py` all numbers.

Small tables are fitted otherwise: `newton.py` trains and prunes by second derivatives, `linear.py` and `surgeon.py` use
it for models without and with hidden units, and `tables.py` chooses the best for a table.
"""

from tinygsp.training.dense import Dense
from tinygsp.training.finetune import Finetune
from tinygsp.training.inputs import Feed, Inputs, MovedInputs
from tinygsp.training.linear import fit_linear
from tinygsp.training.method import Method, MethodError
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
    known_fields,
    make_plan,
)
from tinygsp.training.state import StateError
from tinygsp.training.tables import Fit, fit_table, table_budget, table_settings
from tinygsp.training.trainer import DivergedError, Trainer

__all__ = [
    "MIDDLE", "ROOMY", "TOY", "Dense", "DivergedError", "Feed", "Finetune", "Fit", "Inputs", "Method", "MethodError",
    "MovedInputs", "Net", "Phase", "Plan", "PriceController", "Rewire", "Search", "Settings", "SettingsError",
    "StateError", "Trainer", "defaults", "fit_linear", "fit_table", "known_fields", "make_plan", "table_budget",
    "table_settings",
]  # fmt: skip

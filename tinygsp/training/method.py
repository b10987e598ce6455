"""A method of pruning: which phases it has, and how it scores what stays. `tinygsp/methods/` has one file for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinygsp.nn.layers import MaskedDense, MaskedEdges
from tinygsp.training.phase import Phase
from tinygsp.training.settings import Plan

if TYPE_CHECKING:
    from tinygsp.training.trainer import Trainer


class MethodError(ValueError):
    """A method that does not do what a method must, such as keeping to the budget; one line says what."""


class Method:
    """Base of all methods. A subclass must have a name and phases; the rest has defaults."""

    name = ""  # on the command line and in files; of a method in tinygsp/methods/, the name of its file
    fixed: dict = {}  # settings that the method always has: {field of Settings: value}
    layers: tuple[type, type] = (MaskedDense, MaskedEdges)  # what the network is made of: as a matrix, as a list

    def phases(self, plan: Plan) -> list[Phase]:
        """The phases of a run, in order; those of 0 epochs are left out."""
        raise NotImplementedError(f"the method {self.name!r} does not say which phases it has")

    def scores(self, trainer: Trainer) -> list[np.ndarray]:
        """How much each connection deserves to stay: for each layer an array shaped like its W.

        When the wiring is fixed, those with the highest scores are kept, as many as fit the budget; a connection
        that is closed for good never comes back. By default the logits of the gates. The last row of a matrix W is the
        bias; a layer of few connections is a list, and W is flat. Scores that are equal stay or go together: where
        many tie at the edge of the budget, all of them go.
        """
        return [layer.logits() for layer in trainer.net.layers]

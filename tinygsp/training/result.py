"""The result of a run: the best network that was offered so far."""

from __future__ import annotations

import numpy as np

from tinygsp.sparse import Meta, SparseLayer, SparseNetwork
from tinygsp.training.state import StateError, take_array, take_number

TIE = 0.001  # validation scores that differ by less say nothing about which network is better
ARRAYS = {"row": np.int32, "col": np.int32, "weight": np.float32, "bias": np.float32}  # of a SparseLayer


class Result:
    """Keeps the best of the networks that are offered, by their validation scores.

    sizes : units of every level of the dense network;  meta : Meta of the networks
    """

    def __init__(self, sizes: tuple[int, ...], meta: Meta):
        self.sizes, self.meta = sizes, meta
        self.network: SparseNetwork | None = None
        self.score = -np.inf  # of `network` on the validation split

    def offer(self, network: SparseNetwork, score: float) -> None:
        """Keep `network` if it beats the one so far: clearly, or as good with fewer inputs to an output.

        Scores closer than TIE are equal: then the simpler wiring is the better explanation, and after that the score.
        """
        if self.network is not None:
            gain = score - self.score
            links = self.network.reaches().sum() - network.reaches().sum()  # that the new one does without
            if gain < -TIE or (gain <= TIE and (links, gain) <= (0, 0)):
                return
        self.network, self.score = network, score

    def state(self) -> dict:
        """Of the best network so far, if any: network_score, and networkk_row, _col, _weight, _bias of each layer k."""
        if self.network is None:
            return {}
        state = {"network_score": self.score}
        for k, layer in enumerate(self.network.layers):
            state |= {f"network{k}_{name}": getattr(layer, name).copy() for name in ARRAYS}
        return state

    def restore(self, state: dict) -> None:
        """Take back what `state` returned. Raises StateError unless it holds a network that a model file could hold."""
        self.network, self.score = None, -np.inf
        if "network_score" not in state:
            return
        try:
            layers = [
                SparseLayer(shape, *(take_array(state, f"network{k}_{name}", dtype) for name, dtype in ARRAYS.items()))
                for k, shape in enumerate(zip(self.sizes, self.sizes[1:]))
            ]
            network = SparseNetwork(layers, self.meta)
            network.to_bytes()  # this checks every number
        except StateError:
            raise
        except ValueError as error:
            raise StateError(f"the best network so far: {error}") from error
        self.network, self.score = network, take_number(state, "network_score", high=1.0, finite=False)

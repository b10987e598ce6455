"""The result of a run: the best network that was offered so far."""

from __future__ import annotations

import numpy as np

from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

TIE = 0.001  # validation scores that differ by less say nothing about which network is better
ARRAYS = ("row", "col", "weight", "bias")  # of a SparseLayer


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
        """Take back what `state` returned."""
        self.network, self.score = None, -np.inf
        if "network_score" in state:
            layers = [
                SparseLayer(shape, *(state[f"network{k}_{name}"].copy() for name in ARRAYS))
                for k, shape in enumerate(zip(self.sizes, self.sizes[1:]))
            ]
            self.network, self.score = SparseNetwork(layers, self.meta), float(state["network_score"])

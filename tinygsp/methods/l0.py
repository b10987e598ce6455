"""l0: L0 regularisation with hard concrete gates, one for each weight (Louizos, Welling, Kingma 2018).

From fresh weights. The price is steered to the budget as that of the project's own gates; the noise never fades.
"""

from __future__ import annotations

import numpy as np

from tinygsp.methods._steady import GATE_LR, Steady
from tinygsp.nn import gates, kernels
from tinygsp.nn.layers import MaskedDense, MaskedEdges

f32 = np.float32


class HardConcrete:
    """Replaces the gates of a masked layer: the mask is a hard concrete sample, the gradient is that of the sample."""

    def sample(self, step: int, noise: float = 1.0) -> None:
        keys = gates.noise_keys(self.seed, step, self.layer)
        tau = gates.BETA if noise else 1.0
        W, gate = self.params["W"], self.params["gate"]
        if W.dtype == f32:
            numbers = (noise, 1 / tau, gates.ALWAYS_CLOSED, gates.STRETCH_LOW, gates.STRETCH_HIGH)
            numbers = [f32(number) for number in numbers]
            self.open_gates = kernels.sample_hard_concrete(*self.flat_params, *keys, *numbers, *self.flat_sample)
            return
        self.open_gates = np.count_nonzero(gate > 0)
        u = gates.hash_uniform(self.index, *keys).astype(W.dtype)
        self.mask[:], self.slope[:] = gates.hard_concrete(gate, noise * gates.logistic_noise(u), tau)
        self.Wm[:] = self.mask * W

    def penalty(self, price: float) -> None:
        """Charge `price` for every gate expected not to be 0: P = sigmoid(log alpha + beta log 11) (eq. 12)."""
        self.grads["gate"] += gates.price_grad(
            self.params["gate"] - f32(gates.ALWAYS_CLOSED * (1 - gates.BETA)), f32(price)
        )

    def weights(self) -> np.ndarray:
        """What each connection weighs without noise, shaped like W."""
        return self.params["W"] * gates.hard_concrete(self.params["gate"], 0.0, 1.0)[0].astype(self.params["W"].dtype)


class HardConcreteDense(HardConcrete, MaskedDense):
    """MaskedDense with hard concrete gates."""


class HardConcreteEdges(HardConcrete, MaskedEdges):
    """MaskedEdges with hard concrete gates."""


class L0(Steady):
    """Learned hard concrete gates; the noise stays, so the gates drawn open are always more than those open without."""

    name = "l0"
    fixed = {"search_share": 1.0, "gate_lr": GATE_LR, "steer": "open"}
    layers = HardConcreteDense, HardConcreteEdges
    first_gate, retired_logit = 3.0, -3.0


method = L0()

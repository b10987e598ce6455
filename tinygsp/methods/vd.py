"""vd: sparse variational dropout (Molchanov, Ashukha, Vetrov 2017), from fresh weights.

Every weight is a normal variable; what is mostly noise goes. The price of information is steered to the budget as that
of the project's own gates.
"""

from __future__ import annotations

import numpy as np

from tinygsp.methods._steady import GATE_LR, Steady
from tinygsp.nn import gates, kernels
from tinygsp.nn.layers import MaskedDense, MaskedEdges, flat, product

f32 = np.float32


class VariationalDense(MaskedDense):
    """A dense layer whose weights are normal variables of mean W and variance exp(-gate).

        y = x @ W + sqrt(x^2 @ variance) * noise      (the local reparametrisation of Kingma et al. 2015)

    Without noise y = x @ (mask * W), where the mask leaves out the weights of log alpha above `limit`.
    """

    limit = 3.0

    def sample(self, step: int, noise: float = 1.0) -> None:
        W, gate = self.flat_params[:2]
        Wm, mask, variance = self.flat_sample
        if W.dtype == f32:
            self.open_gates = kernels.sample_variational(W, gate, f32(self.limit), Wm, mask, variance)
        else:
            logit, variance[:] = gates.variational(W, gate, self.limit)
            mask[:] = logit > 0
            Wm[:] = mask * W
            self.open_gates = np.count_nonzero(mask)
        if noise:
            np.multiply(W, gate > -np.inf, out=Wm)
        self.noisy = bool(noise)
        self.key = self.seed, step, self.layer

    def forward(self, x: np.ndarray) -> np.ndarray:
        y = super().forward(x)
        if self.noisy:
            self.x2 = x * x
            variance = product(self.x2, self.slope[:-1]) + self.slope[-1]  # of y: (n, n_out)
            n_units = self.shape[1]  # of the original layer: noise is drawn for all of them, so that each keeps its own
            units = self.index[0] % n_units
            eps = np.random.default_rng(self.key).standard_normal((n_units, len(y)), y.dtype)[units].T
            scale = np.sqrt(variance + y.dtype.type(1e-12))
            y += scale * eps
            self.half = eps / (2 * scale)  # dy/dvariance
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dW, dgate = self.grads["W"], self.grads["gate"]
        np.matmul(self.x.T, dy, out=dW[:-1])
        dW[-1] = dy.sum(axis=0)
        if not self.noisy:
            dW *= self.mask
            dgate[:] = 0
            return product(dy, self.Wm[:-1].T) if self.needs_dx else None
        dv = dy * self.half
        np.matmul(self.x2.T, dv, out=dgate[:-1])  # dL/dvariance, until `penalty` has added the price
        dgate[-1] = dv.sum(axis=0)
        dW *= self.params["gate"] > -np.inf
        if self.needs_dx:
            return product(dy, self.Wm[:-1].T) + 2 * self.x * product(dv, self.slope[:-1].T)

    def penalty(self, price: float) -> None:
        """Turns dL/dvariance into dgate, and charges `price` for the information in every weight."""
        dW, dgate = flat(self.grads["W"]), self.flat_dgate
        W, gate = self.flat_params[:2]
        if W.dtype == f32:
            kernels.variational_grads(W, gate, self.flat_sample[2], f32(price), dW, dgate)
        else:
            more, dgate[:] = gates.variational_grads(W, gate, dgate.copy(), price)
            dW += more

    def logits(self) -> np.ndarray:
        """How much each weight counts, shaped like W: limit - log alpha."""
        return gates.variational(self.params["W"], self.params["gate"], self.limit)[0]


class SparseVD(Steady):
    """Learned variances: -log(variance) takes the place of the gate."""

    name = "vd"
    fixed = {"search_share": 1.0, "gate_lr": GATE_LR, "edges_below": 0.0}  # it has no lists of connections
    layers = VariationalDense, MaskedEdges
    first_gate, retired_logit = 8.0, -2.0  # the second is a log alpha of 5


method = SparseVD()

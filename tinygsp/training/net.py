"""The network in training: its gated layers, the units that are alive, and the optimizer that moves them.

It knows no phase and no method. `wiring.py` decides what is closed; here is what a network can do with the decision:
be built anew, go on with fewer connections, become a SparseNetwork. Lessons 08 to 11 build it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tinygsp.nn.gates import sigmoid
from tinygsp.nn.layers import MaskedDense, MaskedEdges, ReLU, Sequential, SiLU, init_weights
from tinygsp.nn.optim import SGD
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork
from tinygsp.training.settings import Plan
from tinygsp.training.state import StateError, take_layer, take_units

ACTIVATION_LAYERS = {"silu": SiLU, "relu": ReLU}


class Net:
    """The network while it is trained. It begins dense, with every gate open for good.

    Columns that are constant are no inputs of it.

    plan        : Plan
    meta        : Meta   of the SparseNetwork that it becomes
    seed        : int    of its first weights and its noise
    kinds       : two classes   of layers as a matrix and as a list of connections: these, or those of a method

    layers      : list of MaskedDense or MaskedEdges; `model` is the Sequential of them with activations between
    units       : list of sorted int arrays; units[k] are the inputs of layer k that are alive, the last the outputs
    optimizer   : SGD
    """

    def __init__(self, plan: Plan, meta: Meta, seed: int = 0, kinds: tuple[type, type] = (MaskedDense, MaskedEdges)):
        self.settings, self.sizes, self.total = plan.settings, plan.sizes, plan.total
        self.meta, self.seed, self.kinds = meta, seed, kinds
        self.varying = np.flatnonzero(np.broadcast_to(meta.std, self.sizes[0]))  # inputs that are not constant
        self.one_score = self.settings.one_score and meta.task == "classification" and self.sizes[-1] == 2
        self.new_optimizer()
        self.build(np.inf, self.fresh_weights(0))

    # --- where it comes from ---

    def build(self, gate: float, weights: Iterable[np.ndarray]) -> None:
        """Become the dense network of these weights, each (n_in + 1, n_out), with all gates at `gate`.

        The rows of constant columns are left out of the first matrix, if they are in it.
        """
        first, *others = with_one_score(weights) if self.one_score and np.isfinite(gate) else weights
        rows = np.append(self.varying, self.sizes[0])
        index = rows[:, None] * self.sizes[1] + np.arange(self.sizes[1])
        first = first if len(first) == len(rows) else first[rows]
        layers = [self.make_dense(0, first, np.full_like(first, gate), index.astype(np.uint32))]
        layers += [self.make_dense(k, W, np.full_like(W, gate)) for k, W in enumerate(others, 1)]
        if self.one_score and np.isfinite(gate):
            layers[-1].params["gate"][:, 0] = -np.inf
        self.assemble(layers, [self.varying, *(np.arange(n) for n in self.sizes[1:])])

    def fresh_weights(self, attempt: int) -> list[np.ndarray]:
        """Weights to start from, drawn from the seed and the number of the attempt; biases, the last row, are 0."""
        rng = np.random.default_rng((self.seed, attempt))
        return [weights_and_biases(n_in, n_out, rng) for n_in, n_out in zip(self.sizes, self.sizes[1:])]

    def first_weights(self, attempt: int) -> list[np.ndarray]:
        """What a search starts from: attempt 0 goes on with the dense weights trained so far, others are fresh."""
        return self.fresh_weights(attempt) if attempt else [layer.params["W"] for layer in self.layers]

    def connect(self, connections: Iterable[tuple], units: list[np.ndarray]) -> None:
        """Go on with these connections alone, of each layer (row, col, W): a row of n_in is the bias.

        Their gates are open for good. The momentum of the layers before does not carry over.
        """
        layers = []
        for k, ((row, col, W), n_out) in enumerate(zip(connections, self.sizes[1:])):
            order = np.lexsort((row, col))
            index = (row * n_out + col)[order].astype(np.uint32)
            layers.append(self.make_edges(k, W[order], np.full_like(W, np.inf), index, units))
        self.new_optimizer()
        self.assemble(layers, units)

    def make_dense(self, k: int, W: np.ndarray, gate: np.ndarray, index: np.ndarray | None = None) -> MaskedDense:
        """Layer k as a matrix."""
        return self.kinds[0](W, gate, index, **self.options(k))

    def make_edges(self, k: int, W: np.ndarray, gate: np.ndarray, index: np.ndarray, units: list) -> MaskedEdges:
        """Layer k as a list of connections between live units."""
        return self.kinds[1](W, gate, index, inputs=units[k], outputs=units[k + 1], **self.options(k))

    def options(self, k: int) -> dict:
        """What layer k is given besides its connections; its shape is that before anything was closed."""
        shape = self.sizes[k] + 1, self.sizes[k + 1]
        return {"shape": shape, "seed": self.seed, "layer": k, "tau": self.settings.tau, "needs_dx": k > 0}

    def assemble(self, layers: list[MaskedDense], units: list[np.ndarray]) -> None:
        """Make `layers` the model, with activations between them."""
        stack = []
        for layer in layers:
            stack += [layer, ACTIVATION_LAYERS[self.settings.activation]()]
        self.model, self.layers, self.units = Sequential(stack[:-1]), layers, units

    def new_optimizer(self) -> None:
        """Begin without momentum."""
        self.optimizer = SGD(self.settings.lr, self.settings.momentum)

    # --- to a finished network and back ---

    def to_network(self, keep: Iterable[np.ndarray]) -> SparseNetwork:
        """The SparseNetwork of the connections where `keep`, a bool array for each layer, is true; not yet trimmed."""
        return SparseNetwork([sparse_layer(layer, kept) for layer, kept in zip(self.layers, keep)], self.meta)

    def open_network(self) -> SparseNetwork:
        """The trimmed SparseNetwork of the connections that are open without noise."""
        return self.to_network([layer.logits() > 0 for layer in self.layers]).trim()

    def from_network(self, network: SparseNetwork) -> None:
        """Go on with the connections of `network`, which must be trimmed, alone."""
        self.connect(map(connections, network.layers), [*network.used_inputs(), np.arange(self.sizes[-1])])

    # --- what can be said of it ---

    def count_open(self) -> int:
        """Gates that are open without noise."""
        return sum(int(np.count_nonzero(layer.logits() > 0)) for layer in self.layers)

    def gate_histogram(self, bins: int = 20) -> np.ndarray:
        """How many gates have P(open) = sigmoid(logit) in each of `bins` equal intervals: (bins,) int; retired at 0."""
        p = np.concatenate([sigmoid(layer.logits().ravel()) for layer in self.layers])
        counts = np.histogram(p, bins, (0, 1))[0]
        counts[0] += self.total - p.size
        return counts

    # --- stopping and going on ---

    def state(self) -> dict[str, np.ndarray]:
        """Copies of all its arrays: {name: array}.

        For each layer k: layerk_W, _gate and _index, matrices or, of a list of connections, (k,); the momentum
        layerk_velocity_W and _gate once there is any; unitsk.
        """
        state = {}
        for k, layer in enumerate(self.layers):
            state |= {f"layer{k}_{name}": param.copy() for name, param in layer.params.items()}
            state[f"layer{k}_index"] = layer.index.copy()
            for name in layer.params:
                if (layer, name) in self.optimizer.state:
                    state[f"layer{k}_velocity_{name}"] = self.optimizer.state[layer, name][0].copy()
        return state | {f"units{k}": units.copy() for k, units in enumerate(self.units)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned. Raises StateError if it is not that of such a network."""
        levels = len(self.sizes)
        possible = [self.varying, *(np.arange(n) for n in self.sizes[1:])]
        units = [take_units(state, k, possible[k]) for k in range(levels)]
        if len(units[-1]) < self.sizes[-1]:
            raise StateError(f"units{levels - 1} lacks an output")
        self.new_optimizer()
        layers = []
        for k in range(levels - 1):
            W, gate, index, velocity = take_layer(state, k, units, self.sizes)
            try:
                layer = self.make_edges(k, W, gate, index, units) if W.ndim == 1 else self.make_dense(k, W, gate, index)
            except ValueError as error:
                raise StateError(f"layer{k}: {error}") from error
            layers.append(layer)
            for name, array in velocity.items():
                self.optimizer.state[layer, name] = [array]
        self.assemble(layers, units)


# --- connections and weights ---


def sparse_layer(layer: MaskedDense, kept: np.ndarray) -> SparseLayer:
    """The SparseLayer of the connections of a layer where `kept`, shaped like its W, is true."""
    n_in, n_out = layer.shape[0] - 1, layer.shape[1]
    row, col = np.divmod(layer.index[kept].astype(np.int32), np.int32(n_out))
    W, bias = layer.weights()[kept], np.zeros(n_out, np.float32)
    is_bias = row == n_in
    bias[col[is_bias]] = W[is_bias]
    order = np.lexsort((row[~is_bias], col[~is_bias]))
    row, col, W = (a[~is_bias][order] for a in (row, col, W))
    return SparseLayer((n_in, n_out), row, col, W, bias)


def connections(layer: SparseLayer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, col, W) of all nonzero parameters of a SparseLayer: a row of n_in is the bias."""
    biases = np.flatnonzero(layer.bias)
    row, col = np.append(layer.row, np.full_like(biases, layer.n_in)), np.append(layer.col, biases)
    return row, col, np.append(layer.weight, layer.bias[biases])


def weights_and_biases(n_in: int, n_out: int, rng: np.random.Generator) -> np.ndarray:
    """Fresh weights and, in the last row, biases of 0: (n_in + 1, n_out) float32."""
    return np.vstack([init_weights(n_in, n_out, rng, np.float32), np.zeros((1, n_out), np.float32)])


def with_one_score(weights: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The same weights, the scores of the first of two classes moved into the second: only the difference counts."""
    *others, last = weights
    return [*others, np.column_stack([np.zeros_like(last[:, 0]), last[:, 1] - last[:, 0]])]


def add_decay(net: Net, decay: float) -> None:
    """Add the gradient of decay / 2 * W^2 of every open weight to the gradients of a network, biases excepted."""
    if not decay:
        return
    for layer, n_in in zip(net.layers, net.sizes):
        row, _ = layer.connections()
        layer.grads["W"] += np.float32(decay) * layer.params["W"] * ((row < n_in) & (layer.params["gate"] > 0))

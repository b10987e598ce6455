"""The method: weights and wiring trained together by gradient descent (Zhang, Tao, Zhang 2023, arXiv 2311.12526).

Three phases, one loop. *dense* trains the plain network, for the accuracy to beat. *search*
gives every weight and bias a gate and a price, and steers the price so that the number of open gates falls along a
schedule down to the budget while the noise of the gates fades. Then the gates are frozen, what reaches no output is
trimmed, and *finetune* trains the survivors. Every choice is made on the training and validation splits.
Lessons 08 and 10 build this file; read `sparse.py` for what comes out.
"""

import math
from dataclasses import dataclass

import numpy as np

from tinygsp import kernels, losses
from tinygsp.data import minibatches
from tinygsp.gates import sigmoid
from tinygsp.layers import MaskedDense, MaskedEdges, ReLU, Sequential, SiLU, feature_major, init_weights
from tinygsp.optim import SGD, cosine
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

ACTIVATION_LAYERS = {"silu": SiLU, "relu": ReLU}


class DivergedError(RuntimeError):
    """The loss is no longer a finite number."""


class SettingsError(ValueError):
    """Settings that cannot work with the data set; one line says what and what would be right."""


@dataclass(frozen=True)
class Settings:
    """Everything the method can be told. The defaults are those of the MNIST run."""

    density: float = 0.0015  # kept / total of the result, biases included
    hidden: tuple = (300, 100)  # units of the hidden layers
    activation: str = "silu"  # or "relu"
    epochs: int = 150  # of the search
    dense_epochs: int = 10  # of the plain network before it
    finetune_epochs: int = 100  # of the survivors after it
    tries: int = 1  # searches, each fine-tuned; the best on the validation split is kept
    batch_size: int = 256
    lr: float = 0.1  # of weights, falling to lr_end * lr over the search, to 0 over the dense phase
    gate_lr: float = 3.0  # of gates, falling to lr_end * gate_lr: slower gates choose better
    lr_end: float = 0.1
    finetune_lr: float = 1.0  # share of lr that fine-tuning starts from; it falls to 0
    momentum: float = 0.9
    tau: float = 1.0  # temperature of the soft gate behind the straight-through gradient
    gate_start: float = 1.0  # every gate's first logit: open with probability sigmoid(1) = 0.73
    noise_end: float = 0.75  # share of the search after which the gates are no longer random
    budget_at: float = 0.6  # share of the search after which the count stays at the budget
    count_power: float = 0.3  # log(count) falls as r ** count_power: fast at first, most epochs at low counts
    price_start: float = 1e-6
    price_rate: float = 0.004  # d log(price) per step and unit of log(count / target)
    price_damping: float = 3.0  # the price reacts at once by (count / target) ** price_damping
    retire_below: float = -3.0  # a gate below this at the end of an epoch is closed for good
    edges_below: float = 0.35  # share of live connections below which layers become edge lists (speed only)


TOY = Settings(
    density=0.2, hidden=(10, 10), dense_epochs=100, epochs=800, finetune_epochs=200, tries=5,
    lr=0.03, finetune_lr=1 / 3, count_power=1.0,
)  # fmt: skip


class Inputs:
    """Some columns of a data set, feature-major and as compact as on disk, scaled batch by batch.

    x : (n, n_in); columns : the inputs still in use
    """

    def __init__(self, x, columns, dataset):
        self.values = np.ascontiguousarray(x[:, columns].T)  # (columns, n)
        self.scale = np.float32(1 / (dataset.divisor * dataset.std))
        self.shift = np.float32(-dataset.mean / dataset.std)

    def batch(self, samples):
        """x = (value / divisor - mean) / std of the given samples: (len(samples), columns) float32."""
        x = feature_major(len(samples), len(self.values), np.float32)
        kernels.gather(self.values, samples, self.scale, self.shift, x.T)
        return x


class Pruner:
    """Trains and prunes a network on a data set. `run` yields a record (dict) after every epoch; afterwards
    `network` is the SparseNetwork, with at most `budget` nonzero parameters.

    dataset : data.Dataset;  settings : Settings;  seed : int, of the weights, the noise and the order of batches
    """

    def __init__(self, dataset, settings, seed=0):
        self.dataset, self.settings, self.seed = dataset, settings, seed
        self.sizes = [dataset.n_in, *settings.hidden, dataset.n_out]
        self.total = sum((n_in + 1) * n_out for n_in, n_out in zip(self.sizes, self.sizes[1:]))
        self.budget = int(settings.density * self.total + 1e-9)
        self.check_sizes()
        self.loss = losses.softmax_cross_entropy if dataset.task == "classification" else losses.mean_absolute_error
        s = settings
        self.phases = [("dense", s.dense_epochs)] + [("search", s.epochs), ("finetune", s.finetune_epochs)] * s.tries
        self.steps_per_epoch = math.ceil(len(dataset.train_x) / s.batch_size)
        self.epoch = 0  # over all phases
        self.step = 0
        self.network = None  # the best so far

    def check_sizes(self):
        """A budget must connect one input to every output; a connection's place must fit a uint32."""
        least = len(self.settings.hidden) + self.dataset.n_out
        if self.budget < least:
            raise SettingsError(
                f"density {self.settings.density:g} of {self.total:,} parameters keeps {self.budget}: connecting one "
                f"input to each of {self.dataset.n_out} outputs takes {least}, a density of {least / self.total:.6f}"
            )
        largest = max((a + 1) * b for a, b in zip(self.sizes, self.sizes[1:]))
        if largest >= 2**31:
            raise SettingsError(f"hidden {self.settings.hidden} gives a layer of {largest:,} weights: at most 2^31")

    # --- the loop ---

    @property
    def total_epochs(self):
        return sum(epochs for _, epochs in self.phases)

    def place(self):
        """(phase, its epochs, those already done, number of the try) of the next epoch."""
        done = self.epoch
        for k, (phase, epochs) in enumerate(self.phases):
            if done < epochs:
                return phase, epochs, done, max(0, k - 1) // 2
            done -= epochs
        raise ValueError(f"all {self.total_epochs} epochs are done")

    def run(self):
        """Train to the end; yields the record of each epoch."""
        while self.epoch < self.total_epochs:
            yield self.train_epoch()

    def train_epoch(self):
        """One pass over the training split, and what must happen before and after it. Returns the record."""
        phase, epochs, done, attempt = self.place()
        if done == 0:
            self.start(phase, attempt)
        rng = np.random.default_rng((self.seed, self.epoch))
        total_loss = 0.0
        for b, samples in enumerate(minibatches(len(self.dataset.train_x), self.settings.batch_size, rng)):
            r = (done + b / self.steps_per_epoch) / epochs  # progress of the phase, in [0, 1)
            total_loss += self.train_step(phase, r, np.sort(samples)) * len(samples)
        if phase == "search":
            self.retire()
        self.epoch += 1
        count, val_accuracy = self.count_open(), self.validate()
        if phase == "finetune" and done == epochs - 1 and (self.network is None or val_accuracy > self.network_score):
            self.network, self.network_score = self.to_network(threshold=0).trim(), val_accuracy
        return {
            "epoch": self.epoch,
            "phase": phase,
            "loss": total_loss / len(self.dataset.train_x),
            "val_accuracy": val_accuracy,
            "open_gates": count,
            "density": count / self.total,
            "price": self.price if phase == "search" else 0.0,
            "noise": self.noise(r) if phase == "search" else 0.0,
        }

    def train_step(self, phase, r, samples):
        """One step: sample -> forward -> loss -> backward -> penalty -> optimizer step. Returns the loss."""
        s, model, search = self.settings, self.model, phase == "search"
        x, target = self.train_inputs.batch(samples), self.dataset.train_y[samples]

        model.sample(self.step, self.noise(r) if search else 0.0)
        loss, dy = self.loss(model.forward(x), target)
        if not math.isfinite(loss):
            raise DivergedError(f"the loss became {loss} at step {self.step} ({phase}); try a smaller --lr")
        model.backward(dy)
        if search:
            model.penalty(self.steer_price(r))
        lr = s.lr * s.finetune_lr if phase == "finetune" else s.lr
        end = s.lr_end if search else 0.0
        self.optimizer.lr = {"W": cosine(lr, end * lr, r), "gate": cosine(s.gate_lr, end * s.gate_lr, r)}
        self.optimizer.step(model)
        self.step += 1
        return loss

    # --- the schedules of the search, as functions of its progress r ---

    def noise(self, r):
        """Scale of the gates' noise: from 1 to 0 along a line, then 0."""
        return max(0.0, 1 - r / self.settings.noise_end)

    def target(self, r):
        """How many gates should be open: log(target) falls from log(total) to log(budget) as a power of r."""
        q = min(1.0, r / self.settings.budget_at) ** self.settings.count_power
        return math.exp((1 - q) * math.log(self.total) + q * math.log(self.budget))

    def steer_price(self, r):
        """Move the price of an open gate so that the count of open gates follows the target.

        A proportional-integral controller on e = log(count / target): the integral is the price itself, the
        proportional part damps the swings that an integral alone would make.
        """
        s = self.settings
        error = math.log(max(self.count_open(), 1) / self.target(r))
        self.price *= math.exp(s.price_rate * error)
        return self.price * math.exp(s.price_damping * error)

    # --- what happens between epochs ---

    def start(self, phase, attempt):
        """Set up the model, the optimizer and the price for the first step of a phase."""
        if phase == "dense":  # every gate wide open, for good
            self.build(np.inf, attempt)
        elif phase == "search":  # the first try starts from the weights the dense network started from
            self.build(self.settings.gate_start, attempt)
        else:
            self.freeze()
        self.optimizer = SGD(self.settings.lr, self.settings.momentum)
        self.price = self.settings.price_start

    def build(self, gate, attempt):
        """Layers with fresh weights, drawn from the seed and the number of the try, and all gates at `gate`."""
        rng = np.random.default_rng((self.seed, attempt))
        layers = []
        for k, (n_in, n_out) in enumerate(zip(self.sizes, self.sizes[1:])):
            W = np.zeros((n_in + 1, n_out), np.float32)
            W[:-1] = init_weights(n_in, n_out, rng, np.float32)
            layers.append(MaskedDense(W, np.full_like(W, gate), **self.layer_options(k)))
        self.assemble(layers, [np.arange(n) for n in self.sizes])

    def retire(self):
        """Close for good what has fallen below the threshold or hangs on a dead unit, and stop computing with it.

        A unit without a live input or without a live output is dead. Setting a gate to -inf is the decision.
        Replacing the layers by lists of their live connections only makes the work follow: it changes no result
        beyond rounding.
        """
        layers = self.model.masked
        places = []  # (row, col) in the original matrix of each connection of each layer
        for layer, n_out in zip(layers, self.sizes[1:]):
            gate = layer.params["gate"]
            gate[gate < self.settings.retire_below] = -np.inf
            places.append(np.divmod(layer.index.astype(np.int64), n_out))

        alive = [layer.params["gate"] > -np.inf for layer in layers]
        rows = [np.unique(row[live]) for (row, _), live in zip(places, alive)]
        cols = [np.unique(col[live]) for (_, col), live in zip(places, alive)]
        units = [rows[0], *(np.intersect1d(c, r) for c, r in zip(cols, rows[1:])), np.arange(self.sizes[-1])]
        units = [u[u < n] for u, n in zip(units, self.sizes)]  # row n_in is the bias, not a unit
        for k, (layer, (row, col)) in enumerate(zip(layers, places)):
            stays = np.isin(col, units[k + 1]) & ((row == self.sizes[k]) | np.isin(row, units[k]))
            layer.params["gate"][~stays] = -np.inf

        live = sum(np.count_nonzero(layer.params["gate"] > -np.inf) for layer in layers)
        if live < self.settings.edges_below * self.total or not self.is_dense():
            self.compact(places, units)

    def compact(self, places, units):
        """Replace every layer by a list of its live connections, sorted by output, then input."""
        new = []
        for k, (layer, (row, col)) in enumerate(zip(self.model.masked, places)):
            W, gate, index = (a.ravel() for a in (layer.params["W"], layer.params["gate"], layer.index))
            live = np.flatnonzero(gate > -np.inf)
            live = live[np.lexsort((row.ravel()[live], col.ravel()[live]))]
            self.optimizer.select(2 * k, live)
            new.append(self.edge_layer(k, W[live], gate[live], index[live], units))
        self.assemble(new, units)

    def freeze(self):
        """Fix the wiring: the largest set of best gates that, trimmed, fits the budget. Then only weights move."""
        gate = np.concatenate([layer.params["gate"].ravel() for layer in self.model.masked])
        gate = np.sort(gate[gate > -np.inf])[::-1]
        fits, too_many = 0, len(gate)  # number of gates above the threshold
        if self.to_network(-np.inf).trim().count() <= self.budget:
            fits = too_many
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if self.to_network(gate[middle]).trim().count() <= self.budget:
                fits = middle
            else:
                too_many = middle
        self.from_network(self.to_network(gate[fits] if fits < len(gate) else -np.inf).trim())

    # --- between layers that learn and networks that are done ---

    def to_network(self, threshold):
        """The SparseNetwork of the connections whose gate is above `threshold`, not yet trimmed."""
        layers = []
        for layer, n_in, n_out in zip(self.model.masked, self.sizes, self.sizes[1:]):
            keep = layer.params["gate"] > threshold
            row, col = np.divmod(layer.index[keep].astype(np.int32), np.int32(n_out))
            W, bias = layer.params["W"][keep], np.zeros(n_out, np.float32)
            is_bias = row == n_in
            bias[col[is_bias]] = W[is_bias]
            order = np.lexsort((row[~is_bias], col[~is_bias]))
            row, col, W = (a[~is_bias][order] for a in (row, col, W))
            layers.append(SparseLayer((n_in, n_out), row, col, W, bias))
        d = self.dataset
        meta = Meta(self.settings.activation, d.task, d.divisor, d.mean, d.std, d.class_names, d.input_shape, d.name)
        return SparseNetwork(layers, meta)

    def from_network(self, network):
        """Go on with the connections of `network`, which must be trimmed, alone; their gates are open for good."""
        units = [*network.used_inputs(), np.arange(self.sizes[-1])]
        layers = []
        for k, layer in enumerate(network.layers):
            biases = np.flatnonzero(layer.bias)
            row, col = np.append(layer.row, np.full_like(biases, layer.n_in)), np.append(layer.col, biases)
            order = np.lexsort((row, col))
            W = np.append(layer.weight, layer.bias[biases])[order]
            index = (row * layer.n_out + col)[order].astype(np.uint32)
            layers.append(self.edge_layer(k, W, np.full_like(W, np.inf), index, units))
        self.assemble(layers, units)

    def edge_layer(self, k, W, gate, index, units):
        shape = (self.sizes[k] + 1, self.sizes[k + 1])
        return MaskedEdges(W, gate, index, shape, units[k], units[k + 1], **self.layer_options(k))

    def layer_options(self, k):
        return {"seed": self.seed, "layer": k, "tau": self.settings.tau, "needs_dx": k > 0}

    def assemble(self, layers, units):
        """Make `layers` the model, with activations between them; units[k] are the inputs of layer k in use."""
        stack = []
        for layer in layers:
            stack += [layer, ACTIVATION_LAYERS[self.settings.activation]()]
        self.model = Sequential(stack[:-1])
        self.units = units
        self.train_inputs = Inputs(self.dataset.train_x, units[0], self.dataset)
        self.val_inputs = Inputs(self.dataset.val_x, units[0], self.dataset)

    def is_dense(self):
        return self.model.layers[0].index.ndim == 2

    # --- what can be said of it ---

    def count_open(self):
        """Gates that are open without noise."""
        return sum(int(np.count_nonzero(layer.params["gate"] > 0)) for layer in self.model.masked)

    def gate_histogram(self, bins=20):
        """How many gates have P(open) = sigmoid(gate) in each of `bins` equal intervals; retired ones at 0."""
        p = np.concatenate([sigmoid(layer.params["gate"].ravel()) for layer in self.model.masked])
        counts = np.histogram(p, bins, (0, 1))[0]
        counts[0] += self.total - p.size
        return counts

    def state(self):
        """The arrays and numbers of the current moment, copied: {name: array}."""
        arrays = {"epoch": self.epoch, "step": self.step, "price": self.price}
        for k, layer in enumerate(self.model.masked):
            arrays |= {f"layer{k}_{name}": param.copy() for name, param in layer.params.items()}
            arrays[f"layer{k}_index"] = layer.index.copy()
        for (k, name), (velocity,) in self.optimizer.state.items():
            arrays[f"layer{k // 2}_velocity_{name}"] = velocity.copy()
        return arrays | {f"units{k}": units.copy() for k, units in enumerate(self.units)}

    def validate(self):
        """Accuracy on the validation split, noise off; for a regression the mean R^2 of the outputs."""
        self.model.sample(self.step, noise=0.0)
        scores = self.model.forward(self.val_inputs.batch(np.arange(len(self.dataset.val_x))))
        return score(scores, self.dataset.val_y, self.dataset.task)


def score(scores, target, task):
    """Accuracy of class scores (n, k) against labels (n,); R^2, averaged over outputs, of a regression (n, k)."""
    if task == "classification":
        return float(np.mean(scores.argmax(axis=1) == target))
    return float(np.mean(r_squared(scores, target)))


def r_squared(y, target):
    """1 - (squared error) / (variance of the target), for each output: (n, k), (n, k) -> (k,)."""
    return 1 - ((y - target) ** 2).mean(axis=0) / target.var(axis=0)

"""The method: weights and wiring trained together by gradient descent (Zhang, Tao, Zhang 2023, arXiv 2311.12526).

Four phases, one loop. *dense* trains the plain network: an accuracy to beat, and weights to start from. *search* gives
every weight and bias a gate and a price, and steers the price so that the number of open gates falls along a schedule
down to the budget while the noise of the gates fades. Then the gates are frozen, and what reaches no output is trimmed.
*rewire* trains the survivors, and lets the least useful ones change places with closed connections from which the
gradient promises more. *finetune* trains what that leaves. Every choice is made on the training and validation splits.
Lessons 08 and 10 build this file; read `sparse.py` for what comes out.
"""

import math
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from tinygsp import kernels, losses
from tinygsp.data import minibatches
from tinygsp.gates import noise_keys, sigmoid
from tinygsp.layers import MaskedDense, MaskedEdges, ReLU, Sequential, SiLU, init_weights
from tinygsp.optim import SGD, cosine
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

ACTIVATION_LAYERS = {"silu": SiLU, "relu": ReLU}
NUMBERS = {"epoch": int, "batch": int, "step": int, "total_loss": float, "price": float}  # of a Pruner's state
f32 = np.float32
NO_LAYER = 1 << 32  # in place of a layer's number: the noise that moves images
TIE = 0.001  # validation scores that differ by less say nothing about which network is better
BLOCK = 500  # samples whose gradients are added up at a time
SPARSE_ARRAYS = ("row", "col", "weight", "bias")  # of a SparseLayer


class DivergedError(RuntimeError):
    """The loss is no longer a finite number."""


class SettingsError(ValueError):
    """Settings that cannot work with the data set; one line says what and what would be right."""


@dataclass(frozen=True)
class Settings:
    """Everything the method can be told. The defaults are those of the MNIST run; see `defaults` for other runs."""

    density: float = 0.0015  # kept / total of the result, biases included
    hidden: tuple = (300, 100)  # units of the hidden layers
    activation: str = "silu"  # or "relu"
    epochs: int = 300  # of the search and the rewiring after it
    dense_epochs: int = 10  # of the plain network before them
    finetune_epochs: int = 100  # of what they leave; the second half without moving images, if any were moved
    tries: int = 1  # searches, each rewired and fine-tuned; the best on the validation split is kept
    batch_size: int = 256
    shift: int = 1  # pixels by which training images are moved at random, at most, each way
    lr: float = 0.1  # of weights, falling to lr_end * lr over the search, to 0 over the other phases
    gate_lr: float = 3.0  # of gates, falling to lr_end * gate_lr: slower gates choose better where few are left
    lr_end: float = 0.1
    finetune_lr: float = 1.0  # share of lr that fine-tuning starts from; it falls to 0
    momentum: float = 0.9
    tau: float = 1.0  # temperature of the soft gate behind the straight-through gradient
    gate_start: float = 1.0  # every gate's first logit: open with probability sigmoid(1) = 0.73
    noise_end: float = 0.75  # share of the search after which the gates are no longer random
    budget_at: float = 0.6  # share of the search after which the count stays at the budget
    count_power: float = 0.3  # log(count) falls as r ** count_power: fast at first, most epochs at low counts
    steer: str = "drawn"  # the count that should follow: of gates "drawn" open in a step, or "open" without noise
    price_start: float = 1e-6
    price_rate: float = 0.004  # d log(price) per step and unit of log(count / target)
    price_damping: float = 3.0  # the price reacts at once by (count / target) ** price_damping
    retire_below: float = -3.0  # a gate below this many times the noise after an epoch is closed for good, where
    retire_density: float = 0.0045  # the noise counts as at least density / this: larger budgets wait longer
    search_share: float = 0.5  # of `epochs`; in the others the survivors change places with closed connections
    rewire_share: float = 0.15  # of the connections that change places after an epoch, at most; falls to 0 along a line
    rewire_moved: bool = False  # whether training images move meanwhile: not where too little is left to overfit
    edges_below: float = 0.5  # share of live connections below which a layer becomes a list of them (speed only)


TOY = Settings(
    density=0.2, hidden=(10, 10), dense_epochs=100, epochs=800, finetune_epochs=200, tries=5,
    lr=0.06, finetune_lr=1 / 3, count_power=1.0, steer="open", search_share=1.0,
)  # fmt: skip
ROOMY = Settings(density=0.01, epochs=150, search_share=1.0, steer="open", gate_lr=10.0)  # closes gates later
MIDDLE = replace(ROOMY, density=0.00375, search_share=2 / 3, rewire_moved=True)
MIDDLE_ABOVE, ROOMY_ABOVE = 0.003, 0.006  # densities


def defaults(name, density=None):
    """The Settings of the data set `name`, as given to `data.load`, at a density, or at its own."""
    if name == "toy":
        settings = TOY
    else:
        density_or_own = Settings.density if density is None else density
        settings = Settings() if density_or_own <= MIDDLE_ABOVE else MIDDLE if density_or_own <= ROOMY_ABOVE else ROOMY
    return settings if density is None else replace(settings, density=density)


class Inputs:
    """Some columns of a data set, as compact as on disk, scaled batch by batch.

    x : (n, n_in); columns : the inputs still in use
    feature_major : what lists of connections need; BLAS does not mind, and is spared the transposing
    """

    def __init__(self, x, columns, dataset, feature_major=True):
        self.values = np.take(x, columns, axis=1)  # C-order: the values of a sample lie side by side
        self.scale = np.float32(1 / (dataset.divisor * dataset.std))
        self.shift = np.float32(-dataset.mean / dataset.std)
        self.columns, self.feature_major = columns, feature_major

    def are(self, columns, feature_major):
        return feature_major == self.feature_major and np.array_equal(columns, self.columns)

    def batch(self, samples, step=0):
        """x = (value / divisor - mean) / std of the given samples: (len(samples), columns) float32."""
        x = self.take(samples, step)
        if self.feature_major:
            return self.standardize(np.ascontiguousarray(x.T)).T  # transposed while it is still bytes
        return self.standardize(x)

    def take(self, samples, step):
        return self.values.take(samples, axis=0)

    def standardize(self, values):
        x = np.empty(values.shape, np.float32)
        kernels.standardize(values, self.scale, self.shift, x)
        return x


class ShiftedInputs(Inputs):
    """The same columns of images, each image moved by up to `reach` pixels up or down and left or right.

    Every step moves every image anew, all (2 reach + 1)^2 ways being equally likely; what comes in from outside is 0.
    """

    def __init__(self, x, columns, dataset, feature_major, reach, seed):
        super().__init__(x[:0], columns, dataset, feature_major)
        self.values, self.seed = x, seed
        height, width = dataset.input_shape
        ways = np.arange(-reach, reach + 1)
        row = columns // width + np.repeat(ways, len(ways))[:, None]  # (ways^2, columns)
        col = columns % width + np.tile(ways, len(ways))[:, None]
        inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
        self.places = np.where(inside, row * width + col, -1).astype(np.int32)

    def take(self, samples, step):
        out = np.empty((len(samples), len(self.columns)), self.values.dtype)
        kernels.gather_shifted(self.values, samples, self.places, *noise_keys(self.seed, step, NO_LAYER), out)
        return out


class Pruner:
    """Trains and prunes a network on a data set. `run` yields a record (dict) after every epoch; afterwards
    `network` is the SparseNetwork, with at most `budget` nonzero parameters. Between any two steps `state` holds
    all there is to know, and another Pruner of the same arguments that takes it with `restore` goes on bit for bit.

    dataset : data.Dataset;  settings : Settings;  seed : int, of the weights, the noise and the order of batches
    """

    method = "gates"  # its name on the command line; `baselines.METHODS` has the others
    dense_class, edge_class = MaskedDense, MaskedEdges

    def __init__(self, dataset, settings, seed=0):
        self.dataset, self.settings, self.seed = dataset, settings, seed
        self.sizes = [dataset.n_in, *settings.hidden, dataset.n_out]
        self.total = sum((n_in + 1) * n_out for n_in, n_out in zip(self.sizes, self.sizes[1:]))
        self.budget = int(settings.density * self.total + 1e-9)
        self.check_sizes()
        self.loss = losses.softmax_cross_entropy if dataset.task == "classification" else losses.mean_absolute_error
        s = settings
        search = math.ceil(s.search_share * s.epochs - 1e-9)
        of_a_try = [("search", search), ("rewire", s.epochs - search), ("finetune", s.finetune_epochs)]
        self.phases = [("dense", s.dense_epochs)] + of_a_try * s.tries
        self.moves = s.shift > 0 and len(dataset.input_shape) == 2  # images, by up to s.shift pixels
        self.steps_per_epoch = math.ceil(len(dataset.train_x) / s.batch_size)
        self.epoch = 0  # those done, over all phases
        self.batch = 0  # those done of the epoch that comes next, or is under way
        self.step = 0
        self.train_inputs = self.val_inputs = self.all_inputs = None
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
                return phase, epochs, done, max(0, k - 1) // 3
            done -= epochs
        raise ValueError(f"all {self.total_epochs} epochs are done")

    @property
    def between_phases(self):
        """Whether the next step, if there is one, is the first of a phase."""
        return self.epoch == self.total_epochs or self.batch == 0 and self.place()[2] == 0

    def run(self):
        """Train to the end; yields the record of each epoch."""
        while self.epoch < self.total_epochs:
            yield self.train_epoch()

    def train_epoch(self):
        """Train to the end of the epoch, which is a pass over the training split. Returns its record."""
        for record in self.steps():
            pass
        return record

    def steps(self):
        """Train to the end of the epoch from wherever it stands, with what must happen before and after it.

        Yields after every step: None, and after the last one the record. What stops between two steps can go on.
        """
        phase, epochs, done, attempt = self.place()
        if self.batch == 0:
            self.total_loss = 0.0
            if done == 0:
                self.start(phase, attempt)
        rng = np.random.default_rng((self.seed, self.epoch))
        batches = minibatches(len(self.dataset.train_x), self.settings.batch_size, rng)
        for samples in islice(batches, self.batch, None):
            r = (done + self.batch / self.steps_per_epoch) / epochs  # progress of the phase, in [0, 1)
            self.total_loss += self.train_step(phase, r, np.sort(samples)) * len(samples)
            self.batch += 1
            if self.batch < self.steps_per_epoch:
                yield None
        if phase == "search":
            self.close_gates(r)
        self.epoch, self.batch = self.epoch + 1, 0
        count, val_accuracy = self.count_open(), self.validate()
        if phase == "rewire":
            self.rewire((done + 1) / epochs)
        if phase == "finetune" and done + 1 in ((epochs // 2, epochs) if self.moves else (epochs,)):
            self.keep_the_better(self.to_network(threshold=0).trim(), val_accuracy)
        yield {
            "epoch": self.epoch,
            "phase": phase,
            "loss": self.total_loss / len(self.dataset.train_x),
            "val_accuracy": val_accuracy,
            "open_gates": count,
            "density": count / self.total,
            "price": self.price if phase == "search" else 0.0,
            "noise": self.noise(r) if phase == "search" else 0.0,
        }

    def train_step(self, phase, r, samples):
        """One step: sample -> forward -> loss -> backward -> penalty -> optimizer step. Returns the loss."""
        s, model, search = self.settings, self.model, phase == "search"
        inputs = self.moved_inputs if self.moves_in(phase, r) else self.train_inputs
        x, target = inputs.batch(samples, self.step), self.dataset.train_y[samples]

        model.sample(self.step, self.noise(r) if search else 0.0)
        loss, dy = self.loss(model.forward(x), target)
        if not math.isfinite(loss):
            finite = np.isfinite(x).all() and np.isfinite(target).all()
            advice = "try a smaller --lr" if finite else "look for nan or inf in the data"
            raise DivergedError(f"the loss became {loss} at step {self.step} ({phase}); {advice}")
        model.backward(dy)
        if search:
            model.penalty(self.steer_price(r))
        self.optimizer.lr = self.rates(phase, r)
        self.optimizer.step(model)
        self.step += 1
        return loss

    def moves_in(self, phase, r):
        """Whether training images move at progress r of a phase."""
        if phase == "rewire":
            return self.moves and self.settings.rewire_moved
        return self.moves and not (phase == "finetune" and r >= 0.5)

    def keep_the_better(self, network, val_accuracy):
        """Make `network` the result if it beats the one so far: clearly, or as good with fewer inputs to an output.

        Scores closer than TIE are equal: then the simpler wiring is the better explanation, and after that the score.
        """
        if self.network is not None:
            gain = val_accuracy - self.network_score
            links = self.network.reaches().sum() - network.reaches().sum()  # that the new one does without
            if gain < -TIE or gain <= TIE and (links, gain) <= (0, 0):
                return
        self.network, self.network_score = network, val_accuracy

    # --- the schedules, as functions of a phase's progress r ---

    def rates(self, phase, r):
        """Learning rates of the weights and of the gates. Where images move, fine-tuning is two cosines."""
        s = self.settings
        if phase == "finetune" and self.moves:
            r = 2 * r % 1
        lr = s.lr * s.finetune_lr if phase == "finetune" else s.lr
        end = s.lr_end if phase == "search" else 0.0
        return {"W": cosine(lr, end * lr, r), "gate": cosine(s.gate_lr, end * s.gate_lr, r)}

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
        if s.steer == "drawn":
            masks = [layer.flat_sample[1] for layer in self.model.masked]  # of 0 and 1: a product counts them fastest
            count = sum(int(mask @ mask) for mask in masks)
        else:
            count = self.model.open_gates
        error = math.log(max(count, 1) / self.target(r))
        self.price *= math.exp(s.price_rate * error)
        return self.price * math.exp(s.price_damping * error)

    # --- what happens between epochs ---

    def start(self, phase, attempt):
        """Set up the model, the optimizer and the price for the first step of a phase."""
        if phase == "dense":  # every gate wide open, for good
            self.build(np.inf, self.fresh_weights(attempt))
        elif phase == "search":
            self.build(self.settings.gate_start, self.first_weights(attempt))
        else:
            self.freeze()  # after rewiring, too: all stays but what reaches no output
        self.optimizer = SGD(self.settings.lr, self.settings.momentum)
        self.price = self.settings.price_start

    def first_weights(self, attempt):
        """What a search starts from: the first try goes on with the dense network, the others are fresh."""
        trained = attempt == 0 and self.step > 0
        return [layer.params["W"] for layer in self.model.masked] if trained else self.fresh_weights(attempt)

    def build(self, gate, weights):
        """Layers of these weights with all gates at `gate`."""
        layers = [self.dense_layer(k, W, np.full_like(W, gate)) for k, W in enumerate(weights)]
        self.assemble(layers, [np.arange(n) for n in self.sizes])

    def fresh_weights(self, attempt):
        """The weights every layer starts from, drawn from the seed and the number of the try; biases are 0."""
        rng = np.random.default_rng((self.seed, attempt))
        for n_in, n_out in zip(self.sizes, self.sizes[1:]):
            W = np.zeros((n_in + 1, n_out), np.float32)
            W[:-1] = init_weights(n_in, n_out, rng, np.float32)
            yield W

    def close_gates(self, r):
        """What is closed for good after an epoch of the search."""
        self.retire(self.noise(r))

    def retire(self, noise=1.0):
        """Close for good what the noise would hardly open or what hangs on a dead unit, and stop computing with it."""
        s = self.settings
        self.close_below(s.retire_below * min(1.0, max(noise, s.density / s.retire_density)))

    def close_below(self, threshold):
        """Close for good every gate whose logit is below `threshold`, and what then hangs on a dead unit.

        A unit without a live input or without a live output is dead. Setting a gate to -inf is the decision;
        `compact` only makes the work follow and changes no result beyond rounding.
        """
        layers, places = self.model.masked, []  # (row, col) in the original matrix of each connection of each layer
        for layer, n_out in zip(layers, self.sizes[1:]):
            layer.params["gate"][self.logits(layer) < threshold] = -np.inf
            places.append(np.divmod(layer.index.astype(np.int64), n_out))

        alive = [layer.params["gate"] > -np.inf for layer in layers]
        rows = [np.unique(row[live]) for (row, _), live in zip(places, alive)]
        cols = [np.unique(col[live]) for (_, col), live in zip(places, alive)]
        units = [rows[0], *(np.intersect1d(c, r) for c, r in zip(cols, rows[1:])), np.arange(self.sizes[-1])]
        units = [u[u < n] for u, n in zip(units, self.sizes)]  # row n_in is the bias, not a unit
        for k, (layer, (row, col)) in enumerate(zip(layers, places)):
            stays = np.isin(col, units[k + 1]) & ((row == self.sizes[k]) | np.isin(row, units[k]))
            layer.params["gate"][~stays] = -np.inf

        self.compact(places, units)

    def compact(self, places, units):
        """Replace every layer by a smaller one that leaves out what is retired.

        units[k] are the inputs of layer k that are alive. A layer with many live connections among them becomes
        the dense layer of its live rows and columns, one with few a list, sorted by output, then input.
        """
        new = []
        for k, (layer, (row, col)) in enumerate(zip(self.model.masked, places)):
            W, gate, index = (a.ravel() for a in (layer.params["W"], layer.params["gate"], layer.index))
            live = np.flatnonzero(gate > -np.inf)
            cells = (len(units[k]) + 1) * len(units[k + 1])
            if isinstance(layer, MaskedEdges) or live.size < self.settings.edges_below * cells:
                chosen = live[np.lexsort((row.ravel()[live], col.ravel()[live]))]
                new.append(self.edge_layer(k, W[chosen], gate[chosen], index[chosen], units))
            else:
                rows = np.append(np.searchsorted(self.units[k], units[k]), len(self.units[k]))  # and the bias
                cols = np.searchsorted(self.units[k + 1], units[k + 1])
                chosen = rows[:, None] * len(self.units[k + 1]) + cols
                new.append(self.dense_layer(k, W[chosen], gate[chosen], index[chosen]))
            self.optimizer.select(2 * k, chosen)
        self.assemble(new, units)

    def rewire(self, r):
        """Let the least useful connections change places with the most promising closed ones; fewer as r nears 1.

        To second order, closing a connection of weight W costs W² h / 2 (LeCun, Denker, Solla 1990, eq. 5), and opening
        one promises g² / (2h), the gain of a Newton step from 0; g is its gradient and h its curvature. Only swaps that
        promise more than they cost are made. Those that lead into the same unit promise much the same thing, a better
        sum there, so one of them comes at a time. A unit that has died does not come back.
        """
        live, W, velocity, cost, gain = [], [], [], [], []
        for k, (layer, (g, h), places) in enumerate(zip(self.model.masked, self.curvature(), self.places())):
            live.append(np.zeros(g.shape, bool))
            live[-1][places] = True
            for values, of_layer in (W, layer.params["W"]), (velocity, self.optimizer.state[2 * k, "W"][0]):
                values.append(np.zeros_like(g))
                values[-1][places] = of_layer
            promise = np.divide(g * g, h, out=np.zeros_like(g), where=h > 0)
            promise[live[-1]] = -np.inf
            best = promise.argmax(axis=0), np.arange(g.shape[1])  # of those into each unit
            gain.append(np.full_like(g, -np.inf))
            gain[-1][best] = promise[best]
            cost.append(np.where(live[-1], W[-1] ** 2 * h, np.inf))

        cost, gain, is_live = (np.concatenate([a.ravel() for a in arrays]) for arrays in (cost, gain, live))
        count = round(self.settings.rewire_share * (1 - r) * np.count_nonzero(is_live))
        leave = np.argsort(cost, kind="stable")[:count]
        come = np.argsort(-gain, kind="stable")[:count]
        good = gain[come] > cost[leave]
        is_live[leave[good]], is_live[come[good]] = False, True

        connections, start = [], 0
        for weights, rows, cols, n_in in zip(W, self.sources(), self.units[1:], self.sizes):
            row, col = np.nonzero(is_live[start : start + weights.size].reshape(weights.shape))
            start += weights.size
            connections.append((np.append(rows, n_in)[row], cols[col], weights[row, col]))
        read = np.setdiff1d(connections[0][0], self.sizes[0])
        self.connect(connections, [read, *self.units[1:]])
        self.optimizer = SGD(self.settings.lr, self.settings.momentum)
        for k, (values, places) in enumerate(zip(velocity, self.places())):  # the survivors keep theirs
            self.optimizer.state[2 * k, "W"] = [values[places]]

    def sources(self):
        """The inputs of each layer that a new connection could start from: all pixels, and the units that are alive."""
        return [np.arange(self.sizes[0]), *self.units[1:-1]]

    def places(self):
        """For each layer, (rows, cols) of its connections in the matrix of its sources (and bias) and live outputs."""
        for layer, rows, cols, n_in, n_out in zip(
            self.model.masked, self.sources(), self.units[1:], self.sizes, self.sizes[1:]
        ):
            row, col = np.divmod(layer.index.astype(np.int64), n_out)
            yield np.searchsorted(np.append(rows, n_in), row), np.searchsorted(cols, col)

    def curvature(self):
        """Gradient g and curvature h of every connection that could be, over the whole training split.

        h is the mean of the squared gradients of single samples, the empirical Fisher information. Of each layer two
        arrays (sources + 1, live outputs) float32; the last row is the bias.
        """
        if self.all_inputs is None:
            self.all_inputs = self.inputs(np.arange(self.sizes[0]), True, self.moves_in("rewire", 0))
        n, model = len(self.dataset.train_x), self.model
        sums = [[np.zeros((len(a) + 1, len(b)), f32) for _ in "gh"] for a, b in zip(self.sources(), self.units[1:])]
        model.sample(self.step, 0.0)
        for samples in np.array_split(np.arange(n), math.ceil(n / BLOCK)):
            x = self.all_inputs.batch(samples, self.step)
            dy = self.loss(model.forward(x.T[self.units[0]].T), self.dataset.train_y[samples])[1]
            dy *= len(samples)  # of the samples, not of their mean
            for layer in reversed(model.layers):
                if isinstance(layer, MaskedEdges):
                    first = layer is model.masked[0]
                    a, (g, h) = x if first else layer.x, sums[model.masked.index(layer)]
                    g[:-1] += a.T @ dy
                    g[-1] += dy.sum(axis=0)
                    h[:-1] += (a * a).T @ (dy * dy)
                    h[-1] += (dy * dy).sum(axis=0)
                dy = layer.backward(dy)
        return [(g / n, h / n) for g, h in sums]

    def freeze(self):
        """Fix the wiring: the largest set of best gates that, trimmed, fits the budget. Then only weights move."""
        self.from_network(self.to_network(self.threshold(self.budget)).trim())

    def threshold(self, budget):
        """The logit above which the most connections are that, trimmed, are at most `budget`."""
        logits = np.concatenate([self.logits(layer).ravel() for layer in self.model.masked])
        logits = np.sort(logits[logits > -np.inf])[::-1]

        def fit(best):  # do the `best` highest?
            lowest = logits[best] if best < len(logits) else -np.inf
            return self.to_network(lowest).trim().count() <= budget

        fits, step = min(int(budget), len(logits)), 1  # so many fit untrimmed
        while fits < len(logits) and fit(min(fits + step, len(logits))):
            fits, step = min(fits + step, len(logits)), 2 * step
        too_many = min(fits + step, len(logits) + 1)
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            fits, too_many = (middle, too_many) if fit(middle) else (fits, middle)
        return logits[fits] if fits < len(logits) else -np.inf

    # --- between layers that learn and networks that are done ---

    def logits(self, layer):
        """What decides which connections of a layer stay: the higher, the better, and open above 0."""
        return layer.params["gate"]

    def weights(self, layer):
        """What a connection of a layer weighs once its gate is fixed."""
        return layer.params["W"]

    def to_network(self, threshold):
        """The SparseNetwork of the connections whose gate is above `threshold`, not yet trimmed."""
        layers = []
        for layer, n_in, n_out in zip(self.model.masked, self.sizes, self.sizes[1:]):
            keep = self.logits(layer) > threshold
            row, col = np.divmod(layer.index[keep].astype(np.int32), np.int32(n_out))
            W, bias = self.weights(layer)[keep], np.zeros(n_out, np.float32)
            is_bias = row == n_in
            bias[col[is_bias]] = W[is_bias]
            order = np.lexsort((row[~is_bias], col[~is_bias]))
            row, col, W = (a[~is_bias][order] for a in (row, col, W))
            layers.append(SparseLayer((n_in, n_out), row, col, W, bias))
        return SparseNetwork(layers, self.meta())

    def meta(self):
        d = self.dataset
        return Meta(self.settings.activation, d.task, d.divisor, d.mean, d.std, d.class_names, d.input_shape, d.name)

    def from_network(self, network):
        """Go on with the connections of `network`, which must be trimmed, alone; their gates are open for good."""
        connections = []
        for layer in network.layers:
            biases = np.flatnonzero(layer.bias)
            row, col = np.append(layer.row, np.full_like(biases, layer.n_in)), np.append(layer.col, biases)
            connections.append((row, col, np.append(layer.weight, layer.bias[biases])))
        self.connect(connections, [*network.used_inputs(), np.arange(self.sizes[-1])])

    def connect(self, connections, units):
        """Go on with these connections alone, of each layer (row, col, W): a row of n_in is the bias."""
        layers = []
        for k, ((row, col, W), n_out) in enumerate(zip(connections, self.sizes[1:])):
            order = np.lexsort((row, col))
            index = (row * n_out + col)[order].astype(np.uint32)
            layers.append(self.edge_layer(k, W[order], np.full_like(W, np.inf), index, units))
        self.assemble(layers, units)

    def dense_layer(self, k, W, gate, index=None):
        return self.dense_class(W, gate, index, **self.layer_options(k))

    def edge_layer(self, k, W, gate, index, units):
        shape = (self.sizes[k] + 1, self.sizes[k + 1])
        return self.edge_class(W, gate, index, shape, units[k], units[k + 1], **self.layer_options(k))

    def layer_options(self, k):
        return {"seed": self.seed, "layer": k, "tau": self.settings.tau, "needs_dx": k > 0}

    def assemble(self, layers, units):
        """Make `layers` the model, with activations between them; units[k] are the inputs of layer k in use."""
        stack = []
        for layer in layers:
            stack += [layer, ACTIVATION_LAYERS[self.settings.activation]()]
        self.model = Sequential(stack[:-1])
        self.units = units
        feature_major = isinstance(layers[0], MaskedEdges)
        if self.train_inputs is None or not self.train_inputs.are(units[0], feature_major):
            self.train_inputs = self.inputs(units[0], feature_major)
            self.val_inputs = Inputs(self.dataset.val_x, units[0], self.dataset, feature_major)
            if self.moves:
                self.moved_inputs = self.inputs(units[0], feature_major, moved=True)

    def inputs(self, columns, feature_major, moved=False):
        """These columns of the training split, of moved images if so told."""
        d, reach = self.dataset, self.settings.shift
        if moved:
            return ShiftedInputs(d.train_x, columns, d, feature_major, reach, self.seed)
        return Inputs(d.train_x, columns, d, feature_major)

    # --- stopping and going on ---

    def state(self):
        """Everything the next step depends on, between two steps or two epochs, copied: {name: number or array}.

        For each layer k: layerk_W, _gate and _index, matrices or, of a list of connections, (k,); the momentum
        layerk_velocity_W and _gate once there is any; unitsk. Of the best network so far, if any: network_score,
        and networkk_row, _col, _weight, _bias.
        """
        state = {name: getattr(self, name) for name in NUMBERS}
        for k, layer in enumerate(self.model.masked):
            state |= {f"layer{k}_W": layer.params["W"].copy(), f"layer{k}_gate": layer.params["gate"].copy()}
            state[f"layer{k}_index"] = layer.index.copy()
        for (k, name), (velocity,) in self.optimizer.state.items():
            state[f"layer{k // 2}_velocity_{name}"] = velocity.copy()
        state |= {f"units{k}": units.copy() for k, units in enumerate(self.units)}
        if self.network is not None:
            state["network_score"] = self.network_score
            for k, layer in enumerate(self.network.layers):
                state |= {f"network{k}_{name}": getattr(layer, name).copy() for name in SPARSE_ARRAYS}
        return state

    def restore(self, state):
        """Stand where `state()` was taken. `state` must come from a Pruner of the same arguments: it is not checked."""
        for name, kind in NUMBERS.items():
            setattr(self, name, kind(state[name]))
        units = [state[f"units{k}"].copy() for k in range(len(self.sizes))]
        self.optimizer = SGD(self.settings.lr, self.settings.momentum)
        layers = []
        for k in range(len(self.sizes) - 1):
            W, gate, index = (state[f"layer{k}_{name}"].copy() for name in ("W", "gate", "index"))
            if W.ndim == 1:
                layers.append(self.edge_layer(k, W, gate, index, units))
            else:
                layers.append(self.dense_layer(k, W, gate, index))
            for name in layers[-1].params:
                if (velocity := state.get(f"layer{k}_velocity_{name}")) is not None:
                    self.optimizer.state[2 * k, name] = [velocity.copy()]
        self.assemble(layers, units)
        self.network = None
        if "network_score" in state:
            shapes = zip(self.sizes, self.sizes[1:])
            best = [SparseLayer(shape, *(state[f"network{k}_{name}"].copy() for name in SPARSE_ARRAYS))
                    for k, shape in enumerate(shapes)]  # fmt: skip
            self.network, self.network_score = SparseNetwork(best, self.meta()), float(state["network_score"])

    # --- what can be said of it ---

    def count_open(self):
        """Gates that are open without noise."""
        return sum(int(np.count_nonzero(self.logits(layer) > 0)) for layer in self.model.masked)

    def gate_histogram(self, bins=20):
        """How many gates have P(open) = sigmoid(gate) in each of `bins` equal intervals; retired ones at 0."""
        p = np.concatenate([sigmoid(self.logits(layer).ravel()) for layer in self.model.masked])
        counts = np.histogram(p, bins, (0, 1))[0]
        counts[0] += self.total - p.size
        return counts

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

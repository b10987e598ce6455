"""What the method is compared with: seven other ways to choose which parameters stay.

Each is a `prune.Pruner` that differs in one decision, so that everything else is the same lines: the layers, the data,
the order of batches, the number of epochs, trimming, fine-tuning, and the count of what is kept. A connection that a
baseline removes is closed like a retired one, with a gate of -inf; one that it keeps is open, with a gate of inf. The
hyperparameters were chosen on the validation split. Lesson 05 builds magnitude pruning; read `prune.py` first.
"""

import math
from dataclasses import replace

import numpy as np

from tinygsp import gates, kernels
from tinygsp.layers import MaskedDense, MaskedEdges, flat, product
from tinygsp.prune import Pruner

f32 = np.float32


def without_rewiring(settings):
    """The same settings, all epochs for the search: each method chooses by its own rule, in as many steps."""
    return replace(settings, search_share=1.0)


class Baseline(Pruner):
    """A Pruner without noise and without a price: gates are open until a rule closes them for good."""

    def __init__(self, dataset, settings, seed=0):
        super().__init__(dataset, without_rewiring(settings), seed)

    def noise(self, r):
        return 0.0

    def steer_price(self, r):
        return 0.0

    def build(self, gate, weights):
        super().build(np.inf, weights)

    def start(self, phase, attempt):
        if self.step == 0:  # whatever comes first, it needs a network
            self.build(np.inf, self.fresh_weights(attempt))
        super().start(phase, attempt)

    def rank(self, scores):
        """Make scores, one array for each layer, the gates: `threshold` and `freeze` keep the highest."""
        for layer, values in zip(self.model.masked, scores):
            layer.params["gate"][:] = np.where(layer.params["gate"] > -np.inf, values, -np.inf)

    def magnitudes(self):
        """LAMP scores, one array for each layer (Lee et al. 2021, eq. 4): w^2 / (sum of all squares not below w^2).

        They rank as magnitude does within a layer, and between layers by what removing a weight costs the layer.
        """
        for layer in self.model.masked:
            square = np.where(layer.params["gate"] > -np.inf, layer.params["W"].astype(np.float64) ** 2, 0).ravel()
            order = np.argsort(-square, kind="stable")
            scores = np.empty_like(square)
            scores[order] = square[order] / np.maximum(np.cumsum(square[order]), 1e-300)
            yield scores.reshape(layer.params["W"].shape)


# --- one cut ------------------------------------------------------------------------------------------------


class OneShot(Baseline):
    """A dense network, one cut, and all the epochs that are left for the survivors."""

    def __init__(self, dataset, settings, seed=0):
        super().__init__(dataset, settings, seed)
        self.phases = [("dense", settings.dense_epochs), ("finetune", settings.epochs + settings.finetune_epochs)]

    def freeze(self):
        self.rank(list(self.scores()))
        super().freeze()


class Magnitude(OneShot):
    """Keep the largest weights of the trained dense network (Han et al. 2015)."""

    method = "magnitude"

    def scores(self):
        return self.magnitudes()


class Random(OneShot):
    """Keep a random wiring of fresh weights, each layer in proportion to (n_in + n_out) / (n_in n_out).

    The Erdos-Renyi densities of Mocanu et al. 2018: without them the small last layer would lose nearly all it has.
    The k highest of log(rate) + Gumbel noise are a draw without replacement at these rates (Kool et al. 2019). Fresh
    biases are 0, so none is kept.
    """

    method = "random"

    def scores(self):
        self.build(np.inf, self.fresh_weights(0))
        rng = np.random.default_rng((self.seed, 1))
        for layer in self.model.masked:
            n_in, n_out = layer.params["W"].shape
            yield np.exp(0.1 * (math.log((n_in + n_out) / (n_in * n_out)) + rng.gumbel(size=(n_in, n_out))))  # above 0


class Snip(OneShot):
    """Keep the fresh weights whose removal would change the loss most: |W dL/dW| (Lee, Ajanthan, Torr 2019, eq. 6).

    Fresh biases are 0, and so are their scores: none is kept.
    """

    method = "snip"
    samples = 5_000  # the paper takes one batch

    def scores(self):
        self.build(np.inf, self.fresh_weights(0))
        samples = np.arange(min(self.samples, len(self.dataset.train_x)))
        self.model.sample(self.step, 0.0)
        loss, dy = self.loss(self.model.forward(self.train_inputs.batch(samples)), self.dataset.train_y[samples])
        self.model.backward(dy)
        for layer in self.model.masked:
            yield np.abs(layer.params["W"] * layer.grads["W"])


# --- many cuts ----------------------------------------------------------------------------------------------


class Gradual(Baseline):
    """Magnitude pruning a little every epoch, on a cubic schedule (Zhu and Gupta 2017, eq. 1), then fine-tuning."""

    method = "gradual"

    def target(self, r):
        """How many parameters are left: total at r = 0, the budget from r = budget_at on."""
        q = min(1.0, r / self.settings.budget_at)
        return self.budget + (self.total - self.budget) * (1 - q) ** 3

    def close_gates(self, r):
        self.cut(self.target(r))

    def cut(self, count):
        """Close for good all but the `count` largest weights, counted after trimming."""
        self.rank(list(self.magnitudes()))
        self.close_below(np.nextafter(f32(self.threshold(count)), f32(np.inf)))
        self.rank([np.inf] * len(self.model.masked))

    def freeze(self):
        self.rank(list(self.magnitudes()))
        super().freeze()


class Lottery(Gradual):
    """Iterative magnitude pruning with rewinding: the lottery ticket (Frankle and Carbin 2019).

    Rounds of equal length: the first goes on with the dense network, the others start from the weights that it began
    with. After each the smallest fifth goes. The last round is the fine-tuning.
    """

    method = "lottery"
    share = 0.8  # kept in a round

    def __init__(self, dataset, settings, seed=0):
        super().__init__(dataset, settings, seed)
        rounds = math.ceil(math.log(self.budget / self.total) / math.log(self.share))
        self.rounds = max(1, min(rounds, settings.epochs))

    def ended(self, epochs):
        """Rounds that are over after so many epochs of the search."""
        return epochs * self.rounds // self.settings.epochs

    def rates(self, phase, r):
        """In every round of the search as in the dense phase: from lr to 0."""
        if phase != "search":
            return super().rates(phase, r)
        epochs = self.settings.epochs
        done = self.ended(math.floor(r * epochs + 1e-9))
        first, after = (-(-k * epochs // self.rounds) for k in (done, done + 1))  # epochs of this round
        return super().rates("dense", (r * epochs - first) / (after - first))

    def close_gates(self, r):
        epochs = self.place()[2] + 1  # of the search, this one included
        done = self.ended(epochs)
        if done == self.rounds:
            self.cut(self.budget)  # `freeze` rewinds, when it has ranked what was trained
        elif done > self.ended(epochs - 1):
            self.cut(self.total * (self.budget / self.total) ** (done / self.rounds))
            self.rewind()

    def freeze(self):
        super().freeze()
        self.rewind()

    def rewind(self):
        """Give every weight the value it began with; the momentum starts at nothing."""
        for layer, W in zip(self.model.masked, self.fresh_weights(self.place()[3])):
            layer.params["W"][:] = W.ravel()[layer.index]
        self.optimizer.state.clear()


# --- learned gates of another kind --------------------------------------------------------------------------

STRETCH_LOW, STRETCH_HIGH, BETA = -0.1, 1.1, 2 / 3  # the hard concrete distribution of Louizos et al. 2018
ALWAYS_CLOSED = math.log(-STRETCH_HIGH / STRETCH_LOW)  # at minus this log alpha the gate without noise leaves 0


def hard_concrete(gate, noise, tau):
    """A gate in [0, 1] that is often exactly 0 or 1 (Louizos et al. 2018, eq. 10 and 11).

        soft = sigmoid((gate - log 11 + noise) / tau),   mask = min(1, max(0, -0.1 + 1.2 * soft))

    gate, noise : (...)      log alpha + log 11, so that without noise, at tau = 1, it is open above 0
    tau         : float > 0

    Returns (mask, slope = dmask/dgate), both (...).
    """
    soft = gates.sigmoid((gate - ALWAYS_CLOSED + noise) / tau)
    stretched = STRETCH_LOW + (STRETCH_HIGH - STRETCH_LOW) * soft
    mask = np.clip(stretched, 0, 1)
    return mask, (mask == stretched) * (STRETCH_HIGH - STRETCH_LOW) * soft * (1 - soft) / tau


class HardConcrete:
    """What changes in a masked layer: the mask is a hard concrete sample, and the gradient is that of the sample."""

    def sample(self, step, noise=1.0):
        keys = gates.noise_keys(self.seed, step, self.layer)
        tau = BETA if noise else 1.0
        W, gate = self.params["W"], self.params["gate"]
        if W.dtype == f32:
            numbers = (noise, 1 / tau, ALWAYS_CLOSED, STRETCH_LOW, STRETCH_HIGH)
            numbers = [f32(number) for number in numbers]
            self.open_gates = kernels.sample_hard_concrete(*self.flat_params, *keys, *numbers, *self.flat_sample)
            return
        self.open_gates = np.count_nonzero(gate > 0)
        u = gates.hash_uniform(self.index, *keys).astype(W.dtype)
        self.mask[:], self.slope[:] = hard_concrete(gate, noise * gates.logistic_noise(u), tau)
        self.Wm[:] = self.mask * W

    def penalty(self, price):
        """Charge `price` for every gate expected not to be 0: P = sigmoid(log alpha + beta log 11) (eq. 12)."""
        self.grads["gate"] += gates.price_grad(self.params["gate"] - f32(ALWAYS_CLOSED * (1 - BETA)), f32(price))


class HardConcreteDense(HardConcrete, MaskedDense):
    """MaskedDense with hard concrete gates."""


class HardConcreteEdges(HardConcrete, MaskedEdges):
    """MaskedEdges with hard concrete gates."""


class L0(Pruner):
    """L0 regularisation with hard concrete gates (Louizos, Welling, Kingma 2018), a gate for each weight.

    From fresh weights. The price is steered to the budget as the method's own; the noise never fades.
    """

    method = "l0"
    dense_class, edge_class = HardConcreteDense, HardConcreteEdges
    start_gate = 3.0
    retire_gate = -3.0
    gate_lr = 3.0  # at every budget

    def __init__(self, dataset, settings, seed=0):
        settings = replace(without_rewiring(settings), gate_lr=self.gate_lr)
        super().__init__(dataset, replace(settings, steer="open"), seed)  # its noise stays: drawn are always more

    def noise(self, r):
        return 1.0

    def first_weights(self, attempt):
        return self.fresh_weights(attempt)

    def build(self, gate, weights):
        super().build(gate if gate == np.inf else self.start_gate, weights)

    def close_gates(self, r):
        self.close_below(self.retire_gate)

    def weights(self, layer):
        return layer.params["W"] * hard_concrete(layer.params["gate"], 0.0, 1.0)[0].astype(f32)


K1, K2, K3 = 0.63576, 1.87320, 1.48695  # of the divergence, Molchanov et al. 2017, eq. 14


def variational(W, gate, limit):
    """What decides about a normal weight of mean W and variance exp(-gate) (Molchanov et al. 2017).

    W, gate : (...)  a gate of -inf is a weight that is gone, one of inf a number without variance
    limit   : float  largest log alpha, with alpha = variance / W^2, of a weight that counts

    Returns (logit, variance), both (...): limit - log alpha, or the gate where it is infinite.
    """
    finite = np.isfinite(gate)
    safe = np.where(finite, gate, 0)
    log_alpha = -safe - np.log(W * W + 1e-20)
    return np.where(finite, limit - log_alpha, gate).astype(W.dtype), np.where(finite, np.exp(-safe), 0).astype(W.dtype)


def variational_grads(W, gate, dvariance, price):
    """Gradients of the loss plus price * KL, the divergence from the log-uniform prior (eq. 14), by each weight.

        KL = k1 - k1 sigmoid(k2 + k3 log alpha) + 0.5 log(1 + 1 / alpha)
        -dKL / dlog alpha = k1 k3 s (1 - s) + 0.5 sigmoid(-log alpha),   s = sigmoid(k2 + k3 log alpha)

    W, gate, dvariance : (...)  mean, -log(variance) and dL/dvariance; price : float

    Returns (what KL adds to dW, dgate), both (...); 0 where the gate is infinite.
    """
    finite = np.isfinite(gate)
    safe = np.where(finite, gate, 0)
    log_alpha = -safe - np.log(W * W + 1e-20)
    s = gates.sigmoid(K2 + K3 * log_alpha)
    h = K1 * K3 * s * (1 - s) + 0.5 * gates.sigmoid(-log_alpha)
    dgate = price * h - dvariance * np.exp(-safe)
    return np.where(finite, 2 * price * h * W / (W * W + 1e-20), 0), np.where(finite, dgate, 0)


class VariationalDense(MaskedDense):
    """A dense layer whose weights are normal variables of mean W and variance exp(-gate).

        y = x @ W + sqrt(x^2 @ variance) * noise      (the local reparametrisation of Kingma et al. 2015)

    Without noise y = x @ (mask * W), where the mask leaves out the weights of log alpha above `limit`.
    """

    limit = 3.0

    def __init__(self, W, gate, index=None, *, n_units=None, **options):
        super().__init__(W, gate, index, **options)
        self.n_units = n_units or W.shape[1]  # before any were retired

    def sample(self, step, noise=1.0):
        W, gate = self.flat_params[:2]
        Wm, mask, variance = self.flat_sample
        if W.dtype == f32:
            self.open_gates = kernels.sample_variational(W, gate, f32(self.limit), Wm, mask, variance)
        else:
            logit, variance[:] = variational(W, gate, self.limit)
            mask[:] = logit > 0
            Wm[:] = mask * W
            self.open_gates = np.count_nonzero(mask)
        if noise:
            np.multiply(W, gate > -np.inf, out=Wm)
        self.noisy = bool(noise)
        self.key = self.seed, step, self.layer

    def forward(self, x):
        y = super().forward(x)
        if self.noisy:
            self.x2 = x * x
            variance = product(self.x2, self.slope[:-1]) + self.slope[-1]  # of y: (n, n_out)
            units = self.index[0] % self.n_units  # noise for all there ever were, so that each keeps its own
            eps = np.random.default_rng(self.key).standard_normal((self.n_units, len(y)), y.dtype)[units].T
            scale = np.sqrt(variance + y.dtype.type(1e-12))
            y += scale * eps
            self.half = eps / (2 * scale)  # dy/dvariance
        return y

    def backward(self, dy):
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

    def penalty(self, price):
        """Turns dL/dvariance into dgate, and charges `price` for the information in every weight."""
        dW, dgate = flat(self.grads["W"]), self.flat_dgate
        W, gate = self.flat_params[:2]
        if W.dtype == f32:
            kernels.variational_grads(W, gate, self.flat_sample[2], f32(price), dW, dgate)
        else:
            more, dgate[:] = variational_grads(W, gate, dgate.copy(), price)
            dW += more


class SparseVD(Pruner):
    """Sparse variational dropout (Molchanov, Ashukha, Vetrov 2017), from fresh weights, with the same controller."""

    method = "vd"
    dense_class = VariationalDense
    start_gate = 8.0  # -log(variance)
    retire_logit = -2.0  # log alpha of 5
    gate_lr = 3.0  # at every budget

    def __init__(self, dataset, settings, seed=0):
        settings = replace(without_rewiring(settings), gate_lr=self.gate_lr)
        super().__init__(dataset, replace(settings, edges_below=0.0), seed)  # it has no lists of connections

    def dense_layer(self, k, W, gate, index=None):
        return self.dense_class(W, gate, index, n_units=self.sizes[k + 1], **self.layer_options(k))

    def noise(self, r):
        return 1.0

    def first_weights(self, attempt):
        return self.fresh_weights(attempt)

    def build(self, gate, weights):
        super().build(gate if gate == np.inf else self.start_gate, weights)

    def close_gates(self, r):
        self.close_below(self.retire_logit)

    def logits(self, layer):
        return variational(layer.params["W"], layer.params["gate"], VariationalDense.limit)[0]


METHODS = {kind.method: kind for kind in (Pruner, Random, Magnitude, Gradual, Lottery, Snip, L0, SparseVD)}

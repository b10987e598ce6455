"""Bring a Trainer to where a test begins, and say what its network is.

The dense network numbers its connections; functions here that return one array over all of them put every value at
its connection's number, and 0 where a connection is gone.
"""

import numpy as np

from helpers.nets import arrays
from helpers.problems import SMALL, images
from tinygsp import methods
from tinygsp.sparse import SparseLayer, SparseNetwork
from tinygsp.training import Trainer

f32 = np.float32

# --- trainers that have come some way ---


def trainer_of(method=methods.DEFAULT, settings=SMALL, seed=0, dataset=None):
    """A new Trainer of a method, given by name or as a Method; without a data set, of `images`."""
    method = methods.find(method) if isinstance(method, str) else method
    return Trainer(dataset or images(), settings, method, seed)


def finished(method=methods.DEFAULT, settings=SMALL, seed=0, dataset=None):
    """(Trainer at the end of its run, records of all epochs)."""
    trainer = trainer_of(method, settings, seed, dataset)
    return trainer, list(trainer.run())


def at_epoch(epoch, method=methods.DEFAULT, settings=SMALL, seed=0, dataset=None):
    """A Trainer that has done so many epochs."""
    trainer = trainer_of(method, settings, seed, dataset)
    while trainer.epoch < epoch:
        trainer.train_epoch()
    return trainer


def trained(method=methods.DEFAULT, settings=SMALL, seed=0, dataset=None):
    """A Trainer at the end of its dense phase."""
    return at_epoch(settings.dense_epochs, method, settings, seed, dataset)


def phase_named(trainer, name, attempt=0):
    """The phase of this name that belongs to the given attempt."""
    return [phase for phase in trainer.phases if phase.name == name][attempt]


def begin(trainer, name, attempt=0):
    """Set the network up for a phase, wherever the trainer is; returns the phase."""
    phase = phase_named(trainer, name, attempt)
    trainer.begin(phase)
    return phase


def comparable(records):
    """Records with lists in place of arrays, so that == compares them."""
    return [{name: value.tolist() if name == "histogram" else value for name, value in r.items()} for r in records]


# --- what the network is ---


def kinds(trainer):
    """The classes of the layers."""
    return [type(layer) for layer in trainer.net.layers]


def weights(trainer):
    """Copies of the weights of every layer."""
    return [layer.params["W"].copy() for layer in trainer.net.layers]


def spread(trainer, function):
    """`function(layer)`, shaped like the layer's W, of all layers: one array over all connections."""
    whole = []
    for layer, n_in, n_out in zip(trainer.net.layers, trainer.net.sizes, trainer.net.sizes[1:], strict=False):
        values = np.zeros((n_in + 1) * n_out)
        values[layer.index.ravel()] = function(layer).ravel()
        whole.append(values)
    return np.concatenate(whole)


def live(trainer):
    """Which connections are not closed for good."""
    return spread(trainer, lambda layer: layer.params["gate"] > -np.inf) > 0


def open_weights(trainer):
    """The weights whose gates are open without noise."""
    return spread(trainer, lambda layer: layer.params["W"] * (layer.params["gate"] > 0))


def biases(trainer):
    """Which connections are biases. Trimming may add a constant to one, or open it."""
    sizes = trainer.net.sizes
    rows = [np.arange(n_in + 1).repeat(n_out) == n_in for n_in, n_out in zip(sizes, sizes[1:], strict=False)]
    return np.concatenate(rows)


def is_fresh(trainer, attempt=0):
    """Whether every weight is the one that its connection began the attempt with."""
    fresh = trainer.net.fresh_weights(attempt)
    pairs = zip(trainer.net.layers, fresh, strict=True)
    return all(np.array_equal(layer.params["W"], W.ravel()[layer.index]) for layer, W in pairs)


def scores(trainer):
    """The outputs of the network on the validation split, without noise."""
    trainer.net.model.sample(0, 0.0)
    return trainer.net.model.forward(trainer.feed.validation(trainer.net))


def above(trainer, lowest):
    """The SparseNetwork of the connections whose logit is above `lowest`, not trimmed."""
    return trainer.net.to_network([layer.logits() > lowest for layer in trainer.net.layers])


def whole_matrices(trainer):
    """(W, live) of each layer, as large as in the dense network; 0 where a connection is gone."""
    for layer in trainer.net.layers:
        W, alive = np.zeros(layer.shape), np.zeros(layer.shape, bool)
        W.flat[layer.index.ravel()] = layer.params["W"].ravel()
        alive.flat[layer.index.ravel()] = layer.params["gate"].ravel() > -np.inf
        yield W, alive


def whole_logits(trainer):
    """The logits of each layer, as large as in the dense network; -inf where a connection is gone."""
    for layer in trainer.net.layers:
        logits = np.full(layer.shape, -np.inf)
        logits.flat[layer.index.ravel()] = layer.logits().ravel()
        yield logits


def same(a, b):
    """Whether two SparseNetworks have equal arrays."""
    return all(np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True))


# --- what it should be, computed the slow way ---


def network_of(matrices, keep, meta):
    """The trimmed network of the kept weights of whole matrices (n_in + 1, n_out), the last row being the biases."""
    layers = []
    for W, kept in zip(matrices, keep, strict=True):
        W = (W * kept).astype(f32)
        col, row = np.nonzero(kept[:-1].T)
        shape = len(W) - 1, W.shape[1]
        layers.append(SparseLayer(shape, row.astype(np.int32), col.astype(np.int32), W[row, col], W[-1]))
    return SparseNetwork(layers, meta).trim()


def largest_fit(matrices, ranking, budget, meta):
    """The network of the most weights, taken from the top of the ranking, that trimmed has at most `budget`."""
    flat = np.concatenate([values.ravel() for values in ranking])
    for lowest in [-np.inf, *np.unique(flat)]:
        network = network_of(matrices, [values > lowest for values in ranking], meta)
        if network.count() <= budget:
            return network


def lamp_by_hand(W, alive):
    """The square of each weight by the sum of all that are not smaller (LAMP); -inf where a weight is gone."""
    squares = W.astype(np.float64) ** 2
    score = np.full(W.shape, -np.inf)
    for cell in zip(*np.nonzero(alive), strict=True):
        score[cell] = squares[cell] / sum(q for q in squares[alive] if q >= squares[cell])
    return score


def cuts(trainer):
    """Run until fine-tuning is next, and report every cut on the way.

    Returns for each cut (count asked for, whole matrices before it, trimmed network after it, whole matrices after).
    """
    seen = []
    while trainer.epoch < trainer.total_epochs and (phase := trainer.position()[0]).name != "finetune":
        if hasattr(phase, "cut"):
            phase.cut = reporting(type(phase).cut, phase, seen)
        trainer.train_epoch()
    return seen


def reporting(cut, phase, seen):
    """The method `cut` of a phase, which also adds to `seen` what `cuts` reports."""

    def reported(trainer, count):
        before = list(whole_matrices(trainer))
        cut(phase, trainer, count)
        seen.append((count, before, above(trainer, 0).trim(), list(whole_matrices(trainer))))

    return reported

"""The network in training: where its weights come from, the way to a SparseNetwork and back, and its state."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import EAGER, SMALL, TOTAL, images
from helpers.runs import equal_states
from helpers.trainers import above, at_epoch, begin, kinds, live, same, scores, trainer_of, weights

from tinygsp import methods
from tinygsp.data import from_arrays
from tinygsp.nn.gates import sigmoid
from tinygsp.nn.layers import MaskedDense, MaskedEdges, ReLU, SiLU
from tinygsp.training import Net, Trainer, make_plan
from tinygsp.training.net import add_decay
from tinygsp.training.trainer import make_meta


def searching(settings=SMALL, epochs=0):
    """A Trainer without a dense phase, some epochs into its search."""
    trainer = at_epoch(epochs, settings=replace(settings, dense_epochs=0))
    if not epochs:
        begin(trainer, "search")
    return trainer


def new_net(seed=0, **changes):
    """A Net alone."""
    settings = replace(SMALL, **changes)
    return Net(make_plan(images(), settings), make_meta(images(), settings.activation), seed)


# --- where it comes from ------------------------------------------------------------------------------------


def test_fresh_weights_depend_on_seed_and_attempt_alone():
    net = new_net(seed=3)
    first, again = net.fresh_weights(1), new_net(seed=3, density=0.5, activation="relu").fresh_weights(1)
    assert [W.shape for W in first] == [(37, 12), (13, 8), (9, 3)]
    assert all(np.array_equal(a, b) and a.dtype == np.float32 for a, b in zip(first, again, strict=True))
    for other in (net.fresh_weights(0), new_net(seed=4).fresh_weights(1)):
        assert not any(np.array_equal(a, b) for a, b in zip(first, other))
    assert not any(W[-1].any() for W in first)
    assert abs(first[0][:-1].std() - np.sqrt(2 / 36)) < 0.03


@pytest.mark.parametrize("activation, kind", [("silu", SiLU), ("relu", ReLU)])
def test_a_new_net_is_dense_and_open(activation, kind):
    net = new_net(activation=activation)
    assert [type(layer) for layer in net.model.layers] == [MaskedDense, kind, MaskedDense, kind, MaskedDense]
    assert net.layers == net.model.masked and net.count_open() == TOTAL
    assert [len(units) for units in net.units] == [36, 12, 8, 3] and not net.optimizer.state
    assert [layer.needs_dx for layer in net.layers] == [False, True, True]
    assert [(layer.seed, layer.layer) for layer in net.layers] == [(0, 0), (0, 1), (0, 2)]


def test_build_begins_again():
    net, ones = new_net(), [np.full(shape, 0.5, np.float32) for shape in ((37, 12), (13, 8), (9, 3))]
    net.build(0.25, ones)
    assert all(np.array_equal(layer.params["W"], W) for layer, W in zip(net.layers, ones, strict=True))
    assert all(np.all(layer.params["gate"] == 0.25) for layer in net.layers)


def test_decay_pulls_at_open_weights_and_at_no_bias():
    net = new_net()
    for layer in net.layers:
        layer.params["gate"].flat[:] = np.resize([-1.5, -0.5, 0, 0.5], layer.params["gate"].size)
        layer.params["W"][-1] = 3
        layer.grads["W"][:] = 1
    add_decay(net, 0.0)
    assert all((layer.grads["W"] == 1).all() for layer in net.layers)
    add_decay(net, 0.5)
    for layer in net.layers:
        expected = 1 + 0.5 * layer.params["W"] * (layer.params["gate"] > 0)
        expected[-1] = 1
        assert np.array_equal(layer.grads["W"], expected)


def test_a_method_brings_layers_of_its_own():
    class Matrix(MaskedDense):
        pass

    class List(MaskedEdges):
        pass

    net = Net(make_plan(images(), SMALL), make_meta(images(), "silu"), 0, (Matrix, List))
    assert [type(layer) for layer in net.layers] == [Matrix] * 3
    net.from_network(net.open_network())
    assert [type(layer) for layer in net.layers] == [List] * 3


# --- to a finished network and back -------------------------------------------------------------------------


@pytest.mark.parametrize("lowest", [-np.inf, 0.0, 1.0])
@pytest.mark.parametrize("edges_below", [0.0, 1.0])
def test_networks_there_and_back(lowest, edges_below):
    trainer = searching(replace(EAGER, edges_below=edges_below), epochs=4)
    network = above(trainer, lowest).trim()
    trainer.net.from_network(network)
    assert network.count() > 10 and trainer.net.count_open() == network.count()
    assert np.allclose(scores(trainer), network.scores(trainer.dataset.val_x), rtol=1e-4, atol=1e-4)
    assert same(above(trainer, 0), network) and same(trainer.net.open_network(), network)
    assert all(np.all(layer.params["gate"] == np.inf) for layer in trainer.net.layers)


def test_to_network_is_the_model_without_noise():
    trainer = searching(EAGER, epochs=2)
    network = above(trainer, 0)
    assert np.allclose(network.scores(trainer.dataset.val_x), scores(trainer), rtol=1e-4, atol=1e-4)
    assert same(trainer.net.open_network(), network.trim()) and network.meta == trainer.net.meta


def test_no_momentum_goes_with_new_connections():
    trainer = searching(EAGER, epochs=2)
    assert trainer.net.optimizer.state
    trainer.net.from_network(trainer.net.open_network())
    assert not trainer.net.optimizer.state


# --- what can be said of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [1, 7, 20])
def test_gate_histogram(bins):
    trainer = searching(EAGER)
    counts = trainer.net.gate_histogram(bins)
    assert counts.tolist() == [TOTAL * (i == int(sigmoid(1.0) * bins)) for i in range(bins)]
    for _ in range(5):
        trainer.train_epoch()
        counts = trainer.net.gate_histogram(bins)
        assert counts.shape == (bins,) and counts.sum() == TOTAL and counts.min() >= 0
    assert counts[0] >= TOTAL - live(trainer).sum()


def test_count_open_is_without_noise():
    trainer = searching(EAGER, epochs=3)
    expected = sum(np.count_nonzero(layer.params["gate"] > 0) for layer in trainer.net.layers)
    trainer.net.model.sample(3, 1.0)
    assert trainer.net.count_open() == expected < TOTAL


# --- its state ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [1, 4])
def test_state_is_a_copy(epochs):
    """Of the network; what else is in the state of a Trainer is a number."""
    trainer = searching(EAGER, epochs)
    state = trainer.state()
    names = {f"layer{k}_{name}" for k in range(3) for name in ("W", "gate", "index", "velocity_W", "velocity_gate")}
    assert state.keys() == names | {f"units{k}" for k in range(4)} | {"epoch", "batch", "step", "total_loss", "price"}
    kept = {name: np.copy(value) for name, value in state.items()}
    for value in state.values():
        if isinstance(value, np.ndarray):
            value[:] = 1
    assert all(np.array_equal(value, kept[name]) for name, value in trainer.state().items())
    trainer.train_epoch()
    assert not np.array_equal(kept["layer0_W"], trainer.state()["layer0_W"])


def test_state_says_what_is_there():
    trainer = searching(EAGER, 4)
    state = trainer.state()
    assert (state["epoch"], state["step"], state["price"]) == (4, 4 * 19, trainer.position()[0].price)
    for k, layer in enumerate(trainer.net.layers):
        assert np.array_equal(state[f"layer{k}_gate"], layer.params["gate"])
        assert state[f"layer{k}_velocity_W"].shape == state[f"layer{k}_index"].shape == layer.params["W"].shape


@pytest.mark.parametrize("edges_below", [0.0, 1.0])
def test_the_network_alone_takes_its_state_back(edges_below):
    """Bit for bit: arrays, momentum, kinds of layers, and so all that a step makes of them."""
    trainer = searching(replace(EAGER, edges_below=edges_below), epochs=3)
    state, other = trainer.net.state(), trainer_of(settings=trainer.settings)
    other.net.restore(state)
    equal_states(other.net.state(), state)
    assert kinds(other) == kinds(trainer) and other.net.optimizer.state.keys() >= {(other.net.layers[0], "W")}
    assert np.array_equal(scores(other), scores(trainer))
    for array in state.values():
        array[...] = 0  # what was handed over is not what is used
    assert all(np.array_equal(a, b) for a, b in zip(weights(other), weights(trainer), strict=True))


def test_a_state_without_momentum_leaves_none():
    trainer = searching(EAGER, epochs=1)
    before = new_net().state()
    assert not any("velocity" in name for name in before)
    trainer.net.restore(before)
    assert not trainer.net.optimizer.state and trainer.net.count_open() == TOTAL


def with_a_constant_column():
    """A table whose column 1 is constant in the training split, though not elsewhere."""
    x = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    x[:70, 1] = 3
    return from_arrays(x[:70], (x[:70, 0] > 0).astype(int), validation=(x[70:], (x[70:, 0] > 0).astype(int)))


@pytest.mark.parametrize("method", methods.names())
def test_a_constant_column_is_never_read(method):
    settings = replace(SMALL, density=0.6, tries=2, shift=0)
    trainer = Trainer(with_a_constant_column(), settings, methods.find(method))
    assert trainer.net.units[0].tolist() == [0, 2, 3]
    while trainer.epoch < trainer.total_epochs:
        trainer.train_epoch()
        assert 1 not in trainer.net.units[0]
        again = Trainer(trainer.dataset, settings, methods.find(method))
        again.restore(trainer.state())
    assert 1 not in trainer.network.used_inputs()[0] and trainer.network.layers[0].n_in == 4


def test_the_weights_of_the_other_columns_are_those_of_a_net_with_all():
    dataset = with_a_constant_column()
    whole = replace(dataset, std=(1.0,) * 4)
    nets = [Trainer(d, replace(SMALL, density=0.6), methods.find(methods.DEFAULT)).net for d in (dataset, whole)]
    assert np.array_equal(nets[0].layers[0].params["W"], nets[1].layers[0].params["W"][[0, 2, 3, 4]])
    assert np.array_equal(nets[0].layers[0].index, nets[1].layers[0].index[[0, 2, 3, 4]])

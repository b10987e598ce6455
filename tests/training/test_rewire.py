"""Rewiring: gradients and curvatures of all candidates, which connections swap, and that it finds what matters."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import REWIRED, formula
from helpers.trainers import above, at_epoch, begin, largest_fit, same, trainer_of, whole_logits, whole_matrices

from tinygsp.nn.gates import sigmoid
from tinygsp.training import Inputs, MovedInputs, Rewire, rewire

f32 = np.float32


def at_rewiring(settings=REWIRED, dataset=None, epochs=0, seed=0):
    """(Trainer, its Rewire), at the start of the rewiring or some epochs into it."""
    trainer = trainer_of(settings=settings, dataset=dataset, seed=seed)
    while trainer.position()[0].name != "rewire":
        trainer.train_epoch()
    phase = trainer.position()[0] if epochs else begin(trainer, "rewire")
    for _ in range(epochs):
        trainer.train_epoch()
    return trainer, phase


def by_connection(trainer, values):
    """{(layer, row, column): value} of all connections, numbered as in the dense network."""
    found = {}
    for k, (layer, of_layer) in enumerate(zip(trainer.net.layers, values, strict=True)):
        for i, value in zip(layer.index, of_layer, strict=True):
            found[(k, *divmod(int(i), layer.shape[1]))] = float(value)
    return found


def wired(trainer):
    """The weight of every connection."""
    return by_connection(trainer, [layer.params["W"] for layer in trainer.net.layers])


def velocities(trainer):
    """The momentum of every connection."""
    return by_connection(trainer, [trainer.net.optimizer.state[layer, "W"][0] for layer in trainer.net.layers])


def by_hand(trainer):
    """{(layer, row, column): (gradient, mean squared gradient of a sample)} of all candidates, one sample at a time.

    In float64 on the matrices of the whole network, with SiLU between them.
    """
    d, sizes = trainer.dataset, trainer.net.sizes
    weights = [np.zeros((a + 1, b)) for a, b in zip(sizes, sizes[1:])]
    for (k, row, col), w in wired(trainer).items():
        weights[k][row, col] = w
    sums = [(np.zeros_like(W), np.zeros_like(W)) for W in weights]
    for values, label in zip(d.train_x, d.train_y):
        a, inputs, slopes = (values / d.divisor - d.mean) / d.std, [], []
        for W in weights:
            inputs.append(np.append(a, 1))
            z = inputs[-1] @ W
            s = sigmoid(z)
            a, slope = z * s, s * (1 + z * (1 - s))
            slopes.append(slope)
        if d.task == "classification":
            p = np.exp(z - z.max())
            dz = p / p.sum()
            dz[label] -= 1
        else:
            dz = np.sign(z - label)
        for k in (2, 1, 0):
            g = np.outer(inputs[k], dz)
            sums[k][0][:] += g / len(d.train_x)
            sums[k][1][:] += g * g / len(d.train_x)
            if k:
                dz = (weights[k][:-1] @ dz) * slopes[k - 1]
    units = [range(sizes[0]), *trainer.net.units[1:]]
    return {(k, row, col): (g[row, col], h[row, col]) for k, (g, h) in enumerate(sums)
            for row in [*units[k], sizes[k]] for col in units[k + 1]}  # fmt: skip


CASES = {
    "images": (None, REWIRED), "long": (None, replace(REWIRED, density=0.3, batch_size=200)),
    "regression": (formula(), replace(REWIRED, density=0.5, lr=0.02)),
}  # fmt: skip


@pytest.mark.parametrize("dataset, settings", CASES.values(), ids=CASES)
def test_gradient_and_curvature_of_all_that_could_be(dataset, settings, monkeypatch):
    monkeypatch.setattr(rewire, "BLOCK", 70)  # of 600: the last one is smaller
    trainer, phase = at_rewiring(settings, dataset, epochs=2)
    expected, found, net = by_hand(trainer), {}, trainer.net
    sources = [np.arange(net.sizes[0]), *net.units[1:-1]]
    for k, arrays in enumerate(phase.curvature(trainer)):
        rows, cols = [*sources[k], net.sizes[k]], net.units[k + 1]
        for i, row in enumerate(rows):
            for j, col in enumerate(cols):
                found[k, row, col] = tuple(a[i, j] for a in arrays)
    assert found.keys() == expected.keys() and wired(trainer).keys() <= expected.keys()
    for which in (0, 1):
        a, b = (np.array([pairs[key][which] for key in expected]) for pairs in (found, expected))
        assert np.allclose(a, b, rtol=2e-4, atol=1e-5 * np.abs(b).max()), which
        assert np.abs(b).max() > 1e-5


def expected_swaps(trainer, share):
    """[(connection that leaves, one that comes)]: the cheapest against the most promising, in the share's number."""
    before, values = wired(trainer), by_hand(trainer)
    cost = sorted((before[key] ** 2 * values[key][1], key) for key in before)
    best = {}  # of those into each unit, the most promising
    for key, (g, h) in values.items():
        if key not in before:
            best[key[0], key[2]] = min(best.get((key[0], key[2]), (0.0, key)), (-(g * g) / h if h else 0.0, key))
    gain = sorted(best.values())
    count = round(share * len(before))
    swaps = [(c[1], g[1]) for c, g in list(zip(cost, gain))[:count] if -g[0] > c[0]]
    assert len(swaps) < count or share < 1  # the others would promise less than they cost
    return swaps


@pytest.mark.parametrize("done, share", [(0, 0.15), (3, 0.15), (7, 0.15), (0, 1.0)])
@pytest.mark.parametrize("dataset, settings", CASES.values(), ids=CASES)
def test_the_least_useful_change_places_with_the_most_promising(dataset, settings, done, share):
    """The share falls to 0 along a line over the 7 epochs."""
    trainer, phase = at_rewiring(replace(settings, rewire_share=share), dataset, epochs=2)
    next(trainer.steps())  # into the next epoch, so that newcomers have a momentum, too
    before, units, velocity = wired(trainer), trainer.net.units, velocities(trainer)
    swaps = expected_swaps(trainer, share * (1 - done / 7))
    assert phase.epochs == 7
    phase.change_wiring(trainer, done)
    after, net = wired(trainer), trainer.net
    assert set(before) - set(after) == {leaves for leaves, _ in swaps}
    assert set(after) - set(before) == {comes for _, comes in swaps} and (len(swaps) > 0) == (done < 7)
    assert all(after[key] == before.get(key, 0.0) for key in after) and len(after) == len(before)
    assert all(np.array_equal(a, b) for a, b in zip(net.units[1:], units[1:]))
    assert set(net.units[0]) == {row for k, row, _ in after if k == 0} - {net.sizes[0]}
    assert net.count_open() == len(after) and sum(v != 0 for v in velocity.values()) > 0.9 * len(before)
    assert velocities(trainer) == {key: velocity.get(key, 0.0) for key in after}  # the survivors keep their momentum
    assert all(np.all(np.diff(layer.index % n) >= 0) for layer, n in zip(net.layers, net.sizes[1:]))


@pytest.mark.parametrize("moved", [False, True])
def test_images_move_while_rewiring_if_the_settings_say_so(moved, monkeypatch):
    settings = replace(REWIRED, epochs=4, shift=1, finetune_epochs=1, rewire_moved=moved)
    trainer, phase = at_rewiring(settings)
    asked, take = [], MovedInputs.take
    spy = lambda self, samples, step: (asked.append(len(self.columns)), take(self, samples, step))[1]  # noqa: E731
    monkeypatch.setattr(MovedInputs, "take", spy)
    for _ in range(2):
        trainer.train_epoch()
    assert len(asked) == (2 * (19 + 2) if moved else 0)  # the steps, and the pass over the training split
    assert asked.count(36) >= 2 * moved and phase.moves(0.3) == moved
    assert type(trainer.feed.kept["all", moved]) is (MovedInputs if moved else Inputs)
    assert ("all", not moved) not in trainer.feed.kept


def test_rewiring_finds_the_inputs_that_matter():
    """From connections to the noise between the bands alone, with which no class can be told from another."""
    trainer, _ = at_rewiring(replace(REWIRED, epochs=40, search_share=0.05))
    rng = np.random.default_rng(0)
    blind = [row for row in range(36) if row // 6 % 2]
    row, col = np.array([(row, unit) for unit in range(4) for row in rng.choice(blind, 6, replace=False)]).T
    across = [np.divmod(np.arange(a * b), b) for a, b in ((4, 3), (3, 3))]
    connections = [(r, c, rng.normal(0, 0.3, len(r)).astype(f32)) for r, c in [(row, col), *across]]
    trainer.net.connect(connections, [np.unique(row), np.arange(4), np.arange(3), np.arange(3)])
    trainer.epoch, trainer.batch, trainer.total_loss = 4, 1, 0.0  # as if one step of rewiring was done
    before = trainer.validate()
    records = [trainer.train_epoch() for _ in range(36)]
    assert before < 0.6 and records[-1]["val_accuracy"] > 0.9
    assert {r["open_gates"] for r in records} == {45} and {r["phase"] for r in records} == {"rewire"}
    reads = {r for k, r, _ in wired(trainer) if k == 0} - {36}
    assert len(reads - set(blind)) > len(reads & set(blind))


def test_rewiring_is_a_phase_of_every_try(monkeypatch):
    settings = replace(REWIRED, epochs=5, tries=3, shift=1, finetune_epochs=4)
    trainer, done, numbers, records = trainer_of(settings=settings), [], [], []
    change = Rewire.change_wiring
    monkeypatch.setattr(Rewire, "change_wiring", lambda self, t, d: (done.append((d, self.epochs)), change(self, t, d)))
    while trainer.epoch < trainer.total_epochs:
        numbers.append(trainer.phases.index(trainer.position()[0]))
        records.append(trainer.train_epoch())
    once = ["search"] * 3 + ["rewire"] * 2 + ["finetune"] * 4
    assert [r["phase"] for r in records] == ["dense"] * 2 + once * 3 and done == [(1, 2), (2, 2)] * 3
    assert numbers == [0] * 2 + [k + n for k in (1, 4, 7) for n in [0] * 3 + [1] * 2 + [2] * 4]
    assert [trainer.phases[k].attempt for k in (1, 4, 7)] == [0, 1, 2]
    assert all(r["price"] == r["noise"] == 0 for r in records if r["phase"] == "rewire")
    assert math.isclose(trainer.phases[2].rates(0.5)["W"], settings.lr * 0.5)
    for r, s in zip(records, records[1:]):  # rewiring neither adds nor removes
        if s["phase"] in ("rewire", "finetune"):
            assert s["open_gates"] <= trainer.budget
            assert s["open_gates"] == r["open_gates"] or r["phase"] != s["phase"]
    assert trainer.network.count() <= trainer.budget


def test_rewiring_starts_from_the_largest_fit():
    trainer = at_epoch(9, settings=REWIRED)  # 2 dense, 7 of the search
    matrices = [W for W, _ in whole_matrices(trainer)]
    expected = largest_fit(matrices, list(whole_logits(trainer)), trainer.budget, trainer.net.meta)
    begin(trainer, "rewire")
    assert same(above(trainer, 0), expected) and expected.count() <= trainer.budget
    assert trainer.net.count_open() == expected.count() and not trainer.net.optimizer.state

"""Pruning keeps its promises on a problem of 600 images: the budget, the seed, the schedules, one result however
it is computed, and no look at the test split."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tinygsp import prune
from tinygsp.data import Dataset
from tinygsp.gates import sigmoid
from tinygsp.layers import MaskedDense, MaskedEdges
from tinygsp.prune import TOY, DivergedError, Inputs, Pruner, Settings, SettingsError, ShiftedInputs, defaults

f32 = np.float32
SMALL = Settings(density=0.1, hidden=(12, 8), epochs=6, dense_epochs=2, finetune_epochs=3, batch_size=32, shift=0,
                 steer="open", search_share=1.0)  # fmt: skip
EAGER = replace(SMALL, price_start=1e-3, price_rate=0.02, retire_below=-1.0, epochs=8)  # retires nearly all it can
REWIRED = replace(EAGER, epochs=14, search_share=0.5)  # 7 epochs of search, 7 of rewiring
KEYS = "epoch phase loss val_accuracy open_gates density price noise".split()
TOTAL = 37 * 12 + 13 * 8 + 9 * 3


def bands(n, seed):
    """6 x 6 images of three classes, a bright band at a different height each, in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 120, (n, 6, 6), dtype=np.uint8)
    for k in range(3):
        images[labels == k, 2 * k] += 100
    return images.reshape(n, 36), labels


def images(**changes):
    """The test split is None: whoever reads it fails."""
    train_x, train_y = bands(600, 1)
    val_x, val_y = bands(60, 2)
    dataset = Dataset("bands", train_x, train_y, val_x, val_y, None, None, task="classification", n_out=3,
                      class_names=("a", "b", "c"), input_shape=(6, 6), divisor=255.0, mean=0.3, std=0.2)
    return replace(dataset, **changes)


def formula():
    """A regression: y1 = x1 + x2, y2 = -2 x3, of four inputs."""
    x = np.random.default_rng(1).uniform(-1, 1, (660, 4)).astype(f32)
    y = np.column_stack([x[:, 0] + x[:, 1], -2 * x[:, 2]]).astype(f32)
    return Dataset("formula", x[:600], y[:600], x[600:], y[600:], None, None, task="regression", n_out=2,
                   class_names=("y1", "y2"), input_shape=(4,), divisor=1.0, mean=0.0, std=1.0)


def finished(dataset=None, settings=SMALL, seed=0):
    pruner = Pruner(dataset or images(), settings, seed)
    return pruner, list(pruner.run())


def searching(settings=SMALL, epochs=0, seed=0):
    """A pruner at the start of its search, or some epochs into it."""
    pruner = Pruner(images(), replace(settings, dense_epochs=0), seed)
    if not epochs:
        pruner.start("search", 0)
    for _ in range(epochs):
        pruner.train_epoch()
    return pruner


def spread(pruner, function):
    """One array over the places of the original network: {layer: function(layer)}, zero where nothing is left."""
    whole = []
    for layer, n_in, n_out in zip(pruner.model.masked, pruner.sizes, pruner.sizes[1:]):
        values = np.zeros((n_in + 1) * n_out)
        values[layer.index.ravel()] = function(layer).ravel()
        whole.append(values)
    return np.concatenate(whole)


def live(pruner):
    return spread(pruner, lambda layer: layer.params["gate"] > -np.inf) > 0


def open_weights(pruner):
    return spread(pruner, lambda layer: layer.params["W"] * (layer.params["gate"] > 0))


def kinds(pruner):
    return [type(layer) for layer in pruner.model.masked]


def scores(pruner):
    pruner.model.sample(0, 0.0)
    return pruner.model.forward(pruner.val_inputs.batch(np.arange(len(pruner.dataset.val_x))))


def arrays(network):
    return [getattr(part, name) for part in network.layers for name in ("row", "col", "weight", "bias")]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True))


# --- what comes out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [SMALL, EAGER], ids=["slow", "eager"])
@pytest.mark.parametrize("density", [1.0, 0.5, 0.1, 0.03, 5 / TOTAL])
def test_keeps_at_most_the_budget(density, settings):
    pruner, records = finished(settings=replace(settings, density=density))
    assert pruner.total == TOTAL and pruner.budget == round(density * TOTAL - 0.49)
    assert pruner.network.count() <= pruner.budget
    assert pruner.network.total == TOTAL and len(pruner.network.layers) == 3
    assert same(pruner.network, pruner.network.trim())


def test_uses_its_budget_and_learns():
    pruner, records = finished()
    assert pruner.budget == 57 and pruner.network.count() > 0.8 * 57
    assert records[-1]["val_accuracy"] > 0.95
    assert records[-1]["val_accuracy"] == np.mean(pruner.network.predict(pruner.dataset.val_x) == pruner.dataset.val_y)
    assert pruner.network.meta.class_names == ("a", "b", "c") and pruner.network.meta.divisor == 255.0


@pytest.mark.parametrize("density", [4 / TOTAL, 0.001, 0.0])
def test_budget_too_small(density):
    with pytest.raises(SettingsError, match=f"density .* takes 5, a density of {5 / TOTAL:.6f}"):
        Pruner(images(), replace(SMALL, density=density))


def test_layer_too_large():
    with pytest.raises(SettingsError, match="hidden"):
        Pruner(images(), replace(SMALL, hidden=(50_000, 50_000)))


def test_seed_decides():
    first, again, other = (finished(seed=seed) for seed in (0, 0, 1))
    assert first[0].network.to_bytes() == again[0].network.to_bytes() and first[1] == again[1]
    assert first[0].network.to_bytes() != other[0].network.to_bytes()


@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_records(activation):
    pruner, records = finished(settings=replace(SMALL, activation=activation))
    assert all(list(record) == KEYS for record in records)
    assert [r["epoch"] for r in records] == list(range(1, 12)) and pruner.total_epochs == 11
    assert [r["phase"] for r in records] == ["dense"] * 2 + ["search"] * 6 + ["finetune"] * 3
    assert pruner.step == 11 * 19  # 600 images are 18 batches and a rest
    assert all(r["density"] == r["open_gates"] / TOTAL for r in records)
    assert [r["open_gates"] for r in records[:2]] == [TOTAL] * 2
    assert all(r["open_gates"] == pruner.network.count() for r in records[8:])
    assert all((r["price"] > 0) == (r["phase"] == "search") for r in records)
    noise = [r["noise"] for r in records]
    assert noise[:2] == [0, 0] and noise[7:] == [0] * 4
    assert all(1 > a > b for a, b in zip(noise[2:6], noise[3:7]))
    assert all(math.isfinite(r["loss"]) and 0 <= r["val_accuracy"] <= 1 for r in records)
    with pytest.raises(ValueError, match="11 epochs"):
        pruner.train_epoch()


def test_loss_is_the_mean_over_images():
    """With a learning rate of 0 every epoch has the loss of the first weights, the smaller last batch included."""
    pruner = Pruner(images(), replace(SMALL, lr=0.0))
    loss = pruner.train_epoch()["loss"]
    y = pruner.model.forward(pruner.train_inputs.batch(np.arange(600)))
    assert math.isclose(loss, pruner.loss(y, pruner.dataset.train_y)[0], rel_tol=1e-5)


def test_phases_can_be_left_out():
    _, records = finished(settings=replace(SMALL, dense_epochs=0, finetune_epochs=1))
    assert [r["phase"] for r in records] == ["search"] * 6 + ["finetune"]


def test_the_best_of_several_tries():
    """Judged on the validation split, the earlier one if equal; every try draws its own first weights."""
    settings = replace(SMALL, density=0.03, epochs=4, tries=3)
    noisy = images(val_x=np.clip(images().val_x + np.random.default_rng(5).integers(0, 90, (60, 36)), 0, 255).astype(
        np.uint8))
    pruner, starts, networks = Pruner(noisy, settings), [], []
    build = pruner.build
    pruner.build = lambda *a: (build(*a), starts.append(pruner.model.layers[0].params["W"].copy()))
    for record in pruner.run():
        networks.append((record["phase"], record["val_accuracy"], pruner.to_network(0).trim()))
    assert [n[0] for n in networks] == ["dense"] * 2 + (["search"] * 4 + ["finetune"] * 3) * 3
    ends = [networks[k][1:] for k in (8, 15, 22)]
    assert len({accuracy for accuracy, _ in ends}) > 1 and same(pruner.network, max(ends, key=lambda e: e[0])[1])
    assert pruner.network_score == max(accuracy for accuracy, _ in ends)
    assert not np.array_equal(starts[1], starts[2]) and not np.array_equal(starts[2], starts[3])


def test_the_price_starts_again_with_every_try():
    records = finished(settings=replace(SMALL, epochs=1, finetune_epochs=1, tries=2))[1]
    first, second = (r["price"] for r in records if r["phase"] == "search")
    assert 0.5 < first / second < 2


@pytest.mark.parametrize("dense_epochs, attempt", [(2, 0), (2, 1), (0, 0)])
def test_first_search_goes_on_with_the_dense_network(dense_epochs, attempt):
    """Other searches, and the first if nothing was trained, start from weights drawn for them."""
    pruner = Pruner(images(), replace(SMALL, dense_epochs=dense_epochs, tries=2))
    for _ in range(dense_epochs):
        pruner.train_epoch()
    trained = dense_epochs > 0 and attempt == 0
    expected = list(pruner.fresh_weights(attempt))
    if trained:
        first, expected = expected, [layer.params["W"].copy() for layer in pruner.model.masked]
        assert not any(np.array_equal(a, b) for a, b in zip(first, expected))
    pruner.start("search", attempt)
    assert all(np.array_equal(a, layer.params["W"]) for a, layer in zip(expected, pruner.model.masked))
    assert all(np.all(layer.params["gate"] == 1) for layer in pruner.model.masked) and not pruner.optimizer.state


# --- retired means retired ----------------------------------------------------------------------------------


@pytest.mark.parametrize("edges_below", [0.0, 0.35, 1.0])
def test_retired_gates_never_reopen(edges_below):
    pruner = Pruner(images(), replace(EAGER, dense_epochs=0, edges_below=edges_below))
    before, counts = np.ones(TOTAL, bool), []
    for record in pruner.run():
        now = live(pruner)
        if record["phase"] != "dense":
            assert not np.any(now & ~before), record
            before = now
            counts.append(now.sum())
    assert counts[0] < TOTAL and len(set(counts)) > 3  # it did retire, in several steps


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_edge_lists_change_no_result(activation, seed):
    """Sums are taken in another order, so weights agree to rounding; the wiring agrees exactly."""
    settings = replace(EAGER, activation=activation)
    dense, edges = (Pruner(images(), replace(settings, edges_below=share), seed) for share in (0.0, 1.0))
    for a, b in zip(dense.run(), edges.run()):
        assert (a["epoch"], a["open_gates"], a["val_accuracy"]) == (b["epoch"], b["open_gates"], b["val_accuracy"])
        assert np.array_equal(open_weights(dense) != 0, open_weights(edges) != 0)
        assert np.allclose(open_weights(dense), open_weights(edges), rtol=0, atol=1e-4)
        assert math.isclose(a["price"], b["price"], rel_tol=1e-9)
        if a["phase"] == "search":
            assert kinds(dense) == [MaskedDense] * 3 and kinds(edges) == [MaskedEdges] * 3
            assert a["epoch"] == 3 or dense.model.masked[0].params["W"].shape < (37, 12)  # and it did shrink


@pytest.mark.parametrize("noise, density, threshold", [
    (1.0, 0.1, -3.0), (0.5, 0.1, -1.5), (0.2, 0.1, -1.0), (0.0, 0.1, -1.0), (0.2, 0.2, -2.0), (0.2, 0.9, -3.0),
])  # fmt: skip
def test_the_less_noise_the_sooner_a_gate_is_retired(noise, density, threshold):
    """What counts is how often the noise would still open it; a larger budget gives gates near 0 more time."""
    pruner = searching(replace(SMALL, density=density, retire_below=-3.0, retire_density=0.3))
    values = np.linspace(-4, 0, 36 * 12).astype(f32).reshape(36, 12)
    pruner.model.layers[0].params["gate"][:-1] = values
    pruner.retire(noise)
    assert np.array_equal(live(pruner)[: 36 * 12], (values >= f32(threshold)).ravel())


def test_becoming_edge_lists_changes_no_score():
    pruner = searching(replace(EAGER, edges_below=0.0), epochs=3)
    before = scores(pruner)
    assert kinds(pruner) == [MaskedDense] * 3
    pruner.settings = replace(EAGER, edges_below=1.0)
    pruner.retire()
    assert kinds(pruner) == [MaskedEdges] * 3
    assert sum(layer.params["W"].size for layer in pruner.model.masked) < 0.2 * TOTAL
    assert np.allclose(scores(pruner), before, rtol=1e-5, atol=1e-5)


# --- schedules ----------------------------------------------------------------------------------------------


def test_target_falls_from_total_to_budget():
    pruner = Pruner(images(), SMALL)
    values = [pruner.target(r) for r in np.linspace(0, 1, 101)]
    assert math.isclose(values[0], TOTAL) and all(math.isclose(v, 57) for v in values[60:])
    assert all(a > b for a, b in zip(values[:60], values[1:61]))


def test_noise_falls_from_one_to_zero():
    pruner = Pruner(images(), SMALL)
    assert pruner.noise(0) == 1 and math.isclose(pruner.noise(0.375), 0.5)
    assert pruner.noise(0.75) == pruner.noise(0.9) == pruner.noise(1) == 0
    values = [pruner.noise(r) for r in np.linspace(0, 1, 101)]
    assert all(a >= b for a, b in zip(values, values[1:]))


def test_price_steers_towards_the_target():
    pruner = searching()
    pruner.model.sample(0)
    start = pruner.price
    charged = pruner.steer_price(1.0)  # all 575 gates are open, the target is 57
    error = math.log(TOTAL / 57)
    assert math.isclose(pruner.price, start * math.exp(0.004 * error))
    assert math.isclose(charged, pruner.price * math.exp(3 * error))
    held = pruner.price
    pruner.steer_price(0.0)  # just as many as there should be
    assert math.isclose(pruner.price, held)
    for layer in pruner.model.masked:
        layer.params["gate"][:] = -1
    pruner.model.sample(1)
    charged = pruner.steer_price(1.0)  # none is open
    assert charged < pruner.price < held


@pytest.mark.parametrize("steer", ["drawn", "open"])
def test_the_count_that_is_steered(steer):
    pruner = Pruner(images(), replace(SMALL, steer=steer))
    pruner.start("search", 0)
    pruner.model.sample(5, 1.0)
    drawn = sum(int(layer.mask.sum()) for layer in pruner.model.masked)
    count = {"drawn": drawn, "open": TOTAL}[steer]  # without noise all are open at first
    assert 0.6 * TOTAL < drawn < 0.85 * TOTAL  # P(open) = sigmoid(1) = 0.73
    error, before = math.log(count / pruner.target(0.5)), pruner.price
    charged = pruner.steer_price(0.5)
    assert math.isclose(pruner.price, before * math.exp(pruner.settings.price_rate * error), rel_tol=1e-9)
    assert math.isclose(charged, pruner.price * math.exp(pruner.settings.price_damping * error), rel_tol=1e-9)


def test_defaults():
    assert defaults("mnist") == defaults("mnist", 0.0015) == Settings() and defaults("toy") == TOY
    assert defaults("toy", 0.3) == replace(TOY, density=0.3)
    few, some, many = (defaults("some/folder", density) for density in (0.003, 0.0031, 0.0061))
    assert few == replace(Settings(), density=0.003)
    assert (few.epochs, few.steer, few.search_share, few.rewire_moved) == (300, "drawn", 0.5, False)
    assert (some.density, some.epochs, some.steer, some.search_share, some.rewire_moved) == (
        0.0031, 150, "open", 2 / 3, True)  # fmt: skip
    assert defaults("some/folder", 0.006) == replace(some, density=0.006)
    assert many == replace(some, density=0.0061, search_share=1.0, rewire_moved=False)
    assert (few.gate_lr, some.gate_lr) == (3.0, 10.0)


# --- rewiring -----------------------------------------------------------------------------------------------


def at_rewiring(settings=REWIRED, dataset=None, epochs=0, seed=0):
    """A pruner at the start of its rewiring, or some epochs into it."""
    pruner = Pruner(dataset or images(), settings, seed)
    while pruner.place()[0] != "rewire":
        pruner.train_epoch()
    if not epochs:
        pruner.start("rewire", 0)
    for _ in range(epochs):
        pruner.train_epoch()
    return pruner


def by_place(pruner, values):
    """{(layer, row, column): value} of all connections, in the numbers of the original network."""
    return {(k, *divmod(int(i), n_out)): float(v)
            for k, (layer, n_out, of_layer) in enumerate(zip(pruner.model.masked, pruner.sizes[1:], values))
            for i, v in zip(layer.index, of_layer)}  # fmt: skip


def wired(pruner):
    return by_place(pruner, [layer.params["W"] for layer in pruner.model.masked])


def velocities(pruner):
    return by_place(pruner, [pruner.optimizer.state[2 * k, "W"][0] for k in range(len(pruner.model.masked))])


def by_hand(pruner):
    """{(layer, row, column): (gradient, mean squared gradient of a sample)} of all candidates, one sample at a time.

    In float64 on the matrices of the whole network, with SiLU between them.
    """
    d, weights = pruner.dataset, [np.zeros((a + 1, b)) for a, b in zip(pruner.sizes, pruner.sizes[1:])]
    for (k, row, col), w in wired(pruner).items():
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
    units = [range(pruner.sizes[0]), *pruner.units[1:]]
    return {(k, row, col): (g[row, col], h[row, col]) for k, (g, h) in enumerate(sums)
            for row in [*units[k], pruner.sizes[k]] for col in units[k + 1]}  # fmt: skip


CASES = {
    "images": (None, REWIRED), "long": (None, replace(REWIRED, density=0.3, batch_size=200)),
    "regression": (formula(), replace(REWIRED, density=0.5, lr=0.02)),
}  # fmt: skip


@pytest.mark.parametrize("dataset, settings", CASES.values(), ids=CASES)
def test_gradient_and_curvature_of_all_that_could_be(dataset, settings, monkeypatch):
    monkeypatch.setattr(prune, "BLOCK", 70)  # of 600: the last one is smaller
    pruner = at_rewiring(settings, dataset, epochs=2)
    expected, found = by_hand(pruner), {}
    sources = [np.arange(pruner.sizes[0]), *pruner.units[1:-1]]
    for k, arrays in enumerate(pruner.curvature()):
        rows, cols = [*sources[k], pruner.sizes[k]], pruner.units[k + 1]
        for i, row in enumerate(rows):
            for j, col in enumerate(cols):
                found[k, row, col] = tuple(a[i, j] for a in arrays)
    assert found.keys() == expected.keys() and wired(pruner).keys() <= expected.keys()
    for which in (0, 1):
        a, b = (np.array([pairs[key][which] for key in expected]) for pairs in (found, expected))
        assert np.allclose(a, b, rtol=2e-4, atol=1e-5 * np.abs(b).max()), which
        assert np.abs(b).max() > 1e-5


@pytest.mark.parametrize("r, share", [(0.0, 0.15), (0.4, 0.15), (0.99, 0.15), (0.0, 1.0)])
@pytest.mark.parametrize("dataset, settings", CASES.values(), ids=CASES)
def test_the_least_useful_change_places_with_the_most_promising(dataset, settings, r, share):
    pruner = at_rewiring(replace(settings, rewire_share=share), dataset, epochs=2)
    next(pruner.steps())  # into the next epoch, so that newcomers have a momentum, too
    before, scores, units, velocity = wired(pruner), by_hand(pruner), pruner.units, velocities(pruner)
    cost = sorted((before[key] ** 2 * scores[key][1], key) for key in before)
    best = {}  # of those into each unit, the most promising
    for key, (g, h) in scores.items():
        if key not in before:
            best[key[0], key[2]] = min(best.get((key[0], key[2]), (0.0, key)), (-(g * g) / h if h else 0.0, key))
    gain = sorted(best.values())
    count = round(share * (1 - r) * len(before))
    swaps = [(c[1], g[1]) for c, g in list(zip(cost, gain))[:count] if -g[0] > c[0]]
    assert len(swaps) < count or share < 1  # the others would promise less than they cost
    pruner.rewire(r)
    after = wired(pruner)
    assert set(before) - set(after) == {leaves for leaves, _ in swaps}
    assert set(after) - set(before) == {comes for _, comes in swaps} and (len(swaps) > 0) == (r < 0.99)
    assert all(after[key] == before.get(key, 0.0) for key in after) and len(after) == len(before)
    assert all(np.array_equal(a, b) for a, b in zip(pruner.units[1:], units[1:]))
    assert set(pruner.units[0]) == {row for k, row, _ in after if k == 0} - {pruner.sizes[0]}
    assert pruner.count_open() == len(after) and sum(v != 0 for v in velocity.values()) > 0.9 * len(before)
    assert velocities(pruner) == {key: velocity.get(key, 0.0) for key in after}  # the survivors keep their momentum
    assert all(np.all(np.diff(layer.index % n) >= 0) for layer, n in zip(pruner.model.masked, pruner.sizes[1:]))


def test_rewiring_finds_the_inputs_that_matter():
    """From connections to the noise between the bands alone, with which no class can be told from another."""
    pruner = at_rewiring(replace(REWIRED, epochs=40, search_share=0.05))
    rng = np.random.default_rng(0)
    blind = [row for row in range(36) if row // 6 % 2]
    row, col = np.array([(row, unit) for unit in range(4) for row in rng.choice(blind, 6, replace=False)]).T
    across = [np.divmod(np.arange(a * b), b) for a, b in ((4, 3), (3, 3))]
    connections = [(r, c, rng.normal(0, 0.3, len(r)).astype(f32)) for r, c in [(row, col), *across]]
    pruner.connect(connections, [np.unique(row), np.arange(4), np.arange(3), np.arange(3)])
    pruner.epoch, pruner.batch, pruner.total_loss = 4, 1, 0.0  # as if one step of rewiring was done
    before = pruner.validate()
    records = [pruner.train_epoch() for _ in range(36)]
    assert before < 0.6 and records[-1]["val_accuracy"] > 0.9
    assert {r["open_gates"] for r in records} == {45} and {r["phase"] for r in records} == {"rewire"}
    reads = {r for k, r, _ in wired(pruner) if k == 0} - {36}
    assert len(reads - set(blind)) > len(reads & set(blind))


def test_rewiring_is_a_phase_of_every_try():
    settings = replace(REWIRED, epochs=5, tries=3, shift=1, finetune_epochs=4)
    pruner, shares, tries, records = Pruner(images(), settings), [], [], []
    rewire = pruner.rewire
    pruner.rewire = lambda r: (shares.append(r), rewire(r))
    while pruner.epoch < pruner.total_epochs:
        tries.append(pruner.place()[3])
        records.append(pruner.train_epoch())
    once = ["search"] * 3 + ["rewire"] * 2 + ["finetune"] * 4
    assert [r["phase"] for r in records] == ["dense"] * 2 + once * 3 and shares == [0.5, 1.0] * 3
    assert tries == [0] * (2 + 9) + [1] * 9 + [2] * 9
    assert all(r["price"] == r["noise"] == 0 for r in records if r["phase"] == "rewire")
    assert math.isclose(pruner.rates("rewire", 0.5)["W"], settings.lr * 0.5)
    for r, s in zip(records, records[1:]):  # rewiring neither adds nor removes
        if s["phase"] in ("rewire", "finetune"):
            assert s["open_gates"] <= pruner.budget and (s["open_gates"] == r["open_gates"] or r["phase"] != s["phase"])
    assert pruner.network.count() <= pruner.budget


@pytest.mark.parametrize("moved", [False, True])
def test_images_move_while_rewiring_if_told(moved, monkeypatch):
    settings = replace(REWIRED, epochs=4, shift=1, finetune_epochs=1, rewire_moved=moved)
    pruner = at_rewiring(settings)
    asked, take = [], ShiftedInputs.take
    monkeypatch.setattr(ShiftedInputs, "take", lambda self, samples, step: (asked.append(len(self.columns)), take(
        self, samples, step))[1])
    for _ in range(2):
        pruner.train_epoch()
    assert len(asked) == (2 * (19 + 2) if moved else 0)  # the steps, and the pass over the training split
    assert asked.count(36) >= 2 * moved and type(pruner.all_inputs) is (ShiftedInputs if moved else Inputs)


@pytest.mark.parametrize("share, epochs, search", [(0.5, 1, 1), (0.5, 3, 2), (0.55, 100, 55), (1.0, 7, 7)])
def test_epochs_of_search_and_rewiring(share, epochs, search):
    phases = dict(Pruner(images(), replace(SMALL, search_share=share, epochs=epochs)).phases)
    assert (phases["search"], phases["rewire"]) == (search, epochs - search)


# --- freezing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings, density", [(SMALL, 0.1), (SMALL, 0.3), (EAGER, 0.1), (EAGER, 0.05), (EAGER, 1.0)])
def test_freeze_is_the_largest_fit(settings, density):
    pruner = searching(replace(settings, density=density), epochs=settings.epochs)
    gates = np.concatenate([layer.params["gate"].ravel() for layer in pruner.model.masked])
    thresholds = [-np.inf, *np.unique(gates[gates > -np.inf])]
    networks = {t: pruner.to_network(t).trim() for t in thresholds}
    lowest = min(t for t in thresholds if networks[t].count() <= pruner.budget)
    pruner.start("finetune", 0)
    assert same(pruner.to_network(0), networks[lowest])
    assert pruner.count_open() == networks[lowest].count() <= pruner.budget
    assert kinds(pruner) == [MaskedEdges] * 3 and not pruner.optimizer.state


@pytest.mark.parametrize("threshold", [-np.inf, 0.0, 1.0])
@pytest.mark.parametrize("edges_below", [0.0, 1.0])
def test_networks_there_and_back(threshold, edges_below):
    pruner = searching(replace(EAGER, edges_below=edges_below), epochs=4)
    network = pruner.to_network(threshold).trim()
    pruner.from_network(network)
    assert network.count() > 10 and pruner.count_open() == network.count()
    assert np.allclose(scores(pruner), network.scores(pruner.dataset.val_x), rtol=1e-4, atol=1e-4)
    assert same(pruner.to_network(0), network)


def test_to_network_is_the_model_without_noise():
    pruner = searching(EAGER, epochs=2)
    assert np.allclose(pruner.to_network(0).scores(pruner.dataset.val_x), scores(pruner), rtol=1e-4, atol=1e-4)


# --- data sets ----------------------------------------------------------------------------------------------


def test_the_validation_split_is_not_trained_on():
    other = images(val_x=bands(60, 9)[0][::-1].copy())
    assert finished()[0].network.to_bytes() == finished(other)[0].network.to_bytes()


def test_constant_pixels():
    train_x = images().train_x.copy()
    train_x[:, 10:20] = 0
    pruner, records = finished(images(train_x=train_x), EAGER)
    assert 0 < pruner.network.count() <= pruner.budget and math.isfinite(records[-1]["loss"])


def test_a_class_missing_from_training():
    data = images()
    there = data.train_y != 2
    pruner, records = finished(images(train_x=data.train_x[there], train_y=data.train_y[there]))
    assert pruner.network.layers[-1].n_out == 3 and 0.6 < records[-1]["val_accuracy"] <= 2 / 3


def test_one_training_image():
    data = images()
    pruner, records = finished(images(train_x=data.train_x[:1], train_y=data.train_y[:1]))
    assert pruner.steps_per_epoch == 1 and pruner.step == 11
    assert pruner.network.count() <= pruner.budget and math.isfinite(records[-1]["loss"])


def test_regression():
    settings = replace(SMALL, density=0.5, lr=0.02)
    pruner, records = finished(formula(), settings)
    data, predicted = pruner.dataset, pruner.network.predict(pruner.dataset.val_x)
    r2 = 1 - np.mean((predicted - data.val_y) ** 2, axis=0) / data.val_y.var(axis=0)
    assert math.isclose(records[-1]["val_accuracy"], r2.mean(), abs_tol=1e-5) and r2.mean() > 0.8
    assert pruner.network.count() <= pruner.budget and pruner.network.meta.task == "regression"


@pytest.mark.parametrize("dense_epochs, phase", [(2, "dense"), (0, "search")])
def test_nan_stops_the_run(dense_epochs, phase):
    data = formula()
    data.train_x[::100, 1] = np.nan
    pruner = Pruner(data, replace(SMALL, density=0.5, dense_epochs=dense_epochs, batch_size=600))
    with pytest.raises(DivergedError, match=rf"nan at step 0 \({phase}\)"):
        pruner.train_epoch()


def test_the_step_of_divergence_is_named():
    pruner = Pruner(formula(), replace(SMALL, density=0.5, batch_size=600))
    pruner.train_epoch()
    pruner.dataset.train_y[7] = np.nan
    with pytest.raises(DivergedError, match="step 1 "):
        pruner.train_epoch()


# --- images that move ---------------------------------------------------------------------------------------


def oblong(height=5, width=7, n=90):
    """Images of no symmetry at all and without a 0, which is what comes in from outside."""
    x = np.random.default_rng(3).integers(1, 256, (n, height * width)).astype(np.uint8)
    y = np.arange(n) % 3
    return Dataset("oblong", x, y, x[:20], y[:20], None, None, task="classification", n_out=3,
                   class_names=("a", "b", "c"), input_shape=(height, width), divisor=255.0, mean=0.3, std=0.2)


def moving(dataset, columns=None, feature_major=True, reach=1, seed=4):
    columns = np.arange(dataset.n_in) if columns is None else columns
    return ShiftedInputs(dataset.train_x, columns, dataset, feature_major, reach, seed)


def every_way(image, reach):
    """The image moved each way, flat: ((2 reach + 1)^2, pixels)."""
    height, width = image.shape
    padded = np.pad(image, reach)
    starts = range(2 * reach + 1)
    return np.array([padded[i : i + height, j : j + width].ravel() for i in starts for j in starts])


def ways_of(dataset, moved, samples, reach=1):
    """Which way each image was moved: (len(samples),), each found among all of them."""
    found = []
    for image, was in zip(moved, dataset.train_x[samples]):
        same_as = (every_way(was.reshape(dataset.input_shape), reach) == image).all(axis=1)
        assert same_as.any()
        found.append(same_as.argmax())
    return np.array(found)


@pytest.mark.parametrize("feature_major", [True, False])
@pytest.mark.parametrize("columns", [np.arange(35), np.array([0, 3, 8, 20, 21, 34]), np.arange(0)])
def test_images_that_move_by_nothing(columns, feature_major):
    dataset, samples = oblong(), np.array([2, 3, 50, 89])
    still = Inputs(dataset.train_x, columns, dataset, feature_major).batch(samples)
    moved = moving(dataset, columns, feature_major, reach=0).batch(samples, 6)
    assert moved.dtype == still.dtype == f32 and moved.strides == still.strides
    assert np.array_equal(moved.view(np.uint32), still.view(np.uint32))
    expected = (dataset.train_x[samples][:, columns] / 255 - 0.3) / 0.2
    assert np.allclose(moved, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("height, width, reach", [(5, 7, 1), (7, 5, 1), (6, 6, 1), (5, 7, 2), (1, 6, 1), (3, 2, 4)])
def test_every_image_moves_one_of_the_ways(height, width, reach):
    dataset, samples = oblong(height, width), np.array([1, 4, 5, 30, 31, 88])
    inputs = moving(dataset, reach=reach)
    for step in range(4):
        moved = inputs.take(samples, step)
        assert moved.dtype == np.uint8 and moved.shape == (6, height * width)
        ways_of(dataset, moved, samples, reach)
        expected = (moved / 255 - 0.3) / 0.2
        assert np.allclose(inputs.batch(samples, step), expected, rtol=0, atol=1e-5)


def test_every_way_is_equally_likely():
    dataset = oblong()
    samples, inputs = np.arange(90), moving(dataset)
    ways = np.array([ways_of(dataset, inputs.take(samples, step), samples) for step in range(100)])  # (steps, images)
    counts = np.bincount(ways.ravel(), minlength=9)
    assert counts.size == 9 and np.abs(counts - 1000).max() < 5 * math.sqrt(9000 * 1 / 9 * 8 / 9)
    assert all(len(set(row)) == 9 for row in ways[:5])  # the images of a batch move apart,
    assert all(len(set(column)) == 9 for column in ways.T[:5])  # and an image moves on from step to step
    pairs = np.bincount(9 * ways[:, :-1].ravel() + ways[:, 1:].ravel(), minlength=81)  # of neighbours in a batch
    assert np.abs(pairs - 8900 / 81).max() < 5 * math.sqrt(8900 / 81)


def test_moves_depend_on_seed_and_step_alone():
    dataset, samples = oblong(), np.arange(60)
    first = moving(dataset).take(samples, 7)
    other = moving(dataset)
    for step in (3, 9):
        assert not np.array_equal(other.take(samples, step), first)
    assert np.array_equal(other.take(samples, 7), first)  # whatever was asked for before
    assert not np.array_equal(moving(dataset, seed=5).take(samples, 7), first)


@pytest.mark.parametrize("reach", [1, 2])
@pytest.mark.parametrize("feature_major", [True, False])
def test_columns_of_moved_images(feature_major, reach):
    """Dropping inputs moves no image another way; x lies in memory as the layers want it."""
    dataset, samples, columns = oblong(), np.array([0, 7, 8, 45, 80]), np.array([0, 3, 6, 7, 20, 28, 34])
    whole = moving(dataset, reach=reach).batch(samples, 11)
    some = moving(dataset, columns, feature_major, reach).batch(samples, 11)
    assert some.shape == (5, 7) and np.array_equal(some, whole[:, columns])
    assert (some.T if feature_major else some).flags.c_contiguous


def test_which_images_move(monkeypatch):
    """Those to train on, every step anew, but for the second half of fine-tuning; never those to validate with."""
    asked = []
    take = ShiftedInputs.take
    monkeypatch.setattr(ShiftedInputs, "take", lambda self, samples, step: (asked.append(step), take(
        self, samples, step))[1])
    pruner = Pruner(images(), replace(EAGER, shift=1, finetune_epochs=4))
    steps = []
    for record in pruner.run():
        steps.append(pruner.step)
        values = pruner.dataset.val_x[:, pruner.units[0]]
        x = pruner.val_inputs.batch(np.arange(60), record["epoch"])
        assert type(pruner.val_inputs) is Inputs and np.allclose(x, (values / 255 - 0.3) / 0.2, rtol=0, atol=1e-5)
        assert record["val_accuracy"] == np.mean(pruner.to_network(0).predict(pruner.dataset.val_x)
                                                 == pruner.dataset.val_y)
    assert asked == list(range((2 + 8 + 2) * 19)) and steps[-1] == (2 + 8 + 4) * 19


@pytest.mark.parametrize("shift, seed", [(1, 0), (2, 5)])
def test_settings_and_seed_reach_the_images(shift, seed):
    pruner, samples = Pruner(images(), replace(SMALL, shift=shift), seed), np.arange(40)
    pruner.start("dense", 0)
    expected = moving(pruner.dataset, reach=shift, seed=seed)
    assert np.array_equal(pruner.moved_inputs.take(samples, 3), expected.take(samples, 3))


@pytest.mark.parametrize("shift, epochs, judged", [(0, 4, [12]), (1, 4, [10, 12]), (1, 1, [9])])
def test_fine_tuning_of_moved_images_has_two_halves(shift, epochs, judged):
    """One cosine while images move and one when they no longer do; a result may come from the end of either."""
    settings = replace(SMALL, shift=shift, finetune_epochs=epochs, lr=0.3, finetune_lr=0.5)
    pruner, epochs_judged = Pruner(images(), settings), []
    pruner.keep_the_better = lambda *result: epochs_judged.append(pruner.epoch)
    for _ in pruner.run():
        pass
    assert epochs_judged == judged
    rates = [pruner.rates("finetune", r)["W"] for r in (0.0, 0.25, 0.4999, 0.5, 0.75, 0.9999)]
    cosine = [0.075 * (1 + math.cos(math.pi * r)) for r in (0, 0.5, 0.9998, 0, 0.5, 0.9998)]
    once = [0.075 * (1 + math.cos(math.pi * r)) for r in (0, 0.25, 0.4999, 0.5, 0.75, 0.9999)]
    assert np.allclose(rates, cosine if shift else once, rtol=1e-6, atol=1e-12)
    assert math.isclose(pruner.rates("search", 0.5)["W"], 0.3 * 0.55)  # one cosine, to a tenth


@pytest.mark.parametrize("dataset", [formula(), images(input_shape=(36,))], ids=["numbers", "a row of pixels"])
def test_what_is_no_image_stays_where_it_is(dataset):
    settings = replace(SMALL, density=0.5, lr=0.02)
    assert not Pruner(dataset, replace(settings, shift=1)).moves
    still, moved = (finished(dataset, replace(settings, shift=shift)) for shift in (0, 1))
    assert still[1] == moved[1] and still[0].network.to_bytes() == moved[0].network.to_bytes()


def test_oblong_images_are_pruned():
    dataset = oblong()
    pruner, records = finished(dataset, replace(EAGER, shift=1))
    assert pruner.network.count() <= pruner.budget and math.isfinite(records[-1]["loss"])
    assert pruner.network.meta.input_shape == (5, 7) and len(pruner.units[0]) < 35  # some columns were dropped


# --- what can be said of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [1, 4])
def test_state_is_a_copy(epochs):
    pruner = searching(EAGER, epochs)
    state = pruner.state()
    names = {f"layer{k}_{name}" for k in range(3) for name in ("W", "gate", "index", "velocity_W", "velocity_gate")}
    assert state.keys() == names | {f"units{k}" for k in range(4)} | {"epoch", "batch", "step", "total_loss", "price"}
    kept = {name: np.copy(value) for name, value in state.items()}
    for value in state.values():
        if isinstance(value, np.ndarray):
            value[:] = 1
    assert all(np.array_equal(value, kept[name]) for name, value in pruner.state().items())
    pruner.train_epoch()
    assert not np.array_equal(kept["layer0_W"], pruner.state()["layer0_W"])


def test_state_says_what_is_there():
    pruner = searching(EAGER, 4)
    state = pruner.state()
    assert (state["epoch"], state["step"], state["price"]) == (4, 4 * 19, pruner.price)
    for k, layer in enumerate(pruner.model.masked):
        assert np.array_equal(state[f"layer{k}_gate"], layer.params["gate"])
        assert state[f"layer{k}_velocity_W"].shape == state[f"layer{k}_index"].shape == layer.params["W"].shape


@pytest.mark.parametrize("bins", [1, 7, 20])
def test_gate_histogram(bins):
    pruner = searching(EAGER)
    counts = pruner.gate_histogram(bins)
    assert counts.tolist() == [TOTAL * (i == int(sigmoid(1.0) * bins)) for i in range(bins)]
    for _ in range(5):
        pruner.train_epoch()
        counts = pruner.gate_histogram(bins)
        assert counts.shape == (bins,) and counts.sum() == TOTAL and counts.min() >= 0
    assert counts[0] >= TOTAL - live(pruner).sum()

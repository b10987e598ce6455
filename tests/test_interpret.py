"""What interpret.py reads from a network is what a slow and plain count finds."""

import itertools
import math

import numpy as np
import pytest

from tinygsp import interpret, prune
from tinygsp.losses import softmax_cross_entropy
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32


def network_of(matrices, biases=None, **meta):
    """A SparseNetwork with these dense matrices; zeros are no connections."""
    layers = []
    for k, W in enumerate(np.asarray(W, f32) for W in matrices):
        row, col = np.nonzero(W)
        bias = np.zeros(W.shape[1], f32) if biases is None else np.asarray(biases[k], f32)
        layers.append(SparseLayer(W.shape, row.astype(np.int32), col.astype(np.int32), W[row, col], bias))
    names = tuple(f"y{j + 1}" for j in range(layers[-1].n_out))
    return SparseNetwork(layers, Meta(**{"class_names": names, "input_shape": (layers[0].n_in,), **meta}))


SIZES = [(5, 2), (6, 3, 3), (7, 4, 5, 3), (3, 6, 4, 5, 2)]
CASES = [(sizes, activation) for sizes in SIZES for activation in ("silu", "relu")]
cases = pytest.mark.parametrize("sizes, activation", CASES)


def random_network(sizes, activation="silu", **meta):
    """Some weights and biases, some weights exactly zero but listed; some inputs and units unread."""
    rng = np.random.default_rng(sum(sizes) + len(activation))
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        row, col = np.nonzero(rng.random((n_in, n_out)) < 0.6)
        weight = rng.normal(0, 1, row.size) * (rng.random(row.size) < 0.9)
        bias = rng.normal(0, 1, n_out) * (rng.random(n_out) < 0.8)
        layers.append(SparseLayer((n_in, n_out), row.astype(np.int32), col.astype(np.int32), weight.astype(f32),
                                  bias.astype(f32)))
    options = {"divisor": 4.0, "mean": 0.25, "std": 0.5, "class_names": tuple("abcdef"[: sizes[-1]]),
               "input_shape": (sizes[0],)}
    return SparseNetwork(layers, Meta(activation, **{**options, **meta}))


def samples(network, n=40, task="classification"):
    """(values, target): random inputs, and targets the network is often but not always right about."""
    rng = np.random.default_rng(n)
    values = rng.normal(1, 3, (n, network.layers[0].n_in))
    scores = network.scores(values) + rng.normal(0, 1, (n, network.layers[-1].n_out))
    return values, scores.argmax(axis=1) if task == "classification" else scores.astype(np.float64)


def all_paths(network, unit, k=0):
    """[(units after this one, weights), ...] by recursion."""
    if k == len(network.layers):
        return [((), ())]
    layer = network.layers[k]
    return [((j, *units), (float(w), *weights)) for i, j, w in zip(layer.row, layer.col, layer.weight)
            if i == unit and w != 0 for units, weights in all_paths(network, j, k + 1)]


def act(network, z):
    return z / (1 + math.exp(-z)) if network.meta.activation == "silu" else max(z, 0.0)


def plain_scores(network, x):
    """Scores of one scaled input, connection by connection, in Python floats; and z of every layer."""
    zs = []
    for k, layer in enumerate(network.layers):
        z = [float(b) for b in layer.bias]
        for i, j, w in zip(layer.row, layer.col, layer.weight):
            z[j] += x[i] * float(w)
        zs.append(z)
        x = [act(network, v) for v in z]
    return np.array(zs[-1]), zs


def jacobian(network, x, h=1e-5):
    """(n_in, n_out) by central differences at one scaled input."""
    return np.array([(plain_scores(network, x + h * e)[0] - plain_scores(network, x - h * e)[0]) / (2 * h)
                     for e in np.eye(len(x))])


# --- the network as matrices ------------------------------------------------------------------------------------------


@cases
def test_forward_gives_the_scores(sizes, activation):
    network = random_network(sizes, activation)
    values, _ = samples(network)
    states = interpret.forward(network, values)
    assert np.allclose(states[-1][1], network.scores(values), rtol=1e-4, atol=1e-4)
    _, zs = plain_scores(network, interpret.scale(network, values[3]))
    for (x, z), all_z, read in zip(states, zs, interpret.levels(network)[1:]):
        assert np.allclose(z[3], np.array(all_z)[read], rtol=1e-10, atol=1e-10)
    assert [x.shape[1] for x, _ in states] == [len(used) for used in network.used_inputs()]


@cases
def test_gradients_are_the_slopes(sizes, activation):
    network = random_network(sizes, activation)
    values, _ = samples(network, 6)
    states = interpret.forward(network, values)
    slopes = np.array([jacobian(network, x) for x in interpret.scale(network, values)])  # (n, n_in, n_out)
    for c in range(sizes[-1]):
        found = interpret.gradients(network, states, c)
        assert np.allclose(found, slopes[:, network.used_inputs()[0], c], rtol=1e-6, atol=1e-7)
    assert np.allclose(interpret.mean_gradients(network, values), slopes.mean(axis=0), rtol=1e-6, atol=1e-7)
    absolute = interpret.mean_gradients(network, values, absolute=True)
    assert np.allclose(absolute, np.abs(slopes).mean(axis=0), rtol=1e-6, atol=1e-7)


def test_input_names():
    assert interpret.input_names(network_of([np.ones((3, 1))])) == ["x1", "x2", "x3"]
    names = interpret.input_names(network_of([np.ones((6, 1))], input_shape=(2, 3)))
    assert names[0] == "(0, 0)" and names[5] == "(1, 2)"


# --- importance: the wiring and the data ------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SIZES)
def test_paths_and_their_weights(sizes):
    network = random_network(sizes)
    counts, absolute, signed = (np.zeros((sizes[0], sizes[-1])) for _ in range(3))
    expected = []
    for i in range(sizes[0]):
        for units, weights in all_paths(network, i):
            expected.append((i, *units))
            counts[i, units[-1]] += 1
            absolute[i, units[-1]] += abs(math.prod(weights))
            signed[i, units[-1]] += math.prod(weights)
    assert counts.sum() > 0 and np.array_equal(interpret.path_counts(network), counts)
    assert np.allclose(interpret.path_weights(network), absolute, rtol=1e-12, atol=1e-12)
    assert np.allclose(interpret.path_weights(network, signed=True), signed, rtol=1e-12, atol=1e-12)
    found = interpret.paths(network)
    assert found.shape == (len(expected), len(sizes)) and sorted(map(tuple, found.tolist())) == sorted(expected)


def test_too_many_paths_are_refused():
    network = network_of([np.ones((3, 4)), np.ones((4, 2))])
    assert len(interpret.paths(network, limit=24)) == 24
    with pytest.raises(ValueError, match="24 paths, at most 23"):
        interpret.paths(network, limit=23)
    with pytest.raises(ValueError, match="24 paths, at most 5"):
        interpret.contributions(network, np.ones(3), limit=5)


def plain_importances(network, values, target, fill):
    """Each definition of the docstring, sample by sample, from numerical slopes."""
    m, n_in = network.meta, network.layers[0].n_in
    x, fill = (values / m.divisor - m.mean) / m.std, (fill / m.divisor - m.mean) / m.std
    each = {name: [] for name in ("gradient", "gradient x input", "Taylor", "Fisher", "Taylor + curvature")}
    for row, t in zip(x, target):
        scores, g = plain_scores(network, row)[0], jacobian(network, row)
        d = g * (fill - row)[:, None]
        if m.task == "classification":
            p = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
            slope, hessian = p - np.eye(len(p))[t], np.diag(p) - np.outer(p, p)
        else:
            slope, hessian = 2 * (scores - t), 2 * np.eye(len(scores))
        first, second = d @ slope, np.array([d[i] @ hessian @ d[i] for i in range(n_in)]) / 2
        each["gradient"].append(np.abs(g).sum(axis=1))
        each["gradient x input"].append(np.abs(d).sum(axis=1))
        each["Taylor"].append(np.abs(first))
        each["Fisher"].append(second)
        each["Taylor + curvature"].append(first + second)
    found = {name: np.mean(rows, axis=0) for name, rows in each.items()}
    weight = [sum(abs(math.prod(w)) for _, w in all_paths(network, i)) for i in range(n_in)]
    found["paths"] = np.array([len(all_paths(network, i)) for i in range(n_in)])
    found["path weight"] = np.array(weight)
    found["path weight x spread"] = np.array(weight) * x.std(axis=0)
    return found


@cases
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_importances_are_what_their_definitions_say(sizes, activation, task):
    network = random_network(sizes, activation, task=task)
    values, target = samples(network, 15, task)
    fill = np.linspace(-1, 2, sizes[0])
    found = interpret.importances(network, values, target, fill)
    expected = plain_importances(network, values, target, fill)
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name].shape == (sizes[0],)
        assert np.allclose(found[name], expected[name], rtol=1e-5, atol=1e-7), name


def test_taylor_with_curvature_foretells_the_loss():
    """Exactly for a linear network and the squared error; to third order in the move for the cross-entropy."""
    linear = random_network((5, 3), task="regression")
    values, target = samples(linear, task="regression")
    fill = values.mean(axis=0)
    predicted = interpret.importances(linear, values, target, fill)["Taylor + curvature"]
    assert np.allclose(predicted, interpret.ablation(linear, values, target, fill)[1], rtol=1e-9, atol=1e-12)
    classifier = random_network((5, 3))
    errors = []
    for spread in (1e-1, 1e-2):
        values, target = samples(classifier, 30)
        values = fill + spread * (values - fill)
        predicted = interpret.importances(classifier, values, target, fill)["Taylor + curvature"]
        errors.append(np.abs(predicted - interpret.ablation(classifier, values, target, fill)[1]).max())
    assert errors[1] < errors[0] / 500 and errors[0] > 1e-8


# --- importance: measured ---------------------------------------------------------------------------------------------


def test_evaluate_is_the_library_s_own():
    network = random_network((7, 4, 5, 3))
    values, labels = samples(network)
    scores = network.scores(values).astype(np.float64)
    accuracy, loss = interpret.evaluate(network, scores, labels)
    assert accuracy == prune.score(scores, labels, "classification") and 0 < accuracy < 1
    assert loss == softmax_cross_entropy(scores, labels)[0]
    network = random_network((7, 4, 5, 3), task="regression")
    values, target = samples(network, task="regression")
    r2, loss = interpret.evaluate(network, scores, target)
    assert math.isclose(r2, prune.score(scores, target, "regression"), rel_tol=1e-12)
    assert math.isclose(loss, sum((s - t) @ (s - t) for s, t in zip(scores, target)) / len(scores), rel_tol=1e-12)


def brute_force(network, values, target, replacement):
    """(drop, increase): the whole network again for every input."""
    def quality(v):
        return np.array(interpret.evaluate(network, network.scores(v).astype(np.float64), target))

    drop, increase = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for i in network.used_inputs()[0]:
        changed = values.copy()
        changed[:, i] = replacement(i)
        drop[i], increase[i] = (quality(values) - quality(changed)) * (1, -1)
    return drop, increase


@cases
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_ablation_is_the_network_run_again(sizes, activation, task):
    network = random_network(sizes, activation, task=task)
    values, target = samples(network, task=task)
    fill = values.mean(axis=0)
    found = interpret.ablation(network, values, target, fill)
    expected = brute_force(network, values, target, lambda i: fill[i])
    assert np.abs(expected[1]).max() > 0.01
    for a, b in zip(found, expected):
        assert a.shape == (sizes[0],) and np.allclose(a, b, rtol=1e-4, atol=1e-5)


@cases
def test_permutation_is_the_network_run_again(sizes, activation):
    network = random_network(sizes, activation)
    values, target = samples(network)
    found = interpret.permutation(network, values, target, np.random.default_rng(5), repeats=2)
    rng = np.random.default_rng(5)
    deals = [brute_force(network, values, target, lambda i: values[rng.permutation(len(values)), i]) for _ in range(2)]
    for a, b in zip(found, np.mean(deals, axis=0)):
        assert a.shape == (sizes[0],) and np.allclose(a, b, rtol=1e-4, atol=1e-5)
    assert np.abs(found[1]).max() > 0.01


def test_an_input_that_is_not_read_is_worth_nothing():
    network = network_of([[[1, 0], [0, 0], [0, 2]]])
    values, target = samples(network)
    fill = values.mean(axis=0)
    measured = [*interpret.ablation(network, values, target, fill),
                *interpret.permutation(network, values, target, np.random.default_rng(0))]
    assert all(a[1] == 0 for a in [*interpret.importances(network, values, target, fill).values(), *measured])
    assert measured[1][0] != 0 and measured[3][2] != 0


# --- rank correlation -------------------------------------------------------------------------------------------------


def test_spearman_by_hand():
    """Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: covariance 4.5, squares 4.5 and 5."""
    assert interpret.ranks(np.array([10, 20, 20, 70])).tolist() == [1, 2.5, 2.5, 4]
    assert interpret.ranks(np.array([3, -1, 3, 3, 0])).tolist() == [4, 1, 4, 4, 2]
    assert math.isclose(interpret.spearman(np.array([10, 20, 20, 70]), np.array([0, 5, 2, 9])), 4.5 / math.sqrt(22.5))


def test_spearman_sees_only_the_order():
    a, b = np.random.default_rng(0).normal(size=(2, 30))
    assert math.isclose(interpret.spearman(a, np.exp(a)), 1) and math.isclose(interpret.spearman(a, -(a**3)), -1)
    differences = interpret.ranks(a) - interpret.ranks(b)  # without ties 1 - 6 sum(d^2) / (n^3 - n)
    assert math.isclose(interpret.spearman(a, b), 1 - 6 * (differences @ differences) / (30**3 - 30))
    assert math.isnan(interpret.spearman(np.ones(4), np.arange(4)))


# --- symmetry ---------------------------------------------------------------------------------------------------------


def toy_like(extra=0.0, heard=1.0):
    """x1 - x2 to y1 and x3 + x4 to y2; x4 alone enters one more unit, which y2 hears as loud as `heard`."""
    first = [[2, -1.5, 0, 0, 0], [-2, 1.5, 0, 0, 0], [0, 0, 0.8, -0.9, 0], [0, 0, 0.8, -0.9, extra]]
    second = [[1, 0], [-1, 0], [0, 2], [0, 1], [0, heard]]
    return network_of([first, second], task="regression")


def test_groups_of_a_difference_and_a_sum():
    groups = interpret.symmetric_groups(toy_like())
    found = {tuple(sorted(g.inputs.tolist())): g for g in groups}
    assert found.keys() == {(0, 1), (2, 3)}
    assert np.allclose(found[0, 1].ratios, [1, -1]) and np.allclose(found[2, 3].ratios, [1, 1])
    assert all(math.isclose(g.score, 1) for g in groups)


def test_a_difference_counts_as_much_as_it_is_heard():
    pairs = {heard: sorted(sorted(g.inputs.tolist()) for g in interpret.symmetric_groups(toy_like(0.8, heard)))
             for heard in (0.01, 2.0)}
    assert pairs == {0.01: [[0, 1], [2, 3]], 2.0: [[0, 1]]}


def test_ratios_are_measured_from_the_strongest():
    W = [[1, 2, 0], [0, 0, 0], [-3, -6, 0], [0.5, 1, 0], [0, 0, 4], [0, 0, -1], [1, -2, 0]]
    groups = interpret.symmetric_groups(network_of([W]))
    assert [g.inputs.tolist() for g in groups] == [[2, 0, 3], [4, 5]]
    assert np.allclose(groups[0].ratios, [1, -1 / 3, -1 / 6]) and np.allclose(groups[1].ratios, [1, -0.25])


def test_the_tolerance_is_that_of_the_cosine():
    angle = math.acos(0.95)
    network = network_of([[[2, 0], [-math.cos(angle), math.sin(angle)]]])
    assert np.allclose(interpret.cosines(network), [[1, -0.95], [-0.95, 1]], atol=1e-6)
    assert interpret.symmetric_groups(network, tolerance=0.049) == []
    (group,) = interpret.symmetric_groups(network, tolerance=0.051)
    assert math.isclose(group.score, 0.95, abs_tol=1e-6) and math.isclose(group.ratios[1], -0.475, abs_tol=1e-6)
    for tolerance in (-0.1, 1, math.nan):
        with pytest.raises(ValueError, match="tolerance"):
            interpret.symmetric_groups(network, tolerance)


@pytest.mark.parametrize("sizes", SIZES)
def test_rows_are_weighed_by_the_paths_behind_them(sizes):
    network = random_network(sizes)
    first, used = network.layers[0].dense(), network.used_inputs()
    rows = first.astype(np.float64)
    if len(sizes) > 2:
        weighs = [sum(abs(math.prod(w)) for _, w in all_paths(network, u, 1)) for u in range(sizes[1])]
        rows = (rows * weighs)[:, used[1]]
    rows = rows[used[0]]
    assert np.allclose(interpret.weighted_rows(network), rows, rtol=1e-12, atol=1e-12)
    found = interpret.cosines(network)
    for a, b in itertools.product(range(len(rows)), repeat=2):
        length = np.linalg.norm(rows[a]) * np.linalg.norm(rows[b])
        assert math.isclose(found[a, b], rows[a] @ rows[b] / length if length else 0, abs_tol=1e-9)


def test_mirror_scores_by_hand():
    left_right = np.array([[1, 2, 2, 1], [0, 3, 3, 0], [5, 0, 0, 5.0]])
    odd = np.array([[1, 2, -2, -1], [0, 0, 0, 0], [1, 2, -2, -1.0]])
    lone = np.zeros((3, 4))
    lone[0, 1] = 7
    maps = np.stack([left_right.ravel(), odd.ravel(), lone.ravel(), np.zeros(12)], axis=1)
    squares = (left_right**2).sum()
    up_down = (2 * (left_right[0] @ left_right[2]) + left_right[1] @ left_right[1]) / squares
    assert np.allclose(interpret.mirror_scores(maps, (3, 4)), [[1, up_down], [-1, 1], [0, 0], [0, 0]])


def test_blur_is_a_sum_over_neighbours():
    shape, width = (4, 5), 0.8
    values = np.random.default_rng(0).normal(size=(20, 2))
    found = interpret.blur(values, shape, width).reshape(4, 5, 2)
    kernel = np.zeros((4, 5, 4, 5))
    for r, c, i, j in itertools.product(range(4), range(5), range(4), range(5)):
        kernel[r, c, i, j] = math.exp(-((r - i) ** 2 + (c - j) ** 2) / (2 * width**2))
    plain = np.einsum("rcij,ijm->rcm", kernel, values.reshape(4, 5, 2))
    assert np.allclose(found / found[0, 0, 0], plain / plain[0, 0, 0])
    assert np.abs(found).max() < np.abs(values).max()


# --- pathways ---------------------------------------------------------------------------------------------------------


@cases
def test_contributions_add_up_to_the_scores(sizes, activation):
    network = random_network(sizes, activation)
    for values in [*samples(network, 5)[0], np.zeros(sizes[0]), np.full(sizes[0], 1.0)]:  # 1.0 / 4 is the mean: x = 0
        parts = interpret.contributions(network, values)
        total = parts.bias + np.bincount(parts.paths[:, -1], parts.value, sizes[-1])
        expected, zs = plain_scores(network, interpret.scale(network, values))
        assert np.allclose(parts.scores, expected, rtol=1e-10, atol=1e-10)
        assert np.allclose(total, expected, rtol=1e-10, atol=1e-10)
        x = interpret.scale(network, values)
        for route, value in zip(parts.paths, parts.value):  # each by its definition
            part = x[route[0]]
            for k, (i, j) in enumerate(zip(route, route[1:])):
                part *= network.layers[k].dense()[i, j]
                if k < len(sizes) - 2:
                    part *= act(network, zs[k][j]) / zs[k][j] if zs[k][j] else 1
            assert math.isclose(value, part, rel_tol=1e-6, abs_tol=1e-12)
    assert not parts.value.any() and parts.bias.any()  # no input is left but the biases


@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_a_unit_at_zero_passes_nothing(activation):
    network = network_of([[[1], [-1]], [[5]]], activation=activation)
    parts = interpret.contributions(network, np.array([2.0, 2.0]))
    assert np.isfinite(parts.value).all() and parts.scores.tolist() == [0] and parts.value.sum() == 0


def test_strongest_paths():
    network = network_of([[[1, 0], [-5, 2], [3, 0]]])
    parts = interpret.contributions(network, np.ones(3))
    assert parts.paths[parts.strongest(0, 2)].tolist() == [[1, 0], [2, 0]]
    assert parts.value[parts.strongest(0, 9)].tolist() == [-5, 3, 1] and len(parts.strongest(1, 9)) == 1


# --- the order of a drawing -------------------------------------------------------------------------------------------


def plain_crossings(network, orders):
    """Every pair of edges of every layer."""
    count = 0
    for layer, rows, cols in zip(network.layers, orders, orders[1:]):
        above, below = ({u: p for p, u in enumerate(level)} for level in (rows, cols))
        edges = [(above[i], below[j]) for i, j, w in zip(layer.row, layer.col, layer.weight) if w != 0 and j in below]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(edges, 2))
    return count


@pytest.mark.parametrize("sizes", [*SIZES, (30, 12, 9, 4)])
def test_crossings_are_counted_exactly(sizes):
    network, rng = random_network(sizes), np.random.default_rng(1)
    counts = set()
    for _ in range(5):
        orders = [rng.permutation(level) for level in interpret.levels(network)]
        counts.add(interpret.crossings(network, orders))
        assert interpret.crossings(network, orders) == plain_crossings(network, orders)
    assert len(counts) > 1


def test_crossings_by_hand():
    network = network_of([[[1, 1], [1, 1]]])
    assert interpret.crossings(network, [np.array([0, 1])] * 2) == 1
    network = network_of([np.eye(3)])
    assert interpret.crossings(network, [np.array([0, 1, 2]), np.array([2, 1, 0])]) == 3


def test_the_least_crossings_of_all_orders_are_found():
    network = random_network((4, 4, 3))
    natural = interpret.levels(network)
    fewest = min(interpret.crossings(network, [np.array(level) for level in orders])
                 for orders in itertools.product(*(itertools.permutations(level) for level in natural)))
    assert interpret.crossings(network, interpret.order_units(network)) == fewest
    assert interpret.crossings(network, natural) > fewest


def test_an_order_is_a_permutation_and_the_same_every_time():
    network = random_network((30, 12, 9, 4))
    natural, orders = interpret.levels(network), interpret.order_units(network, fixed=(0, -1), restarts=4)
    assert [sorted(order.tolist()) for order in orders] == [level.tolist() for level in natural]
    assert np.array_equal(orders[0], natural[0]) and np.array_equal(orders[3], natural[3])
    assert interpret.crossings(network, orders) < interpret.crossings(network, natural)
    again = interpret.order_units(network, fixed=(0, -1), restarts=4)
    assert all(np.array_equal(a, b) for a, b in zip(orders, again))
    free = interpret.order_units(network, restarts=4)
    assert interpret.crossings(network, free) < interpret.crossings(network, orders)


def test_a_path_is_drawn_without_crossings():
    rng = np.random.default_rng(0)
    hidden = [rng.permutation(8) for _ in range(3)]
    network = network_of([np.eye(8)[hidden[0]], np.eye(8)[hidden[1]], np.eye(8)[hidden[2]]])
    assert interpret.crossings(network, interpret.levels(network)) > 20
    assert interpret.crossings(network, interpret.order_units(network, fixed=(-1,))) == 0


# --- the formula ------------------------------------------------------------------------------------------------------


@cases
@pytest.mark.parametrize("scaling", [{"divisor": 1.0, "mean": 0.0, "std": 1.0}, {}, {"mean": -3.0}])
def test_the_formula_is_the_network(sizes, activation, scaling):
    network = random_network(sizes, activation, **scaling)
    texts = interpret.formulas(network)
    names = {"silu": lambda z: z / (1 + math.exp(-z)), "relu": lambda z: max(z, 0.0)}
    values, _ = samples(network, 6)
    for row, scores in zip(values, network.scores(values)):
        found = [eval(text, {**names, **{f"x{i + 1}": float(v) for i, v in enumerate(row)}}) for text in texts]
        assert np.allclose(found, scores, rtol=1e-4, atol=1e-4)


def test_the_formula_by_hand():
    network = network_of([[[2, -1], [-0.5, 0], [0, 0]], [[3, 0], [-1, 0]]], [[1, 0], [0, -0.25]])
    assert interpret.formulas(network) == ["3*silu(2*x1 - 0.5*x2 + 1) - 1*silu(-1*x1)", "-0.25"]
    assert interpret.formulas(network_of([[[0], [1]], [[0]]])) == ["0"]
    assert interpret.formulas(network_of([[[1 / 3]]], activation="relu"), digits=3) == ["0.333*x1"]
    scaled = network_of([[[2]]], divisor=255.0, mean=0.5, std=0.25)
    assert interpret.formulas(scaled) == ["2*((x1/255 - 0.5)/0.25)"]


def test_the_formula_in_latex():
    network = network_of([[[2, 1e-6], [-0.5, 0]], [[3], [1]]], [[1, 0], [0]], mean=-1.0)
    (text,) = interpret.formulas(network, digits=3, latex=True)
    x1, x2 = (f"\\frac{{x_{{{i}}}/1 + 1}}{{1}}" for i in (1, 2))
    assert text == (f"3 \\, \\operatorname{{silu}}\\left(2 \\, {x1} - 0.5 \\, {x2} + 1\\right) + 1 \\, "
                    f"\\operatorname{{silu}}\\left(1 \\cdot 10^{{-6}} \\, {x1}\\right)")


def test_a_large_formula_is_refused():
    network = network_of([np.ones((20, 4)), np.ones((4, 3))])
    with pytest.raises(ValueError, match="240 paths; a formula is written for at most 200"):
        interpret.formulas(network)
    assert len(interpret.formulas(network, limit=240)) == 3

"""Each baseline does what its paper says, and whatever they do alike is alike: the epochs, the budget, the result."""

import math
from dataclasses import replace

import numpy as np
import pytest
from test_prune import EAGER, SMALL, TOTAL, formula, images, kinds, live, open_weights, same, scores, spread

from tinygsp.baselines import (METHODS, L0, Gradual, HardConcreteDense, HardConcreteEdges, Lottery, Magnitude, Random,
                               Snip, SparseVD, VariationalDense)
from tinygsp.gates import sigmoid
from tinygsp.layers import MaskedDense, MaskedEdges
from tinygsp.prune import Pruner
from tinygsp.sparse import SparseLayer, SparseNetwork

f32 = np.float32
PRICED = replace(SMALL, epochs=8, price_start=1e-4, price_rate=0.02)  # L0 and SparseVD come down to the budget


def trained(kind, settings=SMALL, seed=0, dataset=None):
    """A pruner at the end of its dense phase."""
    pruner = kind(dataset or images(), settings, seed)
    for _ in range(settings.dense_epochs):
        pruner.train_epoch()
    return pruner


def at_epoch(kind, epoch, settings=SMALL, seed=0):
    pruner = kind(images(), settings, seed)
    while pruner.epoch < epoch:
        pruner.train_epoch()
    return pruner


def weights(pruner):
    return [layer.params["W"].copy() for layer in pruner.model.masked]


def is_fresh(pruner, attempt=0):
    """Whether every weight is the one its place in the network began with."""
    fresh = list(pruner.fresh_weights(attempt))
    return all(np.array_equal(layer.params["W"], W.ravel()[layer.index])
               for layer, W in zip(pruner.model.masked, fresh))  # fmt: skip


def biases(pruner):
    """Which places of the original network are biases. Trimming may add a constant to one, or open it."""
    last_rows = [np.arange(n_in + 1).repeat(n_out) == n_in for n_in, n_out in zip(pruner.sizes, pruner.sizes[1:])]
    return np.concatenate(last_rows)


def whole_matrices(pruner):
    """(W, live) of each layer as it was before anything was pruned; 0 where nothing is left."""
    for layer, n_in, n_out in zip(pruner.model.masked, pruner.sizes, pruner.sizes[1:]):
        W, alive = np.zeros((n_in + 1) * n_out), np.zeros((n_in + 1) * n_out, bool)
        W[layer.index.ravel()] = layer.params["W"].ravel()
        alive[layer.index.ravel()] = layer.params["gate"].ravel() > -np.inf
        yield W.reshape(n_in + 1, n_out), alive.reshape(n_in + 1, n_out)


def network_of(matrices, keep, meta):
    """The trimmed network of the kept weights of whole matrices (n_in + 1, n_out), the last row being the biases."""
    layers = []
    for W, kept in zip(matrices, keep):
        W = (W * kept).astype(f32)
        col, row = np.nonzero(kept[:-1].T)
        layers.append(SparseLayer((len(W) - 1, W.shape[1]), row.astype(np.int32), col.astype(np.int32), W[row, col],
                                  W[-1]))
    return SparseNetwork(layers, meta).trim()


def largest_fit(matrices, ranking, budget, meta):
    """The network of the most weights, taken from the top of the ranking, that trimmed has at most `budget`."""
    flat = np.concatenate([values.ravel() for values in ranking])
    for lowest in [-np.inf, *np.unique(flat)]:
        network = network_of(matrices, [values > lowest for values in ranking], meta)
        if network.count() <= budget:
            return network


def lamp(W, alive):
    """LAMP by its formula: the square of each weight by the sum of all that are not smaller; -inf where it is gone."""
    squares = W.astype(np.float64) ** 2
    score = np.full(W.shape, -np.inf)
    for place in zip(*np.nonzero(alive)):
        score[place] = squares[place] / sum(q for q in squares[alive] if q >= squares[place])
    return score


# --- what all have in common --------------------------------------------------------------------------------


def test_methods():
    assert list(METHODS)[0] == "gates" and METHODS["gates"] is Pruner
    assert sorted(METHODS) == ["gates", "gradual", "l0", "lottery", "magnitude", "random", "snip", "vd"]
    assert all(issubclass(kind, Pruner) and kind.method == name for name, kind in METHODS.items())


@pytest.mark.parametrize("method", ["l0", "vd"])
def test_learned_gates_keep_their_own_start_and_rate(method):
    """Whatever the method's own settings are: fresh weights, gates at a rate of 3."""
    pruner = METHODS[method](images(), replace(PRICED, dense_epochs=2, gate_lr=9.0))
    for _ in range(2):
        pruner.train_epoch()
    pruner.start("search", 0)
    fresh = pruner.fresh_weights(0)
    assert all(np.array_equal(a, layer.params["W"]) for a, layer in zip(fresh, pruner.model.masked))
    assert math.isclose(pruner.rates("search", 0)["gate"], 3.0)


@pytest.mark.parametrize("case", ["images", "relu", "priced", "all of it", "least", "regression"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_ends_within_the_budget(method, case, tmp_path):
    settings = {
        "images": replace(SMALL, shift=1), "relu": replace(EAGER, activation="relu", density=0.3),
        "priced": replace(PRICED, shift=1, steer="drawn"), "all of it": replace(SMALL, density=1.0),
        "least": replace(SMALL, density=5 / TOTAL), "regression": replace(SMALL, density=0.5, lr=0.02),
    }[case]  # fmt: skip
    dataset = formula() if case == "regression" else images()
    pruner, gates = METHODS[method](dataset, settings, 3), Pruner(dataset, settings, 3)
    records = list(pruner.run())
    assert pruner.total_epochs == gates.total_epochs == len(records) == pruner.epoch
    assert pruner.step == len(records) * math.ceil(600 / 32)
    assert [r["phase"] for r in records[:2]] == ["dense"] * 2 and records[-1]["phase"] == "finetune"
    assert (pruner.budget, pruner.total) == (gates.budget, gates.total)
    assert 0 < pruner.network.count() <= pruner.budget
    assert records[-1]["open_gates"] == pruner.to_network(0).trim().count() <= pruner.budget
    assert all(math.isfinite(r[name]) for r in records for name in ("loss", "val_accuracy", "price", "noise"))
    assert all(r["density"] == r["open_gates"] / pruner.total for r in records)
    assert all((r["price"] > 0) == (r["phase"] == "search") for r in records)
    counts = pruner.gate_histogram()
    assert counts.sum() == pruner.total and counts.min() >= 0
    pruner.network.save(tmp_path / "model.npz")
    again = SparseNetwork.load(tmp_path / "model.npz")
    assert same(again, pruner.network) and again.total == pruner.total and again.meta == pruner.network.meta
    assert np.array_equal(again.predict(dataset.val_x), pruner.network.predict(dataset.val_x))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method):
    records = list(METHODS[method](images(), replace(PRICED, density=0.3)).run())
    assert records[-1]["val_accuracy"] > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_the_dense_phase_is_the_same(method):
    """The accuracy to beat: gates of every kind are open, the layers are plain ones."""
    expected = trained(Pruner, replace(SMALL, shift=1), seed=2)
    pruner = trained(METHODS[method], replace(SMALL, shift=1), seed=2)
    assert pruner.total_loss == expected.total_loss and pruner.validate() == expected.validate()
    assert all(np.array_equal(a, b) for a, b in zip(weights(pruner), weights(expected)))
    assert pruner.count_open() == TOTAL and same(pruner.to_network(0), expected.to_network(0))


def equal_states(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]) and np.asarray(a[name]).dtype == np.asarray(b[name]).dtype, name


@pytest.mark.parametrize("case", ["images", "priced", "regression"])
@pytest.mark.parametrize("method", METHODS)
def test_a_new_pruner_for_every_step(method, case):
    """The state is all there is, in every phase, within an epoch and between two: it goes on bit for bit."""
    settings = {
        "images": replace(SMALL, epochs=4, search_share=0.5, shift=1),
        "priced": replace(PRICED, epochs=5, search_share=0.5, rewire_moved=True, shift=1, tries=2, steer="drawn"),
        "regression": replace(SMALL, epochs=4, search_share=0.5, density=0.5, lr=0.02),
    }[case]  # fmt: skip
    dataset, kind = formula() if case == "regression" else images(), METHODS[method]
    whole = kind(dataset, settings, seed=4)
    expected = list(whole.run())
    pruner, records, seen = kind(dataset, settings, seed=4), [], set()
    while pruner.epoch < pruner.total_epochs:
        record = next(pruner.steps())
        records += [record] * bool(record)
        state, pruner = pruner.state(), kind(dataset, settings, seed=4)
        pruner.restore(state)
        equal_states(state, pruner.state())
        for name in state:  # what was handed over is not what is used
            state[name] = None if isinstance(state[name], (int, float)) else state[name].fill(0)
        if pruner.epoch < pruner.total_epochs:
            seen.add((pruner.place()[0], pruner.batch > 0))
    assert records == expected and pruner.network.to_bytes() == whole.network.to_bytes()
    equal_states(pruner.state(), whole.state())
    assert seen == {(phase, within) for phase, epochs in pruner.phases if epochs for within in (True, False)}


@pytest.mark.parametrize("method", [method for method in METHODS if method != "gates"])
def test_no_baseline_is_rewired(method):
    """Its search has those epochs as well: the same steps, and its own choice of connections."""
    settings = replace(SMALL, epochs=5, finetune_epochs=2)
    phases, ours = (METHODS[name](images(), replace(settings, search_share=0.4)).phases for name in (method, "gates"))
    assert phases == METHODS[method](images(), settings).phases and "rewire" not in dict(p for p in phases if p[1])
    assert sum(epochs for _, epochs in phases) == sum(epochs for _, epochs in ours) == 9 and dict(ours)["rewire"] == 3


@pytest.mark.parametrize("method", METHODS)
def test_seed_decides(method):
    settings = replace(SMALL, dense_epochs=1, epochs=2, finetune_epochs=1, shift=1)
    first, again, other = (list(METHODS[method](images(), settings, seed).run()) for seed in (0, 0, 1))
    assert first == again and first != other


@pytest.mark.parametrize("method", ["random", "snip", "magnitude", "gradual", "lottery"])
def test_without_a_dense_phase(method):
    pruner = METHODS[method](images(), replace(SMALL, dense_epochs=0))
    assert len(list(pruner.run())) == 9 and 0 < pruner.network.count() <= pruner.budget


# --- one cut ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_magnitudes_are_lamp_scores(seed):
    pruner = trained(Magnitude, seed=seed)
    for got, W in zip(pruner.magnitudes(), weights(pruner), strict=True):
        assert got.shape == W.shape and np.allclose(got, lamp(W, np.ones(W.shape, bool)), rtol=1e-9, atol=0)
        assert got.max() == 1 and np.array_equal(np.argsort(got.ravel()), np.argsort(np.abs(W).ravel()))


def test_magnitudes_leave_out_what_is_gone():
    """Its square is in no sum, and whatever its score, it stays closed."""
    pruner = trained(Magnitude)
    rng = np.random.default_rng(5)
    gone = [rng.random(W.shape) < 0.4 for W in weights(pruner)]
    for layer, closed in zip(pruner.model.masked, gone):
        layer.params["gate"][closed] = -np.inf
        layer.params["W"][closed] *= 9
    got = list(pruner.magnitudes())
    pruner.rank(got)
    for layer, score, closed in zip(pruner.model.masked, got, gone):
        expected = lamp(layer.params["W"], ~closed)
        assert np.allclose(score[~closed], expected[~closed], rtol=1e-9, atol=0)
        assert np.array_equal(layer.params["gate"], np.where(closed, -np.inf, score).astype(f32))


@pytest.mark.parametrize("density", [1.0, 0.3, 0.1, 0.03, 5 / TOTAL])
@pytest.mark.parametrize("kind", [Magnitude, Random, Snip])
def test_one_cut_keeps_the_highest(kind, density):
    """The cut is exactly the largest top of the ranking that, trimmed, fits the budget; the weights are not touched."""
    pruner, twin = (trained(kind, replace(SMALL, density=density)) for _ in range(2))
    ranking = [values.astype(f32) for values in twin.scores()]
    if kind is not Magnitude:
        assert is_fresh(twin)
    expected = largest_fit(weights(twin), ranking, twin.budget, twin.meta())
    pruner.start("finetune", 0)
    assert expected.count() <= pruner.budget and same(pruner.to_network(0), expected)
    assert kinds(pruner) == [MaskedEdges] * 3 and not pruner.optimizer.state
    assert pruner.count_open() == expected.count() == live(pruner).sum()
    assert all(np.all(layer.params["gate"] == np.inf) for layer in pruner.model.masked)
    if density > 0.2:
        assert expected.count() > 0.9 * pruner.budget


def test_magnitude_ranks_the_trained_weights():
    pruner = trained(Magnitude)
    trained_weights = weights(pruner)
    ranking = [lamp(W, np.ones(W.shape, bool)).astype(f32) for W in trained_weights]
    pruner.start("finetune", 0)
    assert same(pruner.to_network(0), largest_fit(trained_weights, ranking, pruner.budget, pruner.meta()))
    old, kept = np.concatenate([W.ravel() for W in trained_weights]), open_weights(pruner)
    there = (kept != 0) & ~biases(pruner)
    assert np.array_equal(kept[there], old[there].astype(f32)) and not is_fresh(pruner)


@pytest.mark.parametrize("kind", [Magnitude, Random, Snip])
def test_the_survivors_have_all_the_epochs_that_are_left(kind):
    pruner = kind(images(), SMALL)
    records = list(pruner.run())
    assert pruner.phases == [("dense", 2), ("finetune", 9)]
    assert [r["phase"] for r in records] == ["dense"] * 2 + ["finetune"] * 9
    assert len({r["open_gates"] for r in records[2:]}) == 1
    assert all(r["noise"] == 0 for r in records)


# --- a random wiring ----------------------------------------------------------------------------------------


def random_scores(seed, settings=SMALL):
    return list(Random(images(), settings, seed).scores())


def test_random_wiring_is_reproducible():
    first, again, other = random_scores(0), random_scores(0), random_scores(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other))
    assert all(np.isfinite(values).all() and values.min() > 0 for values in first)
    networks = []
    for seed in (0, 0, 1):
        pruner = trained(Random, seed=seed)
        pruner.start("finetune", 0)
        networks.append(pruner.to_network(0))
    assert same(*networks[:2]) and networks[0].to_bytes() != networks[2].to_bytes()


def test_random_wiring_does_not_look_at_the_data():
    """...nor at what the dense phase learned."""
    data = images()
    others = images(train_x=data.train_x[::-1].copy(), train_y=data.train_y)
    first, second = trained(Random), trained(Random, dataset=others)
    assert not np.array_equal(weights(first)[0], weights(second)[0])
    for pruner in (first, second):
        pruner.start("finetune", 0)
    assert same(first.to_network(0), second.to_network(0)) and is_fresh(first)


@pytest.mark.parametrize("count", [40, 200])
def test_random_rates_of_the_layers(count):
    """Drawn one after the other without replacement at rates (n_in + n_out) / (n_in n_out), the biases as an input.

    The share of a layer that is drawn among the first `count` of all is then 1 - exp(-t rate), with one t for all.
    """
    shapes = [(37, 12), (13, 8), (9, 3)]
    sizes = np.array([a * b for a, b in shapes])
    rates = np.array([(a + b) / (a * b) for a, b in shapes])
    low, high = 0.0, 1e3
    for _ in range(100):
        t = (low + high) / 2
        low, high = (t, high) if np.sum(sizes * (1 - np.exp(-t * rates))) < count else (low, t)
    drawn, each = [], np.zeros(TOTAL)
    for seed in range(150):
        ranking = random_scores(seed)
        flat = np.concatenate([values.ravel() for values in ranking])
        kept = flat >= np.sort(flat)[-count]
        drawn.append([part.sum() for part in np.split(kept, np.cumsum(sizes)[:-1])])
        each += kept
    drawn = np.array(drawn)
    assert np.all(drawn.sum(axis=1) == count)
    expected = sizes * (1 - np.exp(-t * rates))
    assert np.all(np.abs(drawn.mean(axis=0) - expected) < 5 * drawn.std(axis=0) / np.sqrt(150) + 0.01 * expected)
    p = np.repeat(expected / sizes, sizes)
    assert np.all(np.abs(each / 150 - p) < 5 * np.sqrt(p * (1 - p) / 150))  # and all places of a layer are equal


# --- sensitivity --------------------------------------------------------------------------------------------


def silu(x):
    return x * sigmoid(x)


def exact_loss(matrices, x, labels):
    """Cross-entropy in float64 of the network of matrices (n_in + 1, n_out), the last row being the biases."""
    for k, W in enumerate(matrices):
        x = x @ W[:-1] + W[-1]
        x = silu(x) if k < 2 else x
    return np.mean(np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(x)), labels])


@pytest.mark.parametrize("samples", [37, 5_000])
def test_snip_scores_are_derivatives_by_a_mask(samples):
    """|dL/dc| of y = x @ (c * W) at c = 1, by finite differences; biases, 0 in a fresh network, get a value here."""
    pruner = trained(Snip)
    pruner.samples = samples
    rng = np.random.default_rng(8)
    fresh = list(pruner.fresh_weights(0))
    for W in fresh:
        W[-1] = rng.normal(0, 0.5, W.shape[1])
    pruner.fresh_weights = lambda attempt: [W.copy() for W in fresh] if attempt == 0 else None
    got = list(pruner.scores())
    assert all(np.array_equal(a, b) for a, b in zip(weights(pruner), fresh))
    data, first = pruner.dataset, slice(min(samples, 600))
    x = (data.train_x[first] / 255.0 - 0.3) / 0.2
    matrices = [W.astype(np.float64) for W in fresh]
    largest = max(values.max() for values in got)
    for k, W in enumerate(matrices):
        places = [(len(W) - 1, 0), (len(W) - 1, W.shape[1] - 1)]
        places += [tuple(rng.integers(W.shape)) for _ in range(12)]
        for place in places:
            value, losses = W[place], []
            for c in (1 + 1e-4, 1 - 1e-4):
                W[place] = c * value
                losses.append(exact_loss(matrices, x, data.train_y[first]))
            W[place] = value
            assert abs(got[k][place] - abs(losses[0] - losses[1]) / 2e-4) < 1e-3 * got[k][place] + 1e-6 * largest
    assert all(np.all(values >= 0) for values in got)


def test_snip_looks_at_images_that_do_not_move():
    still, moved = (list(trained(Snip, replace(SMALL, shift=shift)).scores()) for shift in (0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(still, moved))


# --- many cuts ----------------------------------------------------------------------------------------------


def test_the_target_of_gradual_pruning_is_cubic():
    pruner = Gradual(images(), replace(SMALL, budget_at=0.6))
    assert pruner.budget == 57 and pruner.target(0) == TOTAL
    assert all(pruner.target(r) == 57 for r in (0.6, 0.61, 0.9, 1))
    assert math.isclose(pruner.target(0.3), 57 + (TOTAL - 57) / 8) and math.isclose(pruner.target(0.15), 57
                                                                                    + (TOTAL - 57) * 27 / 64)
    r = np.linspace(0, 0.6, 13)
    values = np.array([pruner.target(each) for each in r])
    assert np.allclose(np.diff(values, 3), np.diff(values, 3)[0], rtol=1e-6) and np.all(np.diff(values) < 0)


def cuts(pruner):
    """Run to the end of the search. For every cut (count asked for, matrices and live ones before, pruner after)."""
    seen, cut = [], pruner.cut

    def spied(count):
        before = list(whole_matrices(pruner))
        cut(count)
        seen.append((count, before, pruner.to_network(0).trim(), list(whole_matrices(pruner)), pruner.place()[2]))

    pruner.cut = spied
    while pruner.epoch < pruner.total_epochs and pruner.place()[0] != "finetune":
        pruner.train_epoch()
    return seen


@pytest.mark.parametrize("settings", [SMALL, replace(SMALL, density=0.5, activation="relu"), replace(SMALL, shift=1)])
@pytest.mark.parametrize("kind", [Gradual, Lottery])
def test_every_cut_is_the_largest_fit_and_final(kind, settings):
    pruner = kind(images(), settings)
    seen, gone = cuts(pruner), np.zeros(TOTAL, bool)
    assert len(seen) == (settings.epochs if kind is Gradual else pruner.rounds)
    for count, before, network, after, _ in seen:
        matrices, alive = [W for W, _ in before], [live for _, live in before]
        ranking = [lamp(W, live).astype(f32) for W, live in before]
        assert network.count() <= count
        assert same(network, largest_fit(matrices, ranking, count, pruner.meta()))
        closed = np.concatenate([~live.ravel() for _, live in after])
        assert not np.any(gone & ~closed) and not np.any(np.concatenate([~a.ravel() for a in alive]) & ~closed)
        gone = closed
    assert network.count() <= pruner.budget < 1.1 * network.count()
    for layer in pruner.model.masked:
        assert np.isinf(layer.params["gate"]).all()  # open for good or closed for good
    while pruner.epoch < pruner.total_epochs:
        pruner.train_epoch()
        assert not np.any((open_weights(pruner) != 0) & gone & ~biases(pruner))


def test_gradual_pruning_follows_its_target():
    """After every epoch, at the progress of its last step; what the record says is what is there."""
    settings = replace(SMALL, epochs=8)
    pruner = at_epoch(Gradual, 2, settings)
    before = TOTAL
    for epoch in range(1, 9):
        record = pruner.train_epoch()
        count, target = pruner.to_network(0).trim().count(), pruner.target((epoch - 1 + 18 / 19) / 8)
        assert 0.9 * target < count <= target and count <= before and record["open_gates"] >= count
        assert record["phase"] == "search" and record["noise"] == 0
        before = count


@pytest.mark.parametrize("kind", [Gradual, Lottery])
def test_the_search_goes_on_with_the_dense_network(kind):
    pruner = trained(kind)
    before = weights(pruner)
    pruner.start("search", 0)
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(pruner))) and not is_fresh(pruner)
    assert all(np.all(layer.params["gate"] == np.inf) for layer in pruner.model.masked)
    assert not pruner.optimizer.state and kinds(pruner) == [MaskedDense] * 3


def test_gradual_pruning_fine_tunes_what_it_found():
    pruner = at_epoch(Gradual, 8)
    found = pruner.to_network(0).trim()
    assert found.count() <= pruner.budget
    pruner.start("finetune", 0)
    assert same(pruner.to_network(0), found)


@pytest.mark.parametrize("kind", [Gradual, Lottery])
def test_a_second_try_has_weights_of_its_own(kind):
    settings = replace(SMALL, epochs=2, tries=2)
    pruner = at_epoch(kind, 7, settings)  # 2 dense, 2 + 3 of the first try
    assert pruner.place()[::3] == ("search", 1)
    pruner.start("search", 1)
    assert is_fresh(pruner, 1) and all(np.all(layer.params["gate"] == np.inf) for layer in pruner.model.masked)
    list(pruner.run())
    assert pruner.network.count() <= pruner.budget


# --- lottery tickets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("density, epochs, rounds", [
    (1.0, 40, 1), (0.82, 40, 1), (0.79, 40, 2), (0.1, 40, 11), (0.1, 6, 6), (0.1, 1, 1), (0.5, 40, 4),
    (5 / TOTAL, 150, 22),
])  # fmt: skip
def test_the_smallest_fifth_goes_in_a_round(density, epochs, rounds):
    """As many rounds as it takes, and no more: none takes more than a fifth, unless there are too few epochs."""
    pruner = Lottery(images(), replace(SMALL, density=density, epochs=epochs))
    assert pruner.rounds == rounds
    share = (pruner.budget / TOTAL) ** (1 / rounds)
    assert share >= 0.8 or rounds == epochs
    assert rounds == 1 or (pruner.budget / TOTAL) ** (1 / (rounds - 1)) < 0.8


@pytest.mark.parametrize("density, epochs, rounds", [(0.55, 6, 3), (0.1, 6, 6), (0.55, 10, 3), (0.9, 3, 1)])
def test_every_round_begins_with_the_first_weights(density, epochs, rounds):
    """...and no momentum, with fewer of them each time; the last one is the fine-tuning."""
    pruner = at_epoch(Lottery, 2, replace(SMALL, density=density, epochs=epochs))
    assert pruner.rounds == rounds
    survivors = [live(pruner)]
    for epoch in range(1, epochs + 1):
        pruner.train_epoch()
        now, ended = live(pruner), epoch * rounds // epochs > (epoch - 1) * rounds // epochs
        if ended:
            assert now.sum() < survivors[-1].sum() and not np.any(now & ~survivors[-1])
            survivors.append(now)
        assert np.array_equal(now, survivors[-1])
        if epoch < epochs:  # the weights of the last round are also ranked once more, to freeze the wiring
            assert is_fresh(pruner) == ended and bool(pruner.optimizer.state) != ended
    counts = [s.sum() for s in survivors]
    share = (pruner.budget / TOTAL) ** (1 / rounds)
    assert len(counts) == rounds + 1
    assert all(0.93 * share < b / a < 1.03 * share for a, b in zip(counts, counts[1:]))
    pruner.start("finetune", 0)
    assert is_fresh(pruner) and not pruner.optimizer.state
    assert not np.any(live(pruner) & ~survivors[-1]) and pruner.count_open() <= pruner.budget


@pytest.mark.parametrize("tries", [1, 2])
def test_tickets_are_rewound_to_the_weights_of_their_try(tries):
    settings = replace(SMALL, density=0.55, epochs=3, tries=tries)
    pruner = at_epoch(Lottery, 2 + 3 * tries + 3 * (tries - 1), settings)
    assert pruner.place()[::3] == ("finetune", tries - 1)
    pruner.start("finetune", tries - 1)
    assert is_fresh(pruner, tries - 1) and not is_fresh(pruner, 2 - tries)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_ticket_keeps_its_biases(seed):
    """They began with 0, and are 0 again after rewinding, but have won their place like the rest."""
    pruner = Lottery(images(), replace(SMALL, density=0.6, epochs=3), seed)
    *_, (count, _, network, after, _) = cuts(pruner)
    kept = sum(layer.kept_biases for layer in network.layers)
    assert kept > 2 and sum(alive[-1].sum() for _, alive in after) >= kept
    pruner.start("finetune", 0)
    assert np.count_nonzero(live(pruner) & biases(pruner)) == kept


@pytest.mark.parametrize("epochs, rounds", [(6, 3), (10, 3), (7, 7), (5, 1)])
def test_the_rate_starts_anew_with_every_round(epochs, rounds):
    """From lr down to nearly 0 as the epochs of a round pass, with the next round right after the cut."""
    pruner, steps = at_epoch(Lottery, 2, replace(SMALL, epochs=epochs, density=0.1)), []
    pruner.rounds = rounds
    train_step, cut = pruner.train_step, pruner.cut
    pruner.train_step = lambda *a: (train_step(*a), steps.append(pruner.optimizer.lr["W"]))[0]
    ends = []
    pruner.cut = lambda count: (cut(count), ends.append(len(steps)))
    for _ in range(epochs):
        pruner.train_epoch()
    assert len(ends) == rounds and ends[-1] == len(steps) == 19 * epochs
    for first, last in zip([0, *ends], ends):
        rates = steps[first:last]
        assert math.isclose(rates[0], 0.1, rel_tol=1e-9) and rates[-1] < 0.001
        assert all(a > b for a, b in zip(rates, rates[1:]))


@pytest.mark.parametrize("kept", [51, 54, 77, 100, 173, 308])
def test_the_last_round_leaves_the_whole_budget(kept):
    """Not one less, by a rounding."""
    pruner = Lottery(images(), replace(SMALL, density=kept / TOTAL, epochs=1, dense_epochs=1))
    [(count, *_)] = cuts(pruner)
    assert pruner.budget == kept == int(count)


# --- L0 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_open_hard_concrete_gates_are_a_plain_layer(noise):
    """Matrices and lists, whatever the noise: a gate of inf is 1, one of -inf is 0, and no gradient moves them."""
    rng = np.random.default_rng(4)
    W, gate = rng.normal(size=(8, 3)).astype(f32), np.where(rng.random((8, 3)) < 0.3, -np.inf, np.inf).astype(f32)
    x, dy = rng.normal(size=(5, 7)).astype(f32), rng.normal(size=(5, 3)).astype(f32)
    places = np.arange(24).reshape(8, 3).T.ravel()
    as_list = W.ravel()[places], gate.ravel()[places], places.astype(np.uint32), (8, 3), np.arange(7), np.arange(3)
    pairs = [(MaskedDense(W, gate, seed=1), HardConcreteDense(W, gate, seed=1)),
             (MaskedEdges(*as_list, seed=1), HardConcreteEdges(*as_list, seed=1))]  # fmt: skip
    for pair in pairs:
        for layer in pair:
            layer.sample(3, noise)
            layer.y, layer.dx = layer.forward(x), layer.backward(dy)
        plain, concrete = pair
        assert np.array_equal(concrete.y, plain.y) and np.array_equal(concrete.dx, plain.dx)
        assert np.array_equal(concrete.grads["W"], plain.grads["W"]) and concrete.open_gates == plain.open_gates
        concrete.penalty(0.3)
        assert np.all(np.abs(concrete.grads["gate"]) < 1e-30)


@pytest.mark.parametrize("kind, start", [(L0, 3.0), (SparseVD, 8.0)])
def test_noisy_methods_begin_again_from_the_first_weights(kind, start):
    pruner = trained(kind, replace(SMALL, gate_start=0.4))
    assert all(np.all(layer.params["gate"] == np.inf) for layer in pruner.model.masked)
    pruner.start("search", 0)
    assert is_fresh(pruner) and all(np.all(layer.params["gate"] == start) for layer in pruner.model.masked)


@pytest.mark.parametrize("kind", [L0, SparseVD])
def test_the_noise_never_fades(kind):
    pruner, seen = kind(images(), PRICED), []
    for record in pruner.run():
        assert record["noise"] == (1.0 if record["phase"] == "search" else 0.0)
        if record["phase"] == "search":
            x = pruner.val_inputs.batch(np.arange(60))
            outputs = []
            for step in (1, 1, 2):
                pruner.model.sample(step, pruner.noise(0.99))
                outputs.append(pruner.model.forward(x))
            assert np.array_equal(outputs[0], outputs[1])
            seen.append(np.abs(outputs[0] - outputs[2]).max())
    assert len(seen) == 8 and min(seen) > 1e-3


@pytest.mark.parametrize("kind", [L0, SparseVD])
def test_every_step_of_a_search_has_noise_and_a_price(kind, monkeypatch):
    pruner, asked = kind(images(), PRICED), []
    sample, penalty = kind.dense_class.sample, kind.dense_class.penalty
    monkeypatch.setattr(kind.dense_class, "sample",
                        lambda self, step, noise=1.0: (asked.append(("noise", noise)), sample(self, step, noise))[1])
    monkeypatch.setattr(kind.dense_class, "penalty",
                        lambda self, price: (asked.append(("price", price)), penalty(self, price))[1])
    pruner.epoch = 2
    next(pruner.steps())
    assert asked[:3] == [("noise", 1.0)] * 3 and len(asked) == 6 and len(set(asked[3:])) == 1
    assert asked[3][0] == "price" and asked[3][1] > 0


@pytest.mark.parametrize("kind", [L0, SparseVD])
def test_the_price_brings_the_count_to_the_budget(kind):
    records = [r for r in kind(images(), PRICED).run() if r["phase"] == "search"]
    assert records[0]["open_gates"] > 300 and 0.8 * 57 < records[-1]["open_gates"] < 1.2 * 57


@pytest.mark.parametrize("steer", ["open", "drawn"])
@pytest.mark.parametrize("kind", [L0, SparseVD])
def test_noisy_methods_use_their_budget(kind, steer):
    """A closed gate of L0 is exactly 0: what is missing from the budget in the end, no ranking can fill up."""
    pruner = kind(images(), replace(PRICED, epochs=16, steer=steer))
    list(pruner.run())
    assert 0.85 * 57 < pruner.network.count() <= 57


@pytest.mark.parametrize("edges_below", [0.0, 1.0])
@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_l0_hands_over_the_model_without_noise(activation, edges_below):
    """Its gates are between 0 and 1: they become part of the weights."""
    settings = replace(PRICED, density=0.5, activation=activation, edges_below=edges_below)
    pruner = at_epoch(L0, 10, settings)
    between = spread(pruner, lambda layer: np.clip(1.2 * sigmoid(layer.params["gate"] - np.log(11)) - 0.1, 0, 1))
    assert np.count_nonzero((between > 0) & (between < 1)) > 20
    folded = spread(pruner, lambda layer: layer.params["W"]) * between
    network = pruner.to_network(0)
    assert np.array_equal(between > 0, spread(pruner, lambda layer: layer.params["gate"] > 0) > 0)
    matrices = np.concatenate([np.append(part.dense(), part.bias[None], axis=0).ravel() for part in network.layers])
    assert np.allclose(matrices, folded, rtol=1e-5, atol=1e-7)
    before = scores(pruner)
    assert np.allclose(network.scores(pruner.dataset.val_x), before, rtol=1e-4, atol=1e-4)
    fits = network.trim().count() <= pruner.budget
    pruner.start("finetune", 0)
    assert kinds(pruner) == [HardConcreteEdges] * 3 and pruner.count_open() <= pruner.budget
    there = (open_weights(pruner) != 0) & ~biases(pruner)
    assert np.allclose(open_weights(pruner)[there], folded[there], rtol=1e-5, atol=1e-7) and there.sum() > 100
    assert np.allclose(scores(pruner), pruner.to_network(0).scores(pruner.dataset.val_x), rtol=1e-4, atol=1e-4)
    if fits:
        assert np.allclose(scores(pruner), before, rtol=1e-4, atol=1e-4)


def paired(kind, settings, changes):
    """Two pruners epoch by epoch, the second with `changes` of its settings, or (None) never compacting."""
    first, second = kind(images(), settings), kind(images(), replace(settings, **(changes or {})))
    if changes is None:
        second.compact = lambda places, units: None
    return zip(first.run(), second.run(), strict=True), first, second


@pytest.mark.parametrize("changes", [None, {"edges_below": 0.0}, {"edges_below": 1.0}])
def test_smaller_layers_change_nothing_of_l0(changes):
    """Sums are taken in another order, so weights agree to rounding; the wiring agrees exactly."""
    epochs, first, second = paired(L0, PRICED, changes)
    first.retire_gate = second.retire_gate = -0.3  # eager
    for a, b in epochs:
        assert (a["epoch"], a["open_gates"], a["val_accuracy"]) == (b["epoch"], b["open_gates"], b["val_accuracy"])
        assert math.isclose(a["price"], b["price"], rel_tol=1e-9)
        values = [spread(pruner, pruner.weights) for pruner in (first, second)]
        assert np.array_equal(live(first), live(second)) and np.allclose(*values, rtol=0, atol=1e-4)
        if a["epoch"] == 10:
            assert live(first).sum() < 0.3 * TOTAL and kinds(first) == [HardConcreteEdges] * 3
            assert kinds(second) == [HardConcreteEdges if changes == {"edges_below": 1.0} else HardConcreteDense] * 3


# --- sparse variational dropout -----------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_weights_without_variance_are_a_plain_layer(noise):
    rng = np.random.default_rng(4)
    W, gate = rng.normal(size=(8, 3)).astype(f32), np.where(rng.random((8, 3)) < 0.3, -np.inf, np.inf).astype(f32)
    x, dy = rng.normal(size=(5, 7)).astype(f32), rng.normal(size=(5, 3)).astype(f32)
    plain, normal = MaskedDense(W, gate), VariationalDense(W, gate)
    for layer in (plain, normal):
        layer.sample(3, noise)
        layer.y, layer.dx = layer.forward(x), layer.backward(dy)
    assert np.allclose(normal.y, plain.y, rtol=0, atol=1e-5 if noise else 0) and normal.open_gates == plain.open_gates
    assert np.array_equal(normal.grads["W"], plain.grads["W"])
    if not noise:
        assert np.array_equal(normal.dx, plain.dx) and not normal.grads["gate"].any()
    else:
        normal.penalty(0.3)
        assert not normal.grads["gate"].any() and np.array_equal(normal.grads["W"], plain.grads["W"])


def test_vd_hands_over_the_model_without_noise():
    """The weights of log alpha up to 3, as they are."""
    pruner = at_epoch(SparseVD, 8, PRICED)
    W, gate = (spread(pruner, lambda layer: layer.params[name]) for name in ("W", "gate"))
    log_alpha = -gate - np.log(W**2 + 1e-30)
    keep = (log_alpha < 3) & live(pruner)
    assert 57 < keep.sum() < live(pruner).sum() < 400 and np.abs(log_alpha - 3).min() > 1e-4
    network = pruner.to_network(0)
    matrices = np.concatenate([np.append(part.dense(), part.bias[None], axis=0).ravel() for part in network.layers])
    assert np.array_equal(matrices, np.where(keep, W, 0)) and pruner.count_open() == keep.sum()
    before = scores(pruner)
    assert np.allclose(network.scores(pruner.dataset.val_x), before, rtol=1e-4, atol=1e-4)
    pruner.from_network(network.trim())
    assert kinds(pruner) == [MaskedEdges] * 3 and np.allclose(scores(pruner), before, rtol=1e-4, atol=1e-4)


def test_vd_keeps_the_lowest_log_alpha():
    pruner = at_epoch(SparseVD, 8, PRICED)
    ranking = [3 + gate + np.log(W.astype(np.float64) ** 2 + 1e-20) for (W, _), gate in zip(
        whole_matrices(pruner), (spread_of(pruner, k) for k in range(3)))]
    matrices = [W for W, _ in whole_matrices(pruner)]
    expected = largest_fit(matrices, ranking, pruner.budget, pruner.meta())
    pruner.start("finetune", 0)
    assert same(pruner.to_network(0), expected) and 0.8 * 57 < expected.count() <= 57


def spread_of(pruner, k):
    """The gates of layer k at their places, -inf where nothing is left."""
    layer, shape = pruner.model.masked[k], (pruner.sizes[k] + 1, pruner.sizes[k + 1])
    gate = np.full(shape[0] * shape[1], -np.inf)
    gate[layer.index.ravel()] = layer.params["gate"].ravel()
    return gate.reshape(shape)


def test_vd_has_no_lists_of_connections():
    """...until it is done with noise; the settings it is given do not matter."""
    pruner = SparseVD(images(), replace(PRICED, edges_below=1.0))
    for record in pruner.run():
        assert kinds(pruner) == ([MaskedEdges] if record["phase"] == "finetune" else [VariationalDense]) * 3


@pytest.mark.parametrize("kind, lowest", [(L0, -3.0), (SparseVD, -2.0)])
def test_what_is_retired(kind, lowest):
    """What is below the threshold, which does not move, and what then hangs on a dead unit."""
    pruner = trained(kind, PRICED)
    pruner.start("search", 0)
    values = np.linspace(-6, 1, 36 * 12).astype(f32).reshape(36, 12)  # the logits of the first layer's weights
    for layer in pruner.model.masked:
        layer.params["W"][:] = np.e
    layer = pruner.model.masked[0]
    layer.params["gate"][:-1] = values if kind is L0 else values - 5  # 3 - log alpha = 3 + gate + 2
    ranking = spread(pruner, pruner.logits)
    assert np.allclose(ranking[: 36 * 12], values.ravel(), rtol=0, atol=1e-5)
    for r in (0.0, 0.99):
        pruner.close_gates(r)
        assert np.array_equal(live(pruner), ranking >= lowest) and np.abs(ranking - lowest).min() > 1e-3
    pruner.close_below(1e3)  # nothing is left
    assert not live(pruner).any()


def test_smaller_layers_change_no_score_of_vd():
    pruner = at_epoch(SparseVD, 10, PRICED)
    compact, shapes = pruner.compact, [W.shape for W in weights(pruner)]
    pruner.compact = lambda places, units: None
    pruner.close_below(1.0)
    before = scores(pruner)
    pruner.compact = compact
    pruner.close_below(1.0)
    assert np.allclose(scores(pruner), before, rtol=1e-5, atol=1e-5)
    assert all(a != b for a, b in zip(shapes, (W.shape for W in weights(pruner))))


def same_but_for_rounding(first, second, a, b):
    assert (a["epoch"], a["open_gates"], a["val_accuracy"]) == (b["epoch"], b["open_gates"], b["val_accuracy"])
    assert math.isclose(a["price"], b["price"], rel_tol=1e-9) and np.array_equal(live(first), live(second))
    assert np.allclose(open_weights(first), open_weights(second), rtol=0, atol=1e-4)


def test_dropped_inputs_change_nothing_of_vd():
    """Three rounds of it, while every unit is still there."""
    first, second = (at_epoch(SparseVD, 3, replace(PRICED, density=0.5)) for _ in range(2))
    second.compact = lambda places, units: None
    for row in (5, 17, 33):
        for pruner in (first, second):
            layer = pruner.model.masked[0]
            layer.params["gate"][layer.index // 12 == row] = -np.inf
            pruner.close_below(pruner.retire_logit)
        same_but_for_rounding(first, second, first.train_epoch(), second.train_epoch())
    assert [W.shape for W in weights(first)] == [(34, 12), (13, 8), (9, 3)]
    assert [W.shape for W in weights(second)] == [(37, 12), (13, 8), (9, 3)]


def test_smaller_layers_change_nothing_of_vd():
    epochs, first, second = paired(SparseVD, PRICED, None)
    for a, b in epochs:
        same_but_for_rounding(first, second, a, b)
        if a["epoch"] == 10:
            assert [W.shape for W in weights(second)] == [(37, 12), (13, 8), (9, 3)]
            assert all(V.size < 0.9 * W.size for V, W in zip(weights(first), weights(second)))

"""Second-order training of small networks: its derivatives, and that each step does what it says."""

import numpy as np
import pytest
from helpers.small import LOSSES, random_net, small_problem

from tinygsp.training import newton
from tinygsp.training.newton import close, drop, grow, open_places, promises, swap, tidy, train
from tinygsp.training.objectives import OBJECTIVES


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """No product is rounded to float32."""
    monkeypatch.setattr(newton, "LARGE", 10**9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", [(), (3,), (3, 2)])
def test_gradient_by_finite_differences(loss, hidden, rng):
    net = random_net(small_problem(loss, k=3), hidden, share=1.0)
    g = net.of_open(net.gradients())
    values, direction = net.of_open(net.W), rng.normal(size=len(g))
    ends = [net.evaluate(net.with_open(values + step * direction)) for step in (1e-6, -1e-6)]
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(g @ direction, rel=1e-4)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
def test_curvature_of_a_linear_model_is_the_hessian(loss, k):
    net = random_net(small_problem(loss, k=k), hidden=(), share=0.8)
    H, values = net.curvature(), net.of_open(net.W)
    numeric = np.empty_like(H)
    for j in range(len(values)):
        ends = []
        for step in (1e-5, -1e-5):
            moved = values.copy()
            moved[j] += step
            net.W = net.with_open(moved)
            net.evaluate(net.W)
            ends.append(net.of_open(net.gradients()))
        numeric[j] = (ends[0] - ends[1]) / 2e-5
        net.W = net.with_open(values)
    assert np.allclose(H, numeric, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", [(), (3,), (3, 2)])
def test_curvature_is_the_sum_over_samples_and_outputs(loss, hidden):
    """J' Q J computed sample by sample, with numeric J; the diagonal of all parameters is that of H."""
    net = random_net(small_problem(loss, n=9, k=3), hidden, share=1.0)
    values, k = net.of_open(net.W), 3
    J = np.empty((9, k, len(values)))
    for j in range(len(values)):
        ends = []
        for step in (1e-6, -1e-6):
            moved = values.copy()
            moved[j] += step
            net.W = net.with_open(moved)
            ends.append(net.outputs(net.x[:, :-1]))
        J[:, :, j] = (ends[0] - ends[1]) / 2e-6
    net.W = net.with_open(values)
    net.evaluate(net.W)
    q, expected = net.objective.curvature(), np.diag(net.of_open(net.decays))
    for sample in range(9):
        Q = np.diag(q[sample])
        if net.objective.couples:
            Q -= np.outer(q[sample], q[sample]) / net.objective.weights[sample]
        expected += J[sample].T @ Q @ J[sample]
    assert np.allclose(net.curvature(), expected, atol=1e-7)
    assert np.allclose(net.of_open(net.diagonals()), np.diag(expected), atol=1e-7)


def test_large_products_are_nearly_the_same_in_float32(monkeypatch):
    net = random_net(small_problem("cross-entropy", k=3))
    exact = net.curvature()
    monkeypatch.setattr(newton, "LARGE", 0)
    assert not np.array_equal(net.curvature(), exact) and np.allclose(net.curvature(), exact, atol=1e-5)


def test_training_a_linear_regression_gives_least_squares():
    problem = small_problem(k=1, weighted=False)
    net = problem.small([np.zeros((5, 1))], None, 0.0)
    train(net, 20, 1e-12)
    x = np.column_stack([problem.x, np.ones(40)])
    assert np.allclose(net.W[0], np.linalg.lstsq(x, problem.target, rcond=None)[0], atol=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_training_never_raises_the_objective(loss):
    net = random_net(small_problem(loss, k=3))
    values = []
    for _ in range(15):
        train(net, 1)
        values.append(net.value)
    assert values == sorted(values, reverse=True) and values[-1] < 0.9 * values[0]


def test_weights_are_how_often_a_sample_counts():
    problem = small_problem("cross-entropy", k=3)
    times = np.arange(40) % 3
    repeated = problem.take(np.arange(40).repeat(times))
    nets = []
    for objective, x in (
        (OBJECTIVES["cross-entropy"](problem.target, times.astype(float)), problem.x),
        (OBJECTIVES["cross-entropy"](repeated.target), repeated.x),
    ):
        nets.append(newton.Small(x, objective, [np.zeros((5, 3))]))
        train(nets[-1], 20, 1e-12)
    assert np.allclose(nets[0].W[0], nets[1].W[0], atol=1e-6)


def test_two_classes_have_one_score():
    problem = small_problem("cross-entropy", k=2)
    net = problem.small([np.ones((5, 2))], None, 0.01)
    train(net, 10)
    assert (net.W[0][:, 0] == 0).all() and net.count() == 5 and (net.W[0][:, 1] != 0).all()
    assert (promises(net).reshape(5, 2)[:, 0] == -np.inf).all()


def test_certain_samples_have_no_curvature_rather_than_a_negative_one():
    """Where a probability is 1 up to rounding, p - p^2 may come out below 0."""
    problem = small_problem("cross-entropy", n=200, k=2)
    for size in (30, 300, 1e4):
        net = problem.small([np.full((5, 2), float(size))], None, 0.01)
        with np.errstate(invalid="raise"):
            assert np.isfinite(net.curvature()).all()


def test_constant_columns_are_never_open():
    problem = small_problem()
    problem.x[:, 1] = 0
    net = problem.small([np.ones((5, 2))], None, 0.01)
    assert not net.is_open[0][1].any() and (promises(net).reshape(5, 2)[1] == -np.inf).all()


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_drop_keeps_the_count_and_what_matters(hidden):
    problem = small_problem(n=200, features=6, k=1)
    net = random_net(problem, hidden, share=1.0, decay=1e-3)
    train(net, 30)
    drop(net, 8 if hidden else 2, share=0.05)
    assert net.count() <= (8 if hidden else 2)
    used = net.is_open[0][:-1].any(axis=1)
    assert used[0] and used.sum() <= (3 if hidden else 1)  # the target is the first input and noise


def test_drop_leaves_pinned_biases():
    net = random_net(small_problem(k=2), (), share=1.0)
    drop(net, 1)
    assert net.count() == 2 and net.is_open[0][-1].all()


def test_swap_finds_the_better_input():
    problem = small_problem(n=200, features=6, k=1)
    is_open = np.zeros((7, 1), bool)
    is_open[[4, 6]] = True
    net = problem.small([np.zeros((7, 1))], [is_open], 1e-3)
    train(net, 10)
    before = net.value
    swap(net)
    assert np.flatnonzero(net.is_open[0]).tolist() == [0, 6] and net.value < 0.5 * before


def test_swap_changes_nothing_that_does_not_help():
    problem = small_problem(n=200, features=6, k=1)
    is_open = np.zeros((7, 1), bool)
    is_open[[0, 6]] = True
    net = problem.small([np.zeros((7, 1))], [is_open], 1e-3)
    train(net, 30, 1e-12)
    W, value = net.W[0].copy(), net.value
    swap(net)
    assert np.array_equal(net.W[0], W) and net.value == value


def test_grow_opens_the_most_promising_first():
    problem = small_problem(n=200, features=6, k=1)
    net = problem.small([np.zeros((7, 1))], [np.zeros((7, 1), bool)], 1e-3)
    train(net, 5)
    grow(net, 2)
    assert np.flatnonzero(net.is_open[0]).tolist() == [0, 6]
    grow(net, 5)
    assert net.count() == 5


def test_tidy_keeps_the_function():
    net = random_net(small_problem(k=2), (4,), share=1.0)
    net.is_open[0][:-1, 1] = False  # a unit without inputs: a constant
    net.W[0][:-1, 1] = 0
    net.is_open[1][2] = False  # a unit that nothing reads
    net.W[1][2] = 0
    before = net.outputs(net.x[:, :-1])
    tidy(net)
    assert np.allclose(net.outputs(net.x[:, :-1]), before)
    assert not net.is_open[0][:, [1, 2]].any() and not net.is_open[1][[1, 2]].any()
    assert all((w[~o] == 0).all() for w, o in zip(net.W, net.is_open))


def test_closing_and_opening_by_number():
    net = random_net(small_problem(k=2), (), share=1.0)
    close(net, np.array([0, 3]))
    assert np.flatnonzero(~net.is_open[0]).tolist() == [0, 3] and (net.W[0].flat[[0, 3]] == 0).all()
    open_places(net, np.array([3]))
    assert np.flatnonzero(~net.is_open[0]).tolist() == [0]


def test_recall_goes_back():
    net = random_net(small_problem(k=2), (4,))
    memory, W, count = net.memory(), [w.copy() for w in net.W], net.count()
    drop(net, 5)
    net.recall(memory)
    assert net.count() == count and all(map(np.array_equal, net.W, W))

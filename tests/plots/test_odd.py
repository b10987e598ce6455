"""Figures of odd findings: one point, equal values, one method, one class, one pixel. None of them makes a warning."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.reading import network_of

from tinygsp import plots

pytestmark = pytest.mark.filterwarnings("error")


def drawn(figure):
    return plots.files("figure", figure).keys() == {"figure.png", "figure.svg"}


@pytest.mark.parametrize("score, name, sd", [(1.0, "accuracy", None), (0.9, "accuracy", 0.0), (0.9, "R²", 0.3),
                                             (0.0, "accuracy", None), (-3.0, "R²", None)])  # fmt: skip
def test_a_comparison_of_one_point(axes, score, name, sd):
    plots.frontier([{"method": "one", "kept": 400, "test_accuracy": score, "test_sd": sd}], (), axes, name)
    low, high = axes.get_ylim()
    assert low > 1.2 * high > 0 and low >= max(1 - score, 1e-6) >= high


@pytest.mark.parametrize("kept, methods", [((400, 400), ("one",)), ((1, 1000), ("one", "two"))])
def test_a_comparison_of_equal_scores(axes, kept, methods):
    rows = [{"method": m, "kept": k, "test_accuracy": 0.9, "test_sd": 0.0} for m in methods for k in kept]
    plots.frontier(rows, (), axes)
    assert axes.get_ylim()[0] > 0.1 > axes.get_ylim()[1]


def test_a_comparison_of_nothing(axes):
    plots.frontier([], (), axes)


@pytest.mark.parametrize("phases, score, density", [("a", 0.0, 1.0), ("aaa", 1.0, 1.0), ("ab", -5.0, 1.0),
                                                    ("ab", 0.5, 0.0)])  # fmt: skip
def test_a_short_run_of_equal_scores(phases, score, density):
    same = {"val_accuracy": score, "density": density, "open_gates": 1}
    rows = [{"epoch": k + 1, "phase": phase, **same} for k, phase in enumerate(phases)]
    network = network_of([np.eye(1)], input_shape=(1, 1))
    assert "training.svg" in plots.run_figures(rows, np.zeros((1, 20), np.int64), network)


def test_a_bench_of_equal_times():
    steps = {"all of it": 1.0, "products": 1.0, "5,000 live": 1.0, "400 live": 1.0}
    assert drawn(plots.speed_figure({"steps": steps, "inference": {"images a second": {"pruned, tinygsp": 1.0}},
                                     "growth": {"300-100": steps}}))  # fmt: skip


NETWORKS = {
    "one pixel": ((1, 2, 2), (1, 1)),
    "one class": ((6, 3, 1), (2, 3)),
    "one of each": ((1, 1, 1), (1, 1)),
    "a row": ((6, 3, 2), (1, 6)),
    "a table": ((1, 1, 1), (1,)),
    "no hidden layer": ((6, 2), (2, 3)),
}


@pytest.mark.parametrize("name, value", [*zip(NETWORKS, [0.0, 1.0, 0.0, 1e-300, 0.0, 1e30])])
def test_findings_of_small_networks_and_of_equal_values(name, value):
    sizes, shape = NETWORKS[name]
    network = network_of([np.ones(pair) for pair in zip(sizes, sizes[1:])], input_shape=shape, std=1.0)
    n = sizes[0]
    x, y = np.zeros((5, n), np.uint8), np.zeros(5, np.int64)
    dataset = SimpleNamespace(train_x=x, train_y=y, val_x=x, test_x=x)
    used = len(network.used_inputs()[0])
    importance = {name: np.full(n, value) for name in ("paths", "Fisher", "ablation loss")}
    assert drawn(plots.importance_figure(network, importance, "Fisher"))
    assert drawn(plots.classes_figure(network, dataset, 20))
    mirror = [[value, value]] * sizes[-1] if len(shape) == 2 else None
    assert drawn(plots.symmetry_figure(network, mirror, 2.0))
    of_used = {name: values[:used] for name, values in importance.items()}
    assert drawn(plots.validation_figure(of_used, {"Fisher": {"ablation loss": None}}))
    orders = [list(range(size)) for size in sizes]
    assert drawn(plots.network_figure(network, orders, {"natural": 0, "ordered": 0}))
    examples = [{"index": 0, "kind": "right", "target": 0, "outputs": list(range(min(2, sizes[-1])))}]
    assert drawn(plots.paths_figure(network, dataset, orders, examples, 12))

"""The figures of explain: captions, ticks and colours say what is drawn."""

import numpy as np
import pytest
from helpers.explained import reader_of_bands
from helpers.reading import random_network, samples
from matplotlib.colors import to_rgba_array

from tinygsp import plots, reading
from tinygsp.plots.findings import MEANINGS
from tinygsp.plots.inputs import apart, signed_root, signed_square
from tinygsp.plots.style import AGAINST, FOR, SIGNED


@pytest.mark.parametrize("largest", [1e-6, 0.0163, 0.02, 1, 21, 3e5])
def test_ticks_of_square_roots_stand_apart(largest):
    ticks = np.array(apart(largest))
    assert ticks[0] == 0 and 3 <= len(ticks) <= 5 and ticks[-1] <= largest
    assert (np.diff(np.sqrt(ticks / largest)) >= 0.2).all()


def test_every_definition_of_importance_is_said_in_words():
    network = reader_of_bands()
    values = {name: np.ones(30) for name in ("paths", "Fisher", "ablation loss")}
    figure = plots.importance_figure(network, values, "Fisher")
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert any(label.startswith("Fisher: curvature of the loss") for label in labels)
    rng = np.random.default_rng(0)
    x = rng.integers(256, size=(40, 30)).astype(np.uint8)
    made = reading.importances(network, x, network.predict(x))
    assert made.keys() - {"paths"} <= MEANINGS.keys()


def test_for_is_blue_and_against_is_orange():
    rgb = lambda name: np.array([int(name[k : k + 2], 16) for k in (1, 3, 5)]) / 255  # noqa: E731
    assert np.allclose(SIGNED(5 / 6)[:3], rgb(FOR), atol=0.02) and np.allclose(
        SIGNED(1 / 6)[:3], rgb(AGAINST), atol=0.02
    )
    assert np.allclose(SIGNED(0.5)[:3], 1, atol=0.02)
    values = np.array([-4.0, -0.25, 0, 9])
    assert signed_root(values).tolist() == [-2, -0.5, 0, 3] and np.allclose(signed_square(signed_root(values)), values)


def test_each_score_has_a_row_of_as_many_paths_as_its_caption_says():
    network = random_network((12, 6, 5, 3), input_shape=(3, 4))
    values, target = samples(network, 5)
    dataset = Sampled(values, target)
    orders = [order.tolist() for order in reading.order_units(network, restarts=1)]
    examples = [{"index": 1, "kind": "right", "target": 0, "outputs": [0, 2]}]
    figure = plots.paths_figure(network, dataset, orders, examples, 4)
    rows = [axes for axes in figure.axes if axes.get_title().startswith("A typical right answer")]
    assert len(rows) == 2 and "4 strongest paths" in figure.get_suptitle()
    parts = reading.contributions(network, values[1])
    for axes, output, place in zip(rows, (0, 2), ("the winner", "the runner-up")):
        (drawn,) = axes.collections
        lines = drawn.get_segments()
        assert len(lines) == 4 and {len(line) for line in lines} == {4} and axes.get_title().endswith(place)
        assert len({tuple(np.round(line[1:, 1], 9)) for line in lines}) == 4  # side by side, not on each other
        adds = parts.value[parts.strongest(output, 4)[::-1]] > 0  # the strongest is drawn last, on top
        colours = [FOR if is_for else AGAINST for is_for in adds]
        assert np.allclose(drawn.get_colors(), to_rgba_array(colours, 0.85))
        assert [dashes is None for _, dashes in drawn.get_linestyles()] == adds.tolist()
        starts = [line for line in axes.get_lines() if line.get_color() in (FOR, AGAINST)]
        assert sorted(len(line.get_xdata()) for line in starts) == sorted([adds.sum(), 4 - adds.sum()])


class Sampled:
    """What paths_figure takes of a data set."""

    def __init__(self, x, y):
        self.test_x, self.test_y = x, y


def test_titles_are_inside_the_picture():
    """Panels that keep their shape grow when they get their place, and their titles move up."""
    network = random_network((36, 3, 3), input_shape=(6, 6))
    values = {name: np.ones(36) for name in ("paths", "Fisher", "ablation loss")}
    figure = plots.importance_figure(network, values, "Fisher")
    plots.files("importance", figure)
    titles = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
    assert len(titles) == 3 and all(0 < box.y0 and box.y1 <= figure.bbox.y1 for box in titles)

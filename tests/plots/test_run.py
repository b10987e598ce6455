"""Figures of a run: they follow the records, whatever the phases are called."""

import numpy as np
import pytest
from helpers.reading import network_of, random_network

from tinygsp import plots
from tinygsp.plots.run import PHASE_COLOURS, focus


def records(*phases, epochs=4, total=100):
    """An epoch a record, `epochs` of each phase: every gate open in the first phase, fewer and fewer after it."""
    names = [name for name in phases for _ in range(epochs)]
    found = []
    for k, name in enumerate(names):
        count = total if k < epochs else total - 10 * (k - epochs + 1)
        row = {"epoch": k + 1, "phase": name, "val_accuracy": 0.5 + 0.01 * k, "open_gates": count}
        found.append({**row, "density": count / total})
    return found


def test_colours_and_labels_follow_the_order_of_the_phases(axes):
    plots.score_against_kept(records("warm-up", "melt", "anneal", "polish"), "accuracy", axes)
    labels = [line.get_label() for line in axes.get_lines()]
    assert labels == ["warm-up, all gates open", "melt", "anneal", "polish"]
    assert [line.get_color() for line in axes.get_lines()] == list(PHASE_COLOURS[:4])
    assert list(PHASE_COLOURS[:4]) == [plots.GREY, plots.BLUE, plots.GREEN, plots.ORANGE]
    assert len({line.get_marker() for line in axes.get_lines()[1:]}) == 3


def test_a_phase_with_all_gates_open_is_a_line_at_its_last_score(axes):
    plots.score_against_kept(records("a", "b"), "accuracy", axes)
    line, points = axes.get_lines()
    assert set(line.get_ydata()) == {0.53} and line.get_linestyle() == "--"
    assert points.get_xdata().tolist() == [90, 80, 70, 60] and points.get_linestyle() == "None"


def test_an_epoch_without_open_gates_has_no_place_on_a_log_axis(axes):
    rows = records("a", "b")
    rows[-1].update(open_gates=0, density=0.0)
    plots.score_against_kept(rows, "accuracy", axes)
    assert axes.get_lines()[1].get_xdata().tolist() == [90, 80, 70]


def test_more_phases_than_colours(axes):
    names = [f"phase {k}" for k in range(20)]
    plots.score_against_kept(records("first", *names, epochs=1, total=1000), "accuracy", axes)
    assert [line.get_label() for line in axes.get_lines()][1:] == names


def test_phases_are_named_where_they_begin(axes):
    plots.training_curve(records("a", "b", "a"), "R²", axes)
    assert [text.get_text() for text in axes.texts] == ["b", "a"] and axes.get_title() == "Training: a, b"
    assert [text.xy[0] for text in axes.texts] == [4.5, 8.5]


@pytest.mark.parametrize(
    "network", [random_network((6, 3, 3), input_shape=(2, 3)), network_of([np.eye(4)], task="regression")]
)
def test_every_figure_is_a_png_and_the_same_again(network):
    histogram = np.arange(60).reshape(3, 20)
    figures = plots.run_figures(records("a", "b"), histogram, network)
    assert figures.keys() == {"training.png", "kept.png", "pixels.png", "gates.png"}
    assert all(content.startswith(b"\x89PNG") for content in figures.values())
    assert plots.run_figures(records("a", "b"), histogram, network) == figures


def test_no_picture_of_gates_without_gates():
    figures = plots.run_figures(records("a", "b"), np.zeros((0, 20), np.int64), random_network((6, 3, 3)))
    assert figures.keys() == {"training.png", "kept.png", "pixels.png"}


def test_focus_leaves_bad_scores_outside():
    low, high = focus([0.1, *np.linspace(0.93, 0.95, 99)])
    assert 0.9 < low < 0.93 and high > 0.95
    assert focus([0.5])[0] < 0.5 < focus([0.5])[1]

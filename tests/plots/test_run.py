"""Figures of a run: they follow the records, whatever the phases are called."""

from xml.etree import ElementTree

import numpy as np
import pytest
from helpers.reading import network_of, random_network

from tinygsp import plots
from tinygsp.plots.run import PHASE_COLOURS, focus

KINDS = ("png", "svg")


def records(*phases, epochs=4, total=100):
    """An epoch a record, `epochs` of each phase: every gate open in the first phase, fewer and fewer after it."""
    names = [name for name in phases for _ in range(epochs)]
    found = []
    for k, name in enumerate(names):
        count = total if k < epochs else total - 10 * (k - epochs + 1)
        row = {"epoch": k + 1, "phase": name, "val_accuracy": 0.5 + 0.01 * k, "open_gates": count}
        found.append({**row, "density": count / total})
    return found


def level(rows):
    """The records with one accuracy for all epochs."""
    return [{**row, "val_accuracy": 0.9} for row in rows]


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
    labels = [line.get_label() for line in axes.get_lines()]
    assert [label for label in labels if not label.startswith("_")][1:] == names


def panels(rows):
    _, axes = plots.canvas((6.4, 5), 2)
    plots.training_curve(rows, "R²", *axes[:, 0])
    return axes[:, 0]


def test_phases_are_named_right_of_the_line_where_they_begin():
    upper, lower = panels(records("a", "b", "a"))
    assert [text.get_text() for text in lower.texts] == ["a", "b", "a"]
    assert [text.xy[0] for text in lower.texts] == [0.5, 4.5, 8.5]
    assert all(text.get_ha() == "left" and text.xyann[0] > 0 for text in lower.texts)
    for axes in (upper, lower):
        assert [line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"] == [4.5, 8.5]


def test_score_and_density_have_a_panel_each():
    rows = records("a", "b")
    upper, lower = panels(rows)
    assert upper.get_lines()[0].get_ydata().tolist() == [row["val_accuracy"] for row in rows]
    assert lower.get_lines()[0].get_ydata().tolist() == [row["density"] for row in rows]
    assert lower.get_yscale() == "log" and upper.get_yscale() == "linear"
    assert len(upper.figure.axes) == 2  # no axis on the other side


def test_a_curve_that_leaves_the_frame_says_how_far():
    rows = level(records("a", "b", epochs=100, total=3000))
    assert [line for line in panels(rows)[0].get_lines() if line.get_marker() == "v"] == []
    for k, row in enumerate(rows):
        row["val_accuracy"] -= {120: 0.3, 121: 0.5, 122: 0.2, 150: 0.4}.get(k, 0)
    upper = panels(rows)[0]
    (marks,) = [line for line in upper.get_lines() if line.get_marker() == "v"]
    assert list(marks.get_xdata()) == [122, 151]
    assert [text.get_text() for text in upper.texts] == ["down to 0.40"]


def test_points_outside_the_frame_are_marked_each(axes):
    rows = level(records("a", "b", epochs=100, total=3000))
    for k in (120, 121):
        rows[k]["val_accuracy"] = 0.2 - 0.001 * k
    plots.score_against_kept(rows, "accuracy", axes)
    (marks,) = [line for line in axes.get_lines() if line.get_marker() == "v"]
    assert list(marks.get_xdata()) == [rows[k]["open_gates"] for k in (120, 121)]
    assert [text.get_text() for text in axes.texts] == ["down to 0.08"]


@pytest.mark.parametrize(
    "network", [random_network((6, 3, 3), input_shape=(2, 3)), network_of([np.eye(4)], task="regression")]
)
def test_every_figure_is_png_and_svg_and_the_same_again(network):
    histogram = np.arange(60).reshape(3, 20)
    figures = plots.run_figures(records("a", "b"), histogram, network)
    assert figures.keys() == {f"{name}.{kind}" for name in ("training", "kept", "pixels", "gates") for kind in KINDS}
    for name, content in figures.items():
        assert (
            content.startswith(b"\x89PNG")
            if name.endswith("png")
            else ElementTree.fromstring(content).tag[-3:] == "svg"
        )
    assert plots.run_figures(records("a", "b"), histogram, network) == figures


def test_points_at_one_place_have_an_axis_with_room():
    rows = records("a", "b", epochs=30, total=3000)
    for row in rows[30:]:
        row["open_gates"] = 36
    _, axes = plots.canvas((6.4, 4.2))
    plots.score_against_kept(rows, "R²", axes[0, 0])
    low, high = axes[0, 0].get_xlim()
    assert low < 30 and high > 40


def test_no_picture_of_gates_without_gates():
    figures = plots.run_figures(records("a", "b"), np.zeros((0, 20), np.int64), random_network((6, 3, 3)))
    assert figures.keys() == {f"{name}.{kind}" for name in ("training", "kept", "pixels") for kind in KINDS}


def test_focus_leaves_bad_scores_outside():
    low, high = focus([0.1, *np.linspace(0.93, 0.95, 99)])
    assert 0.9 < low < 0.93 and high > 0.95
    assert focus([0.5])[0] < 0.5 < focus([0.5])[1]

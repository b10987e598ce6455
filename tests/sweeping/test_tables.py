"""Tables: the summary by hand, as text for people, and as a figure."""

import pytest
from helpers.sweeps import rows

from tinygsp import plots, sweeping
from tinygsp.sweeping import figure, tables


def test_the_summary_by_hand():
    gates, other, once = sweeping.summarise(
        rows("gates", [0.94, 0.95, 0.96]) + rows("other", [0.90, 0.94]) + rows("once", [0.9])
    )
    assert gates["n"] == 3 and gates["at_most"] == 2666 and gates["kept"] == 2601 and gates["cpu_seconds"] == 60
    assert gates["test_accuracy"] == pytest.approx(0.95) and gates["test_sd"] == pytest.approx(0.01)
    assert gates["val_accuracy"] == pytest.approx(0.94) and gates["ahead"] is gates["ahead_error"] is None
    assert other["test_accuracy"] == pytest.approx(0.92) and other["test_sd"] == pytest.approx(0.0008**0.5)
    assert other["ahead"] == pytest.approx(0.03)
    assert other["ahead_error"] == pytest.approx((0.0001 / 3 + 0.0008 / 2) ** 0.5)
    assert once["n"] == 1 and once["test_sd"] is once["ahead"] is once["ahead_error"] is None
    apart = sweeping.summarise(rows("gates", [0.9, 0.9], 0.01) + rows("other", [0.8, 0.8], 0.02))
    assert [s["ahead"] for s in apart] == [None, None]  # another budget is no comparison


def test_any_method_can_be_the_reference():
    gates, other = sweeping.summarise(rows("gates", [0.94, 0.96]) + rows("other", [0.90, 0.94]), reference="other")
    assert gates["ahead"] == pytest.approx(-0.03) and other["ahead"] is None
    assert tables.summary_text([], [], "other").endswith("other ahead by")


def test_the_table_for_people():
    found = rows("gates", [0.94, 0.95, 0.96]) + rows("other", [0.90, 0.94])
    lines = tables.summary_text(found, sweeping.summarise(found)).splitlines()
    assert lines[0].split() == "at most method n test % validation % CPU s gates ahead by".split()
    assert lines[1].split() == "2,666 gates 3 95.00 ± 1.00 94.00 60.0".split()
    assert lines[2].split() == "2,666 other 2 92.00 ± 2.83 91.00 60.0 3.00 ± 2.08".split()


def test_a_table_without_rows(tmp_path):
    tables.write_table(tmp_path / "table.csv", [])
    assert (tmp_path / "table.csv").read_text() == ",".join(tables.COLUMNS) + "\n"


def test_the_picture():
    found = []
    for density, kept, best in ((0.0015, 399, 0.95), (0.01, 2666, 0.98)):
        found += rows("gates", [best, best + 0.004], density, kept, kept)
        found += rows("vd", [best - 0.02], density, kept, kept)
    found += rows("random", [0.1, 1.0], 0.01, 2666, 2666)
    canvas, axes = plots.canvas((9, 5.5))
    drawn = plots.frontier(sweeping.summarise(found), figure.PUBLISHED, axes[0, 0])
    labels = drawn.get_legend_handles_labels()[1]
    assert set(labels) == {"gates", "random", "vd", "published"}
    texts = [text.get_text() for text in drawn.texts]
    assert texts == [name for name, *_ in figure.PUBLISHED]
    assert drawn.get_xscale() == drawn.get_yscale() == "log" and drawn.yaxis_inverted()
    bars = {container.get_label(): container for container in drawn.containers}
    thick = bars.pop("gates").lines[0]
    assert thick.get_ydata() == pytest.approx([0.048, 0.018])
    assert all(thick.get_zorder() > c.lines[0].get_zorder() for c in bars.values())
    assert all(thick.get_linewidth() > 2 * c.lines[0].get_linewidth() for c in bars.values())
    assert plots.files("a", canvas)["a.png"].startswith(b"\x89PNG")


@pytest.mark.parametrize("task, name", [("classification", "accuracy"), ("regression", "R²")])
@pytest.mark.parametrize("with_published", [False, True])
def test_published_figures_are_drawn_where_they_belong(task, name, with_published, monkeypatch):
    shown, frontier = [], plots.frontier

    def spy(summary, published, axes, score_name):
        shown.append((published, score_name))
        return frontier(summary, published, axes, score_name)

    monkeypatch.setattr(plots, "frontier", spy)
    found = [row | {"task": task} for row in rows("gates", [0.94, 0.95])]
    made = figure.frontier_files(found, sweeping.summarise(found), with_published)
    assert made["frontier.png"].startswith(b"\x89PNG") and b"<svg" in made["frontier.svg"]
    assert shown == [(figure.PUBLISHED if with_published else (), name)]

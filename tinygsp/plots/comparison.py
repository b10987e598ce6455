"""Draw methods of pruning side by side: test score against parameters kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from tinygsp import methods
from tinygsp.plots.style import BLUE, GREY, OKABE_ITO, outline, ranked_legend

MARKERS = "sD^v<>phX*"  # of the methods that the reference is compared with

Published = tuple[str, int, float, tuple[float, float]]
Look = tuple[str, str, str]


def frontier(
    rows: Sequence[dict],
    published: Sequence[Published],
    axes: Axes,
    score_name: str = "accuracy",
    reference: str = methods.DEFAULT,
) -> Axes:
    """Draw test score against parameters kept: a line a method, with standard deviations, the reference thick on top.

    rows       : one dict for each density and method, as `sweeping.summarise` gives them
    published  : (name, kept, test accuracy, (x, y) of the label in points from there), drawn as hollow circles
    score_name : "accuracy" or "R²"
    reference  : the method that the others are compared with

    The vertical axis is the logarithm of the error, 1 - score, upside down: it shows what is left to gain. Points with
    more than ten times the error of the best lie outside the picture; where a line leaves it, its next score is said.
    The legend has the methods in the order of their scores with the most parameters.
    """
    drawn = {}
    for method, look in _looks(rows, reference):
        chosen = sorted((row for row in rows if row["method"] == method), key=lambda row: row["kept"])
        if chosen:
            drawn[method] = chosen, look, _line(chosen, look, method == reference, axes)
    best = min((error.min() for _, _, error in drawn.values()), default=1.0)
    for k, (name, kept, accuracy, offset) in enumerate(published):
        label = "" if k else "published"
        axes.plot(kept, 1 - accuracy, "o", color="white", markeredgecolor="black", markersize=6, zorder=2, label=label)
        align = {"ha": "left" if offset[0] > 0 else "right", "va": "center", "textcoords": "offset points"}
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkB": 3} if offset[1] else None
        axes.annotate(name, (kept, 1 - accuracy), offset, fontsize=8, color="#444444", arrowprops=line, **align)
    _scales(best, score_name, axes)
    exits = [(x, f"↓ {_score(beyond, score_name)}", look[1]) for chosen, look, error in drawn.values()
             for x, beyond in _exits(np.array([row["kept"] for row in chosen]), error, axes.get_ylim()[0])]  # fmt: skip
    for turn, (x, text, colour) in enumerate(sorted(exits)):
        said = axes.annotate(text, (x, axes.get_ylim()[0]), (6, 5 + 11 * (turn % 2)), textcoords="offset points",
                             fontsize=8, color=colour)  # fmt: skip
        outline(said)
    axes.grid(alpha=0.3)
    heights = [np.inf] * bool(published) + [-error[-1] for _, _, error in drawn.values()]
    ranked_legend(heights, axes, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return axes


def _looks(rows: Sequence[dict], reference: str) -> Iterator[tuple[str, Look]]:
    """Give each method a (marker, colour, line style): the reference first, then the others by name."""
    yield reference, ("o", BLUE, "-")
    styles = zip(itertools.cycle(MARKERS), itertools.cycle((*OKABE_ITO[1:], GREY)), itertools.cycle(("--", "-.", ":")))
    yield from zip(sorted({row["method"] for row in rows} - {reference}), styles)


def _line(rows: Sequence[dict], look: Look, thick: bool, axes: Axes) -> np.ndarray:
    """Draw the line of one method, and return its errors."""
    marker, colour, style = look
    error = np.array([max(1 - row["test_accuracy"], 1e-6) for row in rows])
    spread = np.array([row["test_sd"] or 0 for row in rows])
    axes.errorbar(
        [row["kept"] for row in rows],
        error,
        (np.minimum(spread, 0.9 * error), spread),
        label=rows[0]["method"],
        color=colour,
        marker=marker,
        linestyle=style,
        linewidth=3 if thick else 1.2,
        elinewidth=1,
        markersize=8 if thick else 5,
        capsize=3,
        zorder=4 if thick else 3,
    )
    return error


def _exits(kept: np.ndarray, error: np.ndarray, low: float) -> list[tuple[float, float]]:
    """Find where the line of a method leaves the frame, whose lower end is the error `low`: (place, error beyond)."""
    found = []
    for k in range(len(error) - 1):
        if error[k] > low >= error[k + 1]:
            share = np.log(error[k] / low) / np.log(error[k] / error[k + 1])
            found.append((kept[k] * (kept[k + 1] / kept[k]) ** share, error[k]))
    return found


def _score(error: float, score_name: str) -> str:
    return f"{100 * (1 - error):.1f}" if score_name == "accuracy" else f"{1 - error:.2f}"


def _scales(best: float, score_name: str, axes: Axes) -> None:
    """Set both axes: logarithmic, with the score written where the error is."""
    percent = score_name == "accuracy"
    worst = max(1.2 * axes.dataLim.y1, 1.5 * best)  # of one score alone no scale could be found
    axes.set_ylim(min(10 * best, worst), best / 1.5)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.1)
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter(lambda error, _: f"{100 * (1 - error):.4g}" if percent else f"{1 - error:.6g}")
    axes.minorticks_off()
    axes.set_xlabel("parameters kept, weights and biases")
    axes.set_ylabel("test accuracy, %" if percent else f"test {score_name}")

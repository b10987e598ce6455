"""Draw the course of a training run: score and density by epoch, score against parameters, inputs in use, gates."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tinygsp.plots.style import BLUE, GREEN, GREY, NOWHERE, OKABE_ITO, ORANGE, canvas, files, outline
from tinygsp.sparse import SparseNetwork

PHASE_COLOURS = (GREY, BLUE, GREEN, ORANGE, *OKABE_ITO[3:])  # by order of appearance in a run
PHASE_MARKERS = "Dos^v<>"


def run_figures(records: Sequence[dict], histogram: np.ndarray, network: SparseNetwork) -> dict[str, bytes]:
    """Draw every figure of a run that applies: {file name: bytes}, each as PNG and as SVG.

    records   : rows of metrics.csv, one dict an epoch
    histogram : (epochs, bins) counts of gates by probability, of the epochs that have gates; none, no figure of them
    network   : the result of the run
    """
    score_name = "accuracy" if network.meta.task == "classification" else "R²"
    figure, axes = canvas((6.4, 5.2), 2, sharex=True, height_ratios=(3, 2))
    training_curve(records, score_name, *axes[:, 0])
    made = files("training", figure)
    single: dict[str, Callable[[Axes], Axes]] = {
        "kept": lambda axes: score_against_kept(records, score_name, axes),
        "pixels": lambda axes: pixels_used(network, axes),
    }
    if len(histogram):
        single["gates"] = lambda axes: gate_histogram(histogram, axes)
    for name, draw in single.items():
        figure, axes = canvas((6.4, 4.2))
        draw(axes[0, 0])
        made |= files(name, figure)
    return made


def training_curve(records: Sequence[dict], score_name: str, upper: Axes, lower: Axes) -> None:
    """Draw the validation score of every epoch on `upper`, and the density (log) below it, with a line at each phase.

    The name of a phase stands on `lower`, right of the line where it begins.
    """
    epoch, scores = [r["epoch"] for r in records], [r["val_accuracy"] for r in records]
    upper.plot(epoch, scores, color=BLUE, linewidth=1.5)
    upper.set_ylim(*focus(scores))
    upper.set_ylabel(f"validation {score_name},\nnoise off")
    densities = [r["density"] for r in records]
    lower.plot(epoch, densities, color=ORANGE, linewidth=1.5)
    if max(densities) > 0:  # a network without connections has no place on a log axis
        lower.set_yscale("log")
    lower.set_ylabel("density:\nopen gates / all")
    lower.set_xlabel("epoch")
    upper.set_xlim(0, len(records) + 1)
    begins = [0, *(k for k in range(1, len(records)) if records[k - 1]["phase"] != records[k]["phase"])]
    for k in begins:
        for axes in (upper, lower) if k else ():
            axes.axvline(epoch[k] - 0.5, color=GREY, linewidth=0.8, linestyle=":")
        name = lower.annotate(
            records[k]["phase"],
            (epoch[k] - 0.5, 0.3),
            (2, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=90,
            fontsize=8,
            ha="left",
        )
        outline(name)
    say_outside(epoch, scores, BLUE, upper)


def say_outside(x: Sequence[float], y: Sequence[float], colour: str, axes: Axes, connected: bool = True) -> None:
    """Mark where a curve leaves the frame below: a triangle at the lowest point of each stretch, and its value at the
    lowest of all.

    connected : False for points that are no curve: each of them is a stretch
    """
    low = axes.get_ylim()[0]
    outside = np.asarray(y) < low
    stretches = np.cumsum(~outside) if connected else np.arange(len(outside))
    deepest = [min((k for k in np.flatnonzero(outside) if stretches[k] == s), key=lambda k: y[k])
               for s in np.unique(stretches[outside])]  # fmt: skip
    if not deepest:
        return
    place = {"transform": axes.get_xaxis_transform(), "clip_on": False, "zorder": 5}
    marks = Line2D(np.asarray(x)[deepest], np.full(len(deepest), 0.015), linestyle="", marker="v", color=colour,
                   markersize=5, label="_", **place)  # fmt: skip
    axes.add_artist(marks)  # unlike `plot`, it leaves the limits of the axes alone
    k = min(deepest, key=lambda k: y[k])
    is_left = np.mean(np.asarray(x) <= x[k]) < 0.6
    said = axes.annotate(
        f"down to {y[k]:.2f}" if abs(y[k]) < 100 else f"down to {y[k]:.0e}",
        (x[k], 0.015),
        (6 if is_left else -6, 5),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha="left" if is_left else "right",
        va="bottom",
        fontsize=8,
        color=colour,
    )
    outline(said)


def score_against_kept(records: Sequence[dict], score_name: str, axes: Axes) -> Axes:
    """Draw the validation score of every epoch against the number of open gates (log), a colour and marker a phase.

    A phase in which every gate is open has one place on that axis. Its last score is drawn as a dashed line instead.
    """
    looks, points = zip(itertools.cycle(PHASE_COLOURS), itertools.cycle(PHASE_MARKERS)), []
    for phase, (colour, marker) in zip(dict.fromkeys(r["phase"] for r in records), looks):
        chosen = [r for r in records if r["phase"] == phase]
        if all(r["density"] == 1 for r in chosen):
            label = f"{phase}, all gates open"
            axes.axhline(chosen[-1]["val_accuracy"], color=colour, linestyle="--", linewidth=1, label=label)
            continue
        chosen = [r for r in chosen if r["open_gates"]]
        x, y = [r["open_gates"] for r in chosen], [r["val_accuracy"] for r in chosen]
        axes.plot(x, y, marker, markersize=4, alpha=0.7, color=colour, label=phase)
        points.append((x, y, colour))
    axes.set_xscale("log")
    axes.set_ylim(*focus([r["val_accuracy"] for r in records]))
    for x, y, colour in points:
        say_outside(x, y, colour, axes, connected=False)
    axes.set_xlabel("open gates: parameters in use")
    axes.set_ylabel(f"validation {score_name}, noise off")
    axes.set_title("What accuracy costs in parameters")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return axes


def pixels_used(network: SparseNetwork, axes: Axes) -> Axes:
    """Draw for each input the sum of its absolute weights into the first layer, as an image or as one row."""
    first = network.layers[0]
    shape = network.meta.input_shape if len(network.meta.input_shape) == 2 else (1, first.n_in)
    strength = np.bincount(first.row, np.abs(first.weight), minlength=first.n_in).reshape(shape)
    image = axes.imshow(np.ma.masked_equal(strength, 0), cmap="viridis_r", interpolation="nearest")
    axes.set_facecolor(NOWHERE)
    axes.figure.colorbar(image, ax=axes, label="sum of |weights| leaving the input", shrink=0.85)
    axes.set_title(f"Inputs used: {len(np.unique(first.row))} of {first.n_in} (grey: none)")
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    return axes


def gate_histogram(histogram: np.ndarray, axes: Axes) -> Axes:
    """Draw the distribution of gate probabilities, epoch by epoch: (epochs, bins) counts as shades on a log scale."""
    epochs, bins = histogram.shape
    image = axes.imshow(
        np.log10(1 + histogram.T),
        origin="lower",
        aspect="auto",
        cmap="cividis",
        extent=(0.5, epochs + 0.5, 0, 1),
        interpolation="nearest",
    )
    axes.figure.colorbar(image, ax=axes, label="log10(1 + gates in the bin)")
    axes.set_xlabel("epoch, of those that train gates")
    axes.set_ylabel("P(open) = sigmoid(gate)")
    axes.set_title(f"Probabilities of the gates, in {bins} bins")
    return axes


def focus(scores: Sequence[float]) -> tuple[float, float]:
    """Choose the limits of an axis so that differences among good scores show; bad scores may lie outside."""
    best = max(scores)
    low = max(float(np.percentile(scores, 5)), best - 0.12)
    return low - 0.1 * (best - low) - 1e-3, best + 0.1 * (best - low) + 1e-3

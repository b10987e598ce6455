"""Draw the course of a training run: score and density by epoch, score against parameters, inputs in use, gates."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes

from tinygsp.plots.style import BLUE, GREEN, GREY, NOWHERE, OKABE_ITO, ORANGE, canvas, png
from tinygsp.sparse import SparseNetwork

PHASE_COLOURS = (GREY, BLUE, GREEN, ORANGE, *OKABE_ITO[3:])  # by order of appearance in a run
PHASE_MARKERS = "Dos^v<>"


def run_figures(records: Sequence[dict], histogram: np.ndarray, network: SparseNetwork) -> dict[str, bytes]:
    """Draw every figure of a run that applies: {file name: bytes of a PNG}.

    records   : rows of metrics.csv, one dict an epoch
    histogram : (epochs, bins) counts of gates by probability, of the epochs that have gates; none, no figure of them
    network   : the result of the run
    """
    score_name = "accuracy" if network.meta.task == "classification" else "R²"
    figures: dict[str, Callable[[Axes], Axes]] = {
        "training.png": lambda axes: training_curve(records, score_name, axes),
        "kept.png": lambda axes: score_against_kept(records, score_name, axes),
        "pixels.png": lambda axes: pixels_used(network, axes),
    }
    if len(histogram):
        figures["gates.png"] = lambda axes: gate_histogram(histogram, axes)
    files = {}
    for name, draw in figures.items():
        figure, axes = canvas((6.4, 4.2))
        draw(axes[0, 0])
        files[name] = png(figure)
    return files


def training_curve(records: Sequence[dict], score_name: str, axes: Axes) -> Axes:
    """Draw validation score (left) and density (right, log) against the epoch, with a line where a phase begins."""
    epoch = [r["epoch"] for r in records]
    twin = axes.twinx()
    twin.plot(epoch, [r["density"] for r in records], color=ORANGE, linestyle="--", linewidth=1.5)
    twin.set_yscale("log")
    twin.set_ylabel("density: open gates / all (dashed)", color=ORANGE)
    axes.plot(epoch, [r["val_accuracy"] for r in records], color=BLUE, linewidth=1.5)
    axes.set_ylim(*focus([r["val_accuracy"] for r in records]))
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"validation {score_name}, noise off (solid)", color=BLUE)
    axes.set_title("Training: " + ", ".join(dict.fromkeys(r["phase"] for r in records)))
    for before, after in itertools.pairwise(records):
        if before["phase"] != after["phase"]:
            boundary = before["epoch"] + 0.5
            axes.axvline(boundary, color=GREY, linewidth=0.8, linestyle=":")
            axes.annotate(
                after["phase"],
                (boundary, 0.02),
                xycoords=("data", "axes fraction"),
                rotation=90,
                fontsize=8,
                color=GREY,
                ha="right",
            )
    return axes


def score_against_kept(records: Sequence[dict], score_name: str, axes: Axes) -> Axes:
    """Draw the validation score of every epoch against the number of open gates (log), a colour and marker a phase.

    A phase in which every gate is open has one place on that axis. Its last score is drawn as a dashed line instead.
    """
    looks = zip(itertools.cycle(PHASE_COLOURS), itertools.cycle(PHASE_MARKERS))
    for phase, (colour, marker) in zip(dict.fromkeys(r["phase"] for r in records), looks):
        chosen = [r for r in records if r["phase"] == phase]
        if all(r["density"] == 1 for r in chosen):
            label = f"{phase}, all gates open"
            axes.axhline(chosen[-1]["val_accuracy"], color=colour, linestyle="--", linewidth=1, label=label)
            continue
        chosen = [r for r in chosen if r["open_gates"]]
        x, y = [r["open_gates"] for r in chosen], [r["val_accuracy"] for r in chosen]
        axes.plot(x, y, marker, markersize=4, alpha=0.7, color=colour, label=phase)
    axes.set_xscale("log")
    axes.set_ylim(*focus([r["val_accuracy"] for r in records]))
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

"""Draw what a network makes of a table: importance as bars with names, and how its answer depends on each input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinygsp.plots.style import BLUE, GREY, OKABE_ITO, canvas, short_name
from tinygsp.sparse import SparseNetwork

MOST_BARS = 30
MOST_LINES = len(OKABE_ITO)
STYLES = ("-", "--", ":", "-.")


def importance_bars(names: Sequence[str], values: np.ndarray, label: str, axes: Axes) -> Axes:
    """Draw one number for each named input as bars, the largest on top; of many inputs the MOST_BARS largest."""
    order = np.argsort(-values, kind="stable")[:MOST_BARS]
    axes.barh(range(len(order)), values[order], color=BLUE)
    axes.set_yticks(range(len(order)), [short_name(names[i]) for i in order])
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlabel(label + (f"\n{len(order)} of {len(values)} inputs" if len(order) < len(values) else ""))
    return axes


def dependence_figure(network: SparseNetwork, dependence: Sequence[Mapping]) -> Figure:
    """Draw the partial dependence on some inputs, a panel each.

    dependence : {"input": name, "values": (g,) numbers, "mean": (g, n_out) mean answers} of each input
    """
    outputs, classify = network.meta.class_names, network.meta.task == "classification"
    shown = (
        list(range(len(outputs)))[1:2] if classify and len(outputs) == 2 else list(range(min(len(outputs), MOST_LINES)))
    )
    cols = min(4, len(dependence))
    rows = -(-len(dependence) // cols)
    figure, axes = canvas((3.2 * cols + 0.6, 2.7 * rows + 0.8), rows, cols, sharey=True)
    for axis in axes.flat[len(dependence) :]:
        axis.axis("off")
    for axis, found in zip(axes.flat, dependence):
        values, mean = np.asarray(found["values"]), np.asarray(found["mean"])
        marker = "o" if len(values) < 10 else ""
        for k in shown:
            style = STYLES[k // 2 % len(STYLES)]
            axis.plot(values, mean[:, k], style, marker=marker, color=OKABE_ITO[k % len(OKABE_ITO)],
                      label=short_name(outputs[k]))  # fmt: skip
        axis.set_xlabel(short_name(found["input"]))
        axis.grid(color=GREY, alpha=0.2)
    if len(shown) > 1:
        axes[0, 0].legend(fontsize=8)
    what = f"probability of {short_name(outputs[1])}" if classify and len(outputs) == 2 else (
        "probability" if classify else short_name(outputs[0]) if len(outputs) == 1 else "output")  # fmt: skip
    figure.supylabel(what)
    figure.suptitle("How the answer depends on each input, the others as they are")
    return figure

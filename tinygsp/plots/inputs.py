"""Draw what a network looks at: maps of its inputs, inputs that act as one, mirror images, rank against rank."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.image import AxesImage

from tinygsp.plots.style import BLUE, GREEN, GREY, NOWHERE, OKABE_ITO, SIGNED, empty_map, short_name
from tinygsp.plots.tables import importance_bars
from tinygsp.reading import Group, input_names
from tinygsp.sparse import SparseNetwork


def importance_map(network: SparseNetwork, values: np.ndarray, label: str, axes: Axes) -> Axes:
    """Draw one number >= 0 for each input, (n_in,): as an image, or as bars where the inputs are not pixels.

    The colours follow the square root and end at the 98th percentile, so that a few strong pixels leave room.
    """
    shape, used = network.meta.input_shape, network.used_inputs()[0]
    if len(shape) != 2:
        names = input_names(network)
        if network.meta.input_names or len(used) > 12:
            return importance_bars([names[i] for i in used], values[used], label, axes)
        axes.bar(range(len(used)), values[used], color=BLUE)
        axes.set_xticks(range(len(used)), [short_name(names[i]) for i in used])
        axes.set_ylabel(label)
        return axes
    shown = empty_map(shape)
    shown.flat[used] = np.maximum(values[used], 0)
    scale = matplotlib.colors.PowerNorm(0.5, vmin=0, vmax=np.percentile(shown.compressed(), 98) or 1)
    image = axes.imshow(shown, cmap="viridis_r", norm=scale, interpolation="nearest")
    axes.set_facecolor(NOWHERE)
    bar = axes.figure.colorbar(image, ax=axes, label=label, location="bottom", shrink=0.9, extend="max")
    bar.set_ticks(apart(scale.vmax))
    bar.ax.set_xticklabels([f"{tick:g}" for tick in bar.get_ticks()])
    bar.minorticks_off()
    return hide_ticks(axes)


def apart(largest: float) -> list[float]:
    """Choose round numbers from 0 to `largest` that stand apart on an axis of square roots."""
    ticks = [0.0]
    for tick in matplotlib.ticker.MaxNLocator(8).tick_values(0, largest).tolist():
        if tick <= largest and tick**0.5 >= ticks[-1] ** 0.5 + 0.22 * largest**0.5:
            ticks.append(tick)
    return ticks


def class_map(
    network: SparseNetwork, values: np.ndarray, limit: float, backdrop: np.ndarray | None, title: str, axes: Axes
) -> AxesImage:
    """Draw the signed importance of the inputs for one class, (n_in,), zero white, on the outline of a typical image.

    The colours follow the square root, so that weak pixels have colour too.

    limit    : the value of the strongest colour
    backdrop : (n_in,) image whose outline is drawn, such as the mean of the class; None, or one without an outline
               because it has one row, one column or one value, draws none
    """
    shape, used = network.meta.input_shape, network.used_inputs()[0]
    shown = empty_map(shape)
    shown.flat[used] = values[used]
    scale = matplotlib.colors.FuncNorm((signed_root, signed_square), vmin=-limit, vmax=limit)
    image = axes.imshow(shown, cmap=SIGNED, norm=scale, interpolation="nearest")
    if backdrop is not None and min(shape) > 1:
        level = backdrop.max() / 2.5
        if backdrop.min() < level < backdrop.max():
            axes.contour(backdrop.reshape(shape), levels=[level], colors=["#555555"], linewidths=1)
    axes.set_title(short_name(title))
    axes.xaxis.set_visible(False)
    axes.yaxis.set_visible(False)
    return image


def signed_root(values: np.ndarray) -> np.ndarray:
    """The square root of the size of each value, with its sign."""
    return np.sign(values) * np.sqrt(np.abs(values))


def signed_square(values: np.ndarray) -> np.ndarray:
    """The inverse of `signed_root`."""
    return np.sign(values) * np.square(values)


def matrix(values: np.ndarray, rows: Sequence[str], cols: Sequence[str], limit: float, axes: Axes) -> AxesImage:
    """Draw a small signed matrix (len(rows), len(cols)) with its numbers written in; `limit` has the full colour."""
    image = axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if abs(value) > limit * 0.6 else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour)
    is_long = max(map(len, cols), default=0) > 8
    axes.set_xticks(
        range(len(cols)), map(short_name, cols), rotation=60 if is_long else 0, ha="right" if is_long else "center"
    )
    axes.set_yticks(range(len(rows)), map(short_name, rows))
    return image


def rank_scatter(predicted: np.ndarray, measured: np.ndarray, title: str, axes: Axes) -> Axes:
    """Draw the ranks of the inputs by a definition of importance against those by measurement, both (k,)."""
    axes.plot([1, len(measured)], [1, len(measured)], color=GREY, linewidth=0.8, linestyle="--")
    axes.plot(predicted, measured, "o", markersize=3, alpha=0.6, color=BLUE, markeredgewidth=0)
    axes.set_title(title, fontsize=11)
    axes.set_aspect("equal")
    return axes


def groups_map(network: SparseNetwork, groups: Sequence[Group], axes: Axes) -> Axes:
    """Draw groups of pixels that act as one: a colour a group, its pixels joined by lines.

    + and - on a pixel are the sign of its ratio, with which it enters the sum of its group.
    """
    rows, cols = network.meta.input_shape
    used = np.zeros((rows, cols))
    used.flat[network.used_inputs()[0]] = 1
    axes.imshow(used, cmap="Greys", vmin=0, vmax=5, interpolation="nearest")
    for group, colour in zip(groups, OKABE_ITO):
        y, x = np.divmod(group.inputs, cols)
        edges = [((x[a], y[a]), (x[b], y[b])) for a, b in spanning_tree(x, y)]
        axes.add_collection(LineCollection(edges, colors=colour, linewidths=1, alpha=0.6), autolim=False)
        for sign in (1, -1):
            chosen = np.sign(group.ratios) == sign
            axes.plot(x[chosen], y[chosen], "s", markersize=7.5, color=colour, markeredgewidth=0)
            axes.plot(x[chosen], y[chosen], marker="+" if sign > 0 else "_", linestyle="", markersize=5, color="white")
    axes.set_xlabel("+ and -: the sign of a pixel in the sum of its group\ngrey: the other pixels in use")
    return hide_ticks(axes)


def spanning_tree(x: np.ndarray, y: np.ndarray) -> list[tuple[int, int]]:
    """Find the shortest tree that joins all points (x, y), each (k,): k - 1 pairs of indices.

    Prim's rule: of the points outside the tree, the nearest one is joined next; of several, the one that is nearest to
    the point that was joined first, then the one of the lowest index.
    """
    nearest, joined = np.zeros(len(x), int), np.zeros(len(x), int)  # nearest point of the tree; when a point came in
    distance = np.hypot(x - x[0], y - y[0]).astype(float)  # to that point; inf for a point of the tree
    distance[0] = np.inf
    edges = []
    for turn in range(1, len(x)):
        candidates = np.flatnonzero(distance == distance.min())
        b = candidates[np.argmin(joined[nearest[candidates]])]
        edges.append((int(nearest[b]), int(b)))
        joined[b], distance[b] = turn, np.inf
        new = np.hypot(x - x[b], y - y[b])
        closer = (new < distance) & (distance < np.inf)
        nearest[closer], distance[closer] = b, new[closer]
    return edges


def mirror_chart(scores: np.ndarray | Sequence[Sequence[float]], class_names: Sequence[str], axes: Axes) -> Axes:
    """Draw the mirror scores (classes, 2), left-right and up-down, a row a class."""
    scores, y = np.asarray(scores), np.arange(len(scores))
    axes.axvline(0, color=GREY, linewidth=0.8)
    for side, name, marker, colour in ((0, "left-right", "o", GREEN), (1, "up-down", "^", "black")):
        axes.plot(scores[:, side], y, marker, color=colour, markersize=8, label=name)
    axes.hlines(y, -1, 1, color=GREY, linewidth=0.3)
    axes.set_yticks(y, map(short_name, class_names))
    axes.set_ylim(len(scores) - 0.5, -0.5)
    axes.set_xlim(-1.05, 1.05)
    axes.set_xlabel("cosine of map and mirrored map:  -1 opposite,  0 unlike,  1 equal")
    axes.set_ylabel("class")
    axes.legend(loc="lower left", fontsize=9)
    return axes


def hide_ticks(axes: Axes) -> Axes:
    """Remove the numbers along both axes."""
    axes.set_xticks([])
    axes.set_yticks([])
    return axes

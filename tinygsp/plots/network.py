"""Draw how a network decides: all its connections, the strongest paths of an input, and the parts of its scores."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from tinygsp.plots.inputs import hide_ticks
from tinygsp.plots.style import BLUE, GREY, NOWHERE, ORANGE, empty_map, plt, short_name
from tinygsp.reading import Contributions, input_names
from tinygsp.sparse import SparseNetwork

DIGIT = (-1.7, 0.1, 1.6, 0.8)  # left, bottom, width, height of the image where paths start; levels are one unit apart

Heights = list[dict[int, float]]


def heights(orders: Sequence[Sequence[int]]) -> Heights:
    """Give every unit a height in (0, 1), the first of each level on top: {unit: y} a level."""
    return [dict(zip(order, 1 - (np.arange(len(order)) + 0.5) / len(order))) for order in orders]


# ---- All connections ---------------------------------------------------------------------------------------------


def network_diagram(network: SparseNetwork, orders: Sequence[Sequence[int]], axes: Axes) -> Axes:
    """Draw all connections, from the inputs to the outputs, each level in the given order.

    orders : units of each level, as `reading.order_units` gives them

    Colour: the sign of the weight. Width: its size, compared with the largest of its layer. Where the inputs are
    pixels, an inset shows each at its place in the image, in its colour from the list of inputs.
    """
    height, is_image, last = heights(orders), len(network.meta.input_shape) == 2, len(orders) - 1
    _connections(network, height, axes)
    for k, order in enumerate(orders):
        y = [height[k][unit] for unit in order]
        if k == 0 and is_image:
            axes.scatter(np.full(len(y), k), y, c=np.arange(len(y)), cmap="viridis", s=max(6, 200 / len(y)), zorder=3)
        else:
            axes.scatter(np.full(len(y), k), y, s=30, zorder=3, color="white", edgecolors="black", linewidths=0.9)
        what = {0: "inputs", last: "outputs"}.get(k, "units")
        axes.text(k, 1.01, f"{len(order)} {what}", ha="center", va="bottom", fontsize=11)
    for j, y in height[last].items():
        axes.text(last + 0.06, y, short_name(network.meta.class_names[j]), va="center", fontsize=13)
    if is_image:
        _inset_of_inputs(network, orders[0], axes)
        axes.set_xlim(-1.25, last + 0.3)
    else:
        for i, y in height[0].items():
            axes.text(-0.06, y, short_name(input_names(network)[i]), va="center", ha="right", fontsize=13)
        axes.set_xlim(-0.4, last + 0.4)
    axes.set_ylim(-0.01, 1.06)
    axes.axis("off")
    return axes


def _connections(network: SparseNetwork, height: Heights, axes: Axes) -> None:
    for k, layer in enumerate(network.layers):
        if not layer.row.size:
            continue
        shown = layer.select(np.isin(layer.col, list(height[k + 1])))  # not what leads to a unit that nothing reads
        size = np.abs(shown.weight) / np.abs(layer.weight).max().clip(1e-30)
        lines = [((k, height[k][i]), (k + 1, height[k + 1][j])) for i, j in zip(shown.row.tolist(), shown.col.tolist())]
        colours = np.where(shown.weight > 0, BLUE, ORANGE)
        axes.add_collection(
            matplotlib.collections.LineCollection(lines, colors=colours, linewidths=0.4 + 2.6 * size, alpha=0.55)
        )


def _inset_of_inputs(network: SparseNetwork, order: Sequence[int], axes: Axes) -> None:
    shown = empty_map(network.meta.input_shape)
    shown.flat[order] = np.arange(len(order))
    inset = axes.inset_axes([0.0, 0.3, 0.24, 0.4])
    inset.imshow(shown, cmap="viridis", interpolation="nearest")
    inset.set_facecolor(NOWHERE)
    inset.set_title("where each input stands:\nits colour in the list", fontsize=10)
    hide_ticks(inset)


# ---- The paths of one input --------------------------------------------------------------------------------------


def path_diagram(
    network: SparseNetwork,
    parts: Contributions,
    outputs: Sequence[int],
    orders: Sequence[Sequence[int]],
    values: np.ndarray,
    axes: Axes,
    most: int = 12,
) -> Axes:
    """Draw the strongest paths of one input to each of some outputs.

    parts   : Contributions of that input
    outputs : the outputs to show, such as the winner and the runner-up
    orders  : units of each level, as `reading.order_units` gives them
    values  : (n_in,) the raw input; an image is drawn where its paths start
    most    : paths to each output

    Colour: the sign of the contribution. Width: its size, compared with the largest shown.
    """
    is_image, height, last = len(network.meta.input_shape) == 2, heights(orders), len(orders) - 1
    chosen = [parts.strongest(output, most) for output in outputs]
    largest = max(np.abs(parts.value[np.concatenate(chosen)]).max(initial=0), 1e-30)
    start = (_starts_on_image if is_image else _starts_in_list)(network, height[0], values, axes)
    goal = {output: 1 - (rank + 0.5) / len(outputs) for rank, output in enumerate(outputs)}
    for k in range(1, last):
        y = list(height[k].values())
        axes.plot(np.full(len(y), k), y, "o", color="white", markeredgecolor=GREY, markersize=5, zorder=1)
        axes.text(k, 1.02, f"{len(y)} units", ha="center", va="bottom")
    for index in np.concatenate(chosen)[::-1]:
        route, value = parts.paths[index].tolist(), parts.value[index]
        points = [start[route[0]], *((k, height[k][route[k]]) for k in range(1, last)), (last, goal[route[-1]])]
        colour, width = BLUE if value > 0 else ORANGE, 0.5 + 4 * abs(value) / largest
        axes.plot(*zip(*points), color=colour, linewidth=width, alpha=0.65, solid_joinstyle="round", zorder=2)
        axes.plot(*points[0], "s", color=colour, markersize=4, zorder=3)
    for output, y in goal.items():
        text = f"{short_name(network.meta.class_names[output])}\nscore {parts.scores[output]:.2f}"
        axes.text(last + 0.08, y, text, va="center", fontsize=13)
    axes.set_xlim(-1.75 if is_image else -0.7, last + 0.7)
    axes.set_ylim(-0.02, 1.07)
    axes.axis("off")
    return axes


def _starts_on_image(
    network: SparseNetwork, height: dict[int, float], values: np.ndarray, axes: Axes
) -> dict[int, tuple[float, float]]:
    """Draw the image left of the units, and give for each input in use where its pixel is: {input: (x, y)}."""
    (left, low, wide, high), (rows, cols) = DIGIT, network.meta.input_shape
    extent = (left, left + wide, low, low + high)
    axes.imshow(values.reshape(rows, cols), cmap="Greys", extent=extent, aspect="auto", alpha=0.45)
    axes.add_patch(plt.Rectangle((left, low), wide, high, fill=False, edgecolor=GREY, linewidth=0.8))
    start = {}
    for i in height:
        row, column = divmod(i, cols)
        start[i] = left + wide * (column + 0.5) / cols, low + high * (1 - (row + 0.5) / rows)
    return start


def _starts_in_list(
    network: SparseNetwork, height: dict[int, float], values: np.ndarray, axes: Axes
) -> dict[int, tuple[float, float]]:
    """Write name and value of each input in use at its height, and give these places: {input: (x, y)}."""
    names = input_names(network)
    for i, y in height.items():
        axes.text(-0.06, y, f"{short_name(names[i])} = {values[i]:.4g}", ha="right", va="center")
    return {i: (0, y) for i, y in height.items()}


def contribution_bars(network: SparseNetwork, parts: Contributions, outputs: Sequence[int], axes: Axes) -> Axes:
    """Draw what each score is made of: the paths in favour of the output, the paths against it, and the biases."""
    for row, output in enumerate(outputs):
        value, bias = parts.value[parts.paths[:, -1] == output], parts.bias[output]
        against, favour = value[value < 0].sum(), value[value > 0].sum()
        axes.barh(row, favour, 0.4, color=BLUE)
        axes.barh(row, against, 0.4, color=ORANGE)
        axes.barh(row, bias, 0.4, left=favour if bias > 0 else against, color="#bbbbbb", hatch="//", edgecolor="white")
        axes.plot(parts.scores[output], row, "D", color="black", markeredgecolor="white", markersize=8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.use_sticky_edges = False  # a bar may end at the margin and still needs room
    axes.margins(x=0.08)
    axes.set_yticks(range(len(outputs)), [short_name(network.meta.class_names[output]) for output in outputs])
    axes.set_ylim(len(outputs) - 0.5, -0.5)
    axes.set_xlabel("sum of contributions (blue in favour, orange against,\nhatched: biases); diamond: the score")
    return axes

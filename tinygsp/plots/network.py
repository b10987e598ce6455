"""Draw how a network decides: all its connections, the strongest paths of an input, and the parts of its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from tinygsp.plots.style import AGAINST, DASHES, FOR, GREY, short_name
from tinygsp.reading import Contributions, input_names
from tinygsp.sparse import SparseNetwork

DIGIT = (-1.7, 0.1, 1.6, 0.8)  # left, bottom, width, height of the image where paths start; levels are one unit apart

BUNDLE = 0.007  # distance of paths through the same units
TALLEST = 30  # inches of a drawing of all connections
FEW = 12  # maps of pixels stand in one column, more in two
Heights = list[dict[int, float]]


def heights(orders: Sequence[Sequence[int]]) -> Heights:
    """Give every unit a height in (0, 1), the first of each level on top: {unit: y} a level."""
    return [dict(zip(order, 1 - (np.arange(len(order)) + 0.5) / len(order))) for order in orders]


# ---- All connections ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """Where everything of a drawing of all connections stands; one unit of length is a step from unit to unit.

    x, y    : of each level, where it stands and {unit: height}; the inputs of an image have no place, but maps
    maps    : {unit of the first layer: (left, low)} of the maps of its pixels; empty unless the inputs are an image
    side    : length of the sides of a map
    left    : room for the names of the inputs
    width, height : of the drawing
    rim     : how far the maps stand out above and below it
    unit    : inches of a step
    """

    x: list[float]
    y: Heights
    maps: dict[int, tuple[float, float]]
    side: float
    left: float
    width: float
    height: float
    rim: float
    unit: float


def plan_diagram(network: SparseNetwork, orders: Sequence[Sequence[int]]) -> Plan:
    """Find a place for every level, unit and map of pixels; where there are many maps, they stand in two columns."""
    is_image = len(network.meta.input_shape) == 2
    levels = orders[1:] if is_image else orders
    height = float(max(len(order) for order in levels))
    columns = 1 if len(orders[1]) <= FEW else 2
    pitch = height / len(orders[1]) if is_image else 0
    side = min(0.88 * columns * pitch, 3.0) if is_image else 0
    first = columns * (side + 0.12) + 0.7 if is_image else 0
    unit = min(max(12 / height, 0.33), 0.8, TALLEST / height)
    gap = max(3.2 / unit, min(0.3 * height, 14.0))
    left, right = (0.12 / unit * max(len(short_name(name)) for name in names) + 0.7
                   for names in (input_names(network), network.meta.class_names))  # fmt: skip
    left = 0.2 if is_image else left
    x = [first + gap * k for k in range(len(levels))]
    y = [{j: height * at for j, at in level.items()} for level in heights(orders)]
    maps = {}
    if is_image:
        x = [0.0, *x]
        for rank, j in enumerate(orders[1]):
            maps[j] = (side + 0.12) * (rank % columns), y[1][j] - side / 2
    rim = max(0.2, side / 2 - pitch / 2 + 0.1)
    return Plan(x, y, maps, side, left, left + x[-1] + right, height, rim, unit)


def network_diagram(network: SparseNetwork, orders: Sequence[Sequence[int]], axes: Axes) -> Axes:
    """Draw all connections, from the inputs to the outputs, each level in the given order.

    orders : units of each level, as `reading.order_units` gives them

    A weight that adds is blue and solid, one that subtracts orange and dashed. Width: its size, compared with the
    largest of its layer. Where the inputs are pixels, each unit of the first layer has a small map of the image beside
    it: + where a pixel adds, - where one subtracts.
    """
    plan, last = plan_diagram(network, orders), len(orders) - 1
    top = plan.height + plan.rim
    _connections(network, plan, axes)
    for k in range(bool(plan.maps), last + 1):
        y = [plan.y[k][unit] for unit in orders[k]]
        axes.scatter(np.full(len(y), plan.x[k]), y, s=30, zorder=3, color="white", edgecolors="black", linewidths=0.9)
        what = {0: "inputs", last: "outputs"}.get(k, "units")
        axes.text(plan.x[k], top, f"{len(y)} {what}", ha="center", va="bottom", fontsize=11)
    for j, y in plan.y[last].items():
        axes.text(plan.x[last] + 0.4, y, short_name(network.meta.class_names[j]), va="center", fontsize=13)
    if plan.maps:
        _maps(network, plan, axes)
        middle = max(left for left, _ in plan.maps.values()) / 2 + plan.side / 2
        axes.text(middle, top, f"{len(orders[0])} pixels\n", ha="center", va="bottom", fontsize=11)
    else:
        names = input_names(network)
        for i, y in plan.y[0].items():
            axes.text(-0.4, y, short_name(names[i]), va="center", ha="right", fontsize=13)
    axes.set_xlim(-plan.left, plan.width - plan.left)
    axes.set_ylim(-plan.rim, top + 1)
    axes.set_aspect("equal")
    axes.axis("off")
    return axes


def _connections(network: SparseNetwork, plan: Plan, axes: Axes) -> None:
    for k, layer in enumerate(network.layers):
        if not layer.row.size or (plan.maps and k == 0):
            continue
        shown = layer.select(np.isin(layer.col, list(plan.y[k + 1])))  # not what leads to a unit that nothing reads
        size = np.abs(shown.weight) / np.abs(layer.weight).max().clip(1e-30)
        for adds in (True, False):
            chosen = (shown.weight > 0) == adds
            pairs = zip(shown.row[chosen].tolist(), shown.col[chosen].tolist())
            lines = [((plan.x[k], plan.y[k][i]), (plan.x[k + 1], plan.y[k + 1][j])) for i, j in pairs]
            drawn = LineCollection(
                lines, colors=FOR if adds else AGAINST, linewidths=0.6 + 2.4 * size[chosen], alpha=0.8,
                linestyles="solid" if adds else [DASHES],
            )  # fmt: skip
            axes.add_collection(drawn)


def _maps(network: SparseNetwork, plan: Plan, axes: Axes) -> None:
    """Draw beside each unit of the first layer a part of the image, with a sign on each pixel that the unit reads.

    The part is that in which some unit reads.
    """
    layer = network.layers[0]
    layer = layer.select(np.isin(layer.col, list(plan.maps)))
    for unit, (left, low) in plan.maps.items():
        axes.add_patch(Rectangle((left, low), plan.side, plan.side, facecolor="#f3f3f3", edgecolor="#c4c4c4"))
        stem = (left + plan.side, plan.x[1]), (plan.y[1][unit],) * 2
        axes.plot(*stem, color="#9a9a9a", linewidth=0.9, zorder=0.5)
    corner = np.array([plan.maps[unit] for unit in layer.col.tolist()]).reshape(-1, 2)
    y, x = np.divmod(layer.row, network.meta.input_shape[1])
    cell = plan.side / (max(np.ptp(x), np.ptp(y), 1) + 3)
    x = corner[:, 0] + plan.side / 2 + cell * (x - (x.min() + x.max()) / 2)
    y = corner[:, 1] + plan.side / 2 - cell * (y - (y.min() + y.max()) / 2)
    for adds, marker, colour in ((True, "+", FOR), (False, "_", AGAINST)):
        chosen = (layer.weight > 0) == adds
        axes.scatter(x[chosen], y[chosen], s=13, marker=marker, color=colour, linewidths=1.4, zorder=4)


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

    A path in favour of its output is blue and solid, one against it orange and dashed. Width: the size of what it
    brings, compared with the largest shown. Paths through the same units run side by side.
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
    routes, brought = [], np.array([value for paths in chosen for value in parts.value[paths[::-1]]])
    for paths in chosen:
        for rank, index in reversed(list(enumerate(paths))):
            route = parts.paths[index].tolist()
            aside = BUNDLE * (rank - (len(paths) - 1) / 2)  # paths through the same units run side by side
            ends = [*((k, height[k][route[k]] + aside) for k in range(1, last)), (last, goal[route[-1]] + aside)]
            routes.append([start[route[0]], *ends])
    _routes(routes, brought, largest, axes)
    for output, y in goal.items():
        text = f"{short_name(network.meta.class_names[output])}\nscore {parts.scores[output]:.2f}"
        axes.text(last + 0.08, y, text, va="center", fontsize=13)
    axes.set_xlim(-1.75 if is_image else -0.7, last + 0.7)
    axes.set_ylim(-0.02, 1.07)
    axes.axis("off")
    return axes


def _routes(routes: Sequence[Sequence[tuple[float, float]]], value: np.ndarray, largest: float, axes: Axes) -> None:
    """Draw lines through some points each, the strongest last, on top, and a mark where each of them starts."""
    adds = value > 0
    drawn = LineCollection(
        routes, colors=[FOR if is_for else AGAINST for is_for in adds], linewidths=0.6 + 3 * np.abs(value) / largest,
        linestyles=["solid" if is_for else DASHES for is_for in adds], alpha=0.85, zorder=2,
    )  # fmt: skip
    axes.add_collection(drawn, autolim=False)
    starts = np.array([route[0] for route in routes]).reshape(-1, 2)
    for chosen, marker, colour in ((adds, "s", FOR), (~adds, "o", AGAINST)):
        axes.plot(*starts[chosen].T, marker, color=colour, markersize=4, zorder=3)


def _starts_on_image(
    network: SparseNetwork, height: dict[int, float], values: np.ndarray, axes: Axes
) -> dict[int, tuple[float, float]]:
    """Draw the image left of the units, and give for each input in use where its pixel is: {input: (x, y)}."""
    (left, low, wide, high), (rows, cols) = DIGIT, network.meta.input_shape
    extent = (left, left + wide, low, low + high)
    axes.imshow(values.reshape(rows, cols), cmap="Greys", extent=extent, aspect="auto", alpha=0.45)
    axes.add_patch(Rectangle((left, low), wide, high, fill=False, edgecolor=GREY, linewidth=0.8))
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
        axes.barh(row, favour, 0.4, color=FOR)
        axes.barh(row, against, 0.4, color=AGAINST)
        axes.barh(row, bias, 0.4, left=favour if bias > 0 else against, color="#bbbbbb", hatch="//", edgecolor="white")
        axes.plot(parts.scores[output], row, "D", color="black", markeredgecolor="white", markersize=8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.use_sticky_edges = False  # a bar may end at the margin and still needs room
    axes.margins(x=0.08)
    axes.set_yticks(range(len(outputs)), [short_name(network.meta.class_names[output]) for output in outputs])
    axes.set_ylim(len(outputs) - 0.5, -0.5)
    axes.set_xlabel("contributions: blue for, orange against,\nhatched: biases; diamond: the score")
    return axes

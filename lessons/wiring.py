"""Draws the wiring of a small network of two functions, for lesson 08."""

import numpy as np

OF_FIRST, OF_SECOND, OF_BOTH, UNUSED = "#0072B2", "#009E73", "#D55E00", "#cccccc"


def reach(wires):
    """For each level of units, which inputs reach which unit: bool arrays (n_in, units)."""
    levels = [np.eye(len(wires[0]), dtype=bool)]
    for wired in wires:
        levels.append(levels[-1] @ wired)
    return levels


def draw(axes, network, title):
    """Draw the connections of a network with 4 inputs and 2 outputs, coloured by what they have to do with.

    Blue: x1, x2, y1 only. Green: x3, x4, y2 only. Dashed vermillion: both, so part of a cross-link.
    """
    wires = [layer.dense() != 0 for layer in network.layers]
    sources, served = reach(wires), reach([wired.T for wired in wires[::-1]])[::-1]
    heights = [-np.linspace(0, 1, len(wired) + 2)[1:-1] for wired in [*wires, np.zeros(2)]]
    for k, wired in enumerate(wires):
        for i, j in zip(*np.nonzero(wired)):
            first = sources[k][:2, i].any() or served[k + 1][0, j]
            second = sources[k][2:, i].any() or served[k + 1][1, j]
            colour = OF_BOTH if first and second else OF_FIRST if first else OF_SECOND
            style = "--" if colour == OF_BOTH else "-"
            axes.plot([k, k + 1], [heights[k][i], heights[k + 1][j]], style, color=colour, linewidth=1)
        is_read = wired.any(axis=1)
        axes.scatter(np.full(len(is_read), k), heights[k], 15, c=np.where(is_read, "black", UNUSED))
    for k, names in ((0, ("x1", "x2", "x3", "x4")), (3, ("y1", "y2"))):
        for height, name in zip(heights[k], names):
            axes.text(1.12 * k - 0.2, height, name, va="center", ha="center")
    axes.set_title(f"{title}: {network.count()} kept", fontsize=10)
    axes.axis("off")

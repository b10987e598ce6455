"""Draw what `python -m tinygsp.bench` measures: time of a training step, images a second, wider networks."""

from __future__ import annotations

import itertools

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinygsp.plots.style import BLUE, GREEN, GREY, ORANGE, canvas, ranked_legend

PRODUCTS = "products"  # the row of the matrix products alone
LIVE = " live"  # rows of steps with few connections are named "5,000 live"
PEER = "PyTorch"  # rows of the other library begin like this
SIZES = (784, 300, 100, 10)  # of the network whose steps are timed


def speed_figure(results: dict) -> Figure:
    """Draw steps against live connections, inference, and growth with width if it was measured, side by side.

    results : as in bench.json: "steps", "inference" and perhaps "growth"
    """
    growth_of = results.get("growth")
    figure, axes = canvas((13 if growth_of else 9, 4.4), 1, 3 if growth_of else 2)
    step_times(results["steps"], axes[0, 0])
    image_rates(results["inference"]["images a second"], axes[0, 1])
    if growth_of:
        growth(growth_of, axes[0, 2])
    return figure


def parameters(sizes: tuple[int, ...] | list[int]) -> int:
    """Count the weights and biases of a dense network with these numbers of units a level."""
    return sum(a * b + b for a, b in itertools.pairwise(sizes))


def step_times(steps: dict[str, float], axes: Axes) -> Axes:
    """Draw the time of a training step against live connections; the products and PyTorch are horizontal lines.

    steps : {name: milliseconds}; the legend has them from the slowest to the fastest
    """
    live = {int(name.split()[0].replace(",", "")): ms for name, ms in steps.items() if name.endswith(LIVE)}
    live[parameters(SIZES)] = steps[full_step(steps)]
    axes.plot(sorted(live), [live[count] for count in sorted(live)], "o-", color=BLUE, label="tinygsp")
    styles = iter(((GREY, ":"), (GREEN, "-."), (ORANGE, "--"), ("#CC79A7", (0, (5, 1)))))
    heights = [max(live.values())]
    for name, ms in steps.items():
        if name == PRODUCTS or name.startswith(PEER):
            color, style = next(styles)
            label = "its matrix products alone" if name == PRODUCTS else name
            axes.axhline(ms, color=color, linestyle=style, label=label)
            heights.append(ms)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(top=max(steps.values()) * 30)
    axes.set_xlabel("live connections")
    axes.set_ylabel("ms a training step, batch 256")
    axes.set_title("Work that shrinks")
    ranked_legend(heights, axes, fontsize=8, loc="upper left")
    return axes


def full_step(steps: dict[str, float]) -> str:
    """Find the name of the step in which every connection is live: the row that is none of the others."""
    return next(name for name in steps if not (name == PRODUCTS or name.endswith(LIVE) or name.startswith(PEER)))


def image_rates(rates: dict[str, float], axes: Axes) -> Axes:
    """Draw images a second, {name: rate}, one point for each way to classify them, the fastest on top."""
    names = sorted(rates, key=rates.get)
    for y, name in enumerate(names):
        own = "tinygsp" in name
        axes.plot(rates[name], y, "o" if own else "D", color=BLUE if own else GREY, markersize=9 if own else 6)
        axes.annotate(f"{rates[name]:,.0f}", (rates[name], y), (8, 0), textcoords="offset points", va="center",
                      fontsize=8, fontweight="bold" if own else "normal")  # fmt: skip
    labels = [name.replace(", images", ",\nimages").replace(" on live", "\non live") for name in names]
    axes.set_yticks(range(len(names)), labels, fontsize=8)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xscale("log")
    axes.set_xlim(min(rates.values()) / 2, max(rates.values()) * 15)
    axes.grid(axis="y", color=GREY, alpha=0.25)
    axes.set_xlabel("images a second")
    axes.set_title("From pixels to classes")
    return axes


def growth(columns: dict[str, dict[str, float]], axes: Axes) -> Axes:
    """Draw the time of a step against the size of the network: columns {"300-100": {name: milliseconds}, ...}."""
    size = [parameters([SIZES[0], *map(int, hidden.split("-")), SIZES[-1]]) for hidden in columns]
    full = full_step(next(iter(columns.values())))
    rows = {
        full: ("every connection live", BLUE, "o-"),
        PRODUCTS: ("its matrix products alone", GREY, "s:"),
        "5,000 live": ("5,000 live", ORANGE, "^--"),
        "400 live": ("400 live", GREEN, "v-."),
    }
    for name, (label, color, style) in rows.items():
        axes.plot(size, [column[name] for column in columns.values()], style, color=color, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(size, [f"{hidden}\n{count:,}" for hidden, count in zip(columns, size)])
    axes.minorticks_off()
    axes.set_xlabel("hidden layers, parameters at the start")
    axes.set_ylabel("ms a training step")
    axes.set_title("Wider networks")
    last = list(columns.values())[-1]
    ranked_legend([last[name] for name in rows], axes, fontsize=8)
    return axes

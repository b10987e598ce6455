"""Draw what `python -m tinygsp.bench` measures: time of a training step, images a second, wider networks."""

from __future__ import annotations

import itertools

from matplotlib.axes import Axes

from tinygsp.plots.style import BLUE, GREEN, GREY, ORANGE

PRODUCTS = "products"  # the row of the matrix products alone
LIVE = " live"  # rows of steps with few connections are named "5,000 live"
PEER = "PyTorch"  # rows of the other library begin like this
SIZES = (784, 300, 100, 10)  # of the network whose steps are timed


def parameters(sizes: tuple[int, ...] | list[int]) -> int:
    """Count the weights and biases of a dense network with these numbers of units a level."""
    return sum(a * b + b for a, b in itertools.pairwise(sizes))


def step_times(steps: dict[str, float], axes: Axes) -> Axes:
    """Draw the time of a training step against live connections; the products and PyTorch are horizontal lines.

    steps : {name: milliseconds}
    """
    live = {int(name.split()[0].replace(",", "")): ms for name, ms in steps.items() if name.endswith(LIVE)}
    live[parameters(SIZES)] = steps[full_step(steps)]
    axes.plot(sorted(live), [live[count] for count in sorted(live)], "o-", color=BLUE, label="tinygsp")
    styles = iter(((GREY, ":"), (GREEN, "-."), (ORANGE, "--"), ("#CC79A7", (0, (5, 1)))))
    for name, ms in steps.items():
        if name == PRODUCTS or name.startswith(PEER):
            color, style = next(styles)
            label = "its matrix products alone" if name == PRODUCTS else name
            axes.axhline(ms, color=color, linestyle=style, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(top=max(steps.values()) * 30)
    axes.set_xlabel("live connections")
    axes.set_ylabel("ms a training step, batch 256")
    axes.set_title("Work that shrinks")
    axes.legend(fontsize=7, loc="upper left")
    return axes


def full_step(steps: dict[str, float]) -> str:
    """Find the name of the step in which every connection is live: the row that is none of the others."""
    return next(name for name in steps if not (name == PRODUCTS or name.endswith(LIVE) or name.startswith(PEER)))


def image_rates(rates: dict[str, float], axes: Axes) -> Axes:
    """Draw images a second, {name: rate}, one bar for each way to classify them."""
    names = sorted(rates, key=rates.get)
    colors = [BLUE if "tinygsp" in name else GREY for name in names]
    bars = axes.barh(range(len(names)), [rates[name] for name in names], color=colors)
    axes.bar_label(bars, [f"{rates[name]:,.0f}" for name in names], fontsize=7, padding=3)
    labels = [name.replace(", images", ",\nimages").replace(" on live", "\non live") for name in names]
    axes.set_yticks(range(len(names)), labels, fontsize=7)
    axes.set_xscale("log")
    axes.set_xlim(right=max(rates.values()) * 12)
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
    axes.legend(fontsize=7)
    return axes

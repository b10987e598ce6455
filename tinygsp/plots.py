"""Pictures of a run. The only room that imports matplotlib: functions take data and Axes, and return the Axes.

Colours are Okabe and Ito's, told apart by colour-blind readers too; every line also differs in style or label.
"""

import io
import itertools

import matplotlib

matplotlib.use("Agg")  # files only: no window, no display needed
import matplotlib.pyplot as plt
import numpy as np

from tinygsp.files import write_atomic
from tinygsp.interpret import input_names

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
PHASES = {"dense": GREY, "search": BLUE, "rewire": GREEN, "finetune": ORANGE}


def training_curve(records, score_name, axes):
    """Validation score (left) and density (right, log) against the epoch."""
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
    for a, b in zip(records, records[1:]):
        if a["phase"] != b["phase"]:
            axes.axvline(a["epoch"] + 0.5, color=GREY, linewidth=0.8, linestyle=":")
            axes.annotate(b["phase"], (a["epoch"] + 0.5, 0.02), xycoords=("data", "axes fraction"), rotation=90,
                          fontsize=8, color=GREY, ha="right")
    return axes


def accuracy_against_kept(records, score_name, axes):
    """Validation score of every epoch against the number of open gates, log axis."""
    for phase, marker, label in (
        ("search", "o", "search, on the way"), ("rewire", "s", "rewiring"), ("finetune", "^", "fine-tuning")
    ):
        chosen = [r for r in records if r["phase"] == phase and r["open_gates"]]
        if not chosen:
            continue
        axes.plot([r["open_gates"] for r in chosen], [r["val_accuracy"] for r in chosen], marker, markersize=4,
                  alpha=0.7, color=PHASES[phase], label=label)
    dense = [r["val_accuracy"] for r in records if r["phase"] == "dense"]
    if dense:
        axes.axhline(dense[-1], color=GREY, linestyle="--", linewidth=1, label="dense network")
    axes.set_xscale("log")
    axes.set_ylim(*focus([r["val_accuracy"] for r in records]))
    axes.set_xlabel("open gates: parameters in use")
    axes.set_ylabel(f"validation {score_name}, noise off")
    axes.set_title("What accuracy costs in parameters")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return axes


def pixels_used(network, axes):
    """How strongly each input pixel is wired in: the sum of its absolute weights into the first layer."""
    first = network.layers[0]
    shape = network.meta.input_shape if len(network.meta.input_shape) == 2 else (1, first.n_in)
    strength = np.bincount(first.row, np.abs(first.weight), minlength=first.n_in).reshape(shape)
    image = axes.imshow(np.ma.masked_equal(strength, 0), cmap="viridis_r", interpolation="nearest")
    axes.set_facecolor("#eeeeee")
    axes.figure.colorbar(image, ax=axes, label="sum of |weights| leaving the input", shrink=0.85)
    axes.set_title(f"Inputs used: {len(np.unique(first.row))} of {first.n_in} (grey: none)")
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    return axes


def gate_histogram(histogram, axes):
    """The distribution of gate probabilities, epoch by epoch: (epochs, bins) counts, as shades on a log scale."""
    epochs, bins = histogram.shape
    image = axes.imshow(np.log10(1 + histogram.T), origin="lower", aspect="auto", cmap="cividis",
                        extent=(0.5, epochs + 0.5, 0, 1), interpolation="nearest")
    axes.figure.colorbar(image, ax=axes, label="log10(1 + gates in the bin)")
    axes.set_xlabel("epoch of the search")
    axes.set_ylabel("P(open) = sigmoid(gate)")
    axes.set_title(f"Gates making up their minds ({bins} bins)")
    return axes


def focus(scores):
    """Limits that show the differences among the good scores and let the bad ones leave the picture."""
    best = max(scores)
    low = max(float(np.percentile(scores, 5)), best - 0.12)
    return low - 0.1 * (best - low) - 1e-3, best + 0.1 * (best - low) + 1e-3


def save_run_figures(folder, records, histogram, network):
    """Write the figures of a run into `folder`; that of the gates needs a search. Returns their names."""
    score_name = "accuracy" if network.meta.task == "classification" else "R²"
    figures = {
        "training.png": lambda axes: training_curve(records, score_name, axes),
        "kept.png": lambda axes: accuracy_against_kept(records, score_name, axes),
        "pixels.png": lambda axes: pixels_used(network, axes),
    }
    if len(histogram):
        figures["gates.png"] = lambda axes: gate_histogram(histogram, axes)
    folder.mkdir(exist_ok=True)
    for name, draw in figures.items():
        figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
        draw(axes)
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=120, format="png", metadata={"Software": None})
        plt.close(figure)
        write_atomic(folder / name, buffer.getvalue())
    return list(figures)


# ---- A finished network, read ------------------------------------------------------------------------------------

OKABE_ITO = (BLUE, ORANGE, GREEN, "#E69F00", "#56B4E9", "#CC79A7", "#000000")
SIGNED = "PuOr"  # negative orange, zero white, positive purple: told apart by colour-blind readers too
NOWHERE = "#eeeeee"  # a pixel that no connection reads


def canvas(size, rows=1, cols=1, **options):
    """(figure, axes): an empty figure of this size in inches with (rows, cols) Axes."""
    return plt.subplots(rows, cols, figsize=size, layout="constrained", squeeze=False, **options)


def png(figure):
    """The bytes of a PNG file; the figure is closed."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=120, format="png", metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()


def importance_map(network, values, label, axes):
    """One number >= 0 for each input, (n_in,): an image, or bars where the inputs are not pixels.

    The colours follow the square root and end at the 98th percentile, so that a few strong pixels leave room.
    """
    shape, used = network.meta.input_shape, network.used_inputs()[0]
    if len(shape) != 2:
        axes.bar([input_names(network)[i] for i in used], values[used], color=BLUE)
        axes.set_ylabel(label)
        return axes
    shown = np.ma.masked_all(shape)
    shown.flat[used] = np.maximum(values[used], 0)
    scale = matplotlib.colors.PowerNorm(0.5, vmin=0, vmax=np.percentile(shown.compressed(), 98) or 1)
    image = axes.imshow(shown, cmap="viridis_r", norm=scale, interpolation="nearest")
    axes.set_facecolor(NOWHERE)
    bar = axes.figure.colorbar(image, ax=axes, label=label, location="bottom", shrink=0.9, extend="max")
    bar.locator = matplotlib.ticker.MaxNLocator(5)
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def class_map(network, values, limit, backdrop, title, axes):
    """Signed importance of the inputs for one class, (n_in,), zero white, on the outline of a typical image.

    limit    : the value of the strongest colour
    backdrop : (n_in,) image whose outline is drawn, such as the mean of the class
    """
    shape, used = network.meta.input_shape, network.used_inputs()[0]
    shown = np.ma.masked_all(shape)
    shown.flat[used] = values[used]
    axes.set_facecolor(NOWHERE)
    image = axes.imshow(shown, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
    axes.contour(backdrop.reshape(shape), levels=[backdrop.max() / 2.5], colors=[GREY], linewidths=1)
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])
    return image


def matrix(values, rows, cols, limit, axes):
    """A small signed matrix with its numbers written in: (len(rows), len(cols))."""
    image = axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if abs(value) > limit * 0.6 else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(cols)), cols)
    axes.set_yticks(range(len(rows)), rows)
    return image


def rank_scatter(predicted, measured, title, axes):
    """Ranks of the inputs by a definition of importance against ranks by measurement, both (k,)."""
    axes.plot([1, len(measured)], [1, len(measured)], color=GREY, linewidth=0.8, linestyle="--")
    axes.plot(predicted, measured, "o", markersize=3, alpha=0.6, color=BLUE, markeredgewidth=0)
    axes.set_title(title, fontsize=11)
    axes.set_aspect("equal")
    return axes


def groups_map(network, groups, axes):
    """Groups of pixels that act as one, a colour each: joined by lines; + and - say with which sign a pixel enters."""
    rows, cols = network.meta.input_shape
    used = np.zeros((rows, cols))
    used.flat[network.used_inputs()[0]] = 1
    axes.imshow(used, cmap="Greys", vmin=0, vmax=5, interpolation="nearest")
    for group, colour in zip(groups, OKABE_ITO):
        y, x = np.divmod(group.inputs, cols)
        for a, b in spanning_tree(x, y):
            axes.plot(x[[a, b]], y[[a, b]], color=colour, linewidth=1, alpha=0.6)
        for sign in (1, -1):
            chosen = np.sign(group.ratios) == sign
            axes.plot(x[chosen], y[chosen], "s", markersize=7.5, color=colour, markeredgewidth=0)
            axes.plot(x[chosen], y[chosen], marker="+" if sign > 0 else "_", linestyle="", markersize=5, color="white")
    axes.set_xlabel("+ and -: the sign of a pixel in the sum of its group\ngrey: the other pixels in use")
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def spanning_tree(x, y):
    """Edges (a, b) of the shortest tree that joins all points, by Prim's rule: the nearest point outside comes next."""
    inside, outside, edges = [0], list(range(1, len(x))), []
    distance = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y))
    while outside:
        a, b = min(((a, b) for a in inside for b in outside), key=lambda edge: distance[edge])
        edges.append((a, b))
        inside.append(b)
        outside.remove(b)
    return edges


def mirror_chart(scores, class_names, axes):
    """Mirror scores (classes, 2), left-right and up-down, one row a class."""
    scores, y = np.asarray(scores), np.arange(len(scores))
    axes.axvline(0, color=GREY, linewidth=0.8)
    for side, name, marker, colour in ((0, "left-right", "o", BLUE), (1, "up-down", "^", ORANGE)):
        axes.plot(scores[:, side], y, marker, color=colour, markersize=8, label=name)
    axes.hlines(y, -1, 1, color=GREY, linewidth=0.3)
    axes.set_yticks(y, class_names)
    axes.set_ylim(len(scores) - 0.5, -0.5)
    axes.set_xlim(-1.05, 1.05)
    axes.set_xlabel("cosine of map and mirrored map:  -1 opposite,  0 unlike,  1 equal")
    axes.set_ylabel("class")
    axes.legend(loc="lower left", fontsize=9)
    return axes


def heights(orders):
    """Where the units of each level stand, in [0, 1], the first on top: {unit: y} a level."""
    return [dict(zip(order, 1 - (np.arange(len(order)) + 0.5) / len(order))) for order in orders]


def network_diagram(network, orders, axes):
    """All connections that are left, from the inputs to the outputs, each level in the given order.

    Colour: the sign of the weight. Width: its size, compared with the largest of its layer. Where the inputs are
    pixels, the inset shows where each stands: it has the colour of its place in the list.
    """
    place, names, is_image = heights(orders), network.meta.class_names, len(network.meta.input_shape) == 2
    for k, layer in enumerate(network.layers):
        size = np.abs(layer.weight) / np.abs(layer.weight).max()
        lines = [((k, place[k][i]), (k + 1, place[k + 1][j])) for i, j in zip(layer.row.tolist(), layer.col.tolist())]
        colours = np.where(layer.weight > 0, BLUE, ORANGE)
        axes.add_collection(matplotlib.collections.LineCollection(
            lines, colors=colours, linewidths=0.4 + 2.6 * size, alpha=0.55))
    last = len(orders) - 1
    for k, order in enumerate(orders):
        y = [place[k][unit] for unit in order]
        if k == 0 and is_image:
            axes.scatter(np.full(len(y), k), y, c=np.arange(len(y)), cmap="viridis", s=max(6, 200 / len(y)), zorder=3)
        else:
            axes.scatter(np.full(len(y), k), y, s=30, zorder=3, color="white", edgecolors="black", linewidths=0.9)
        what = {0: "inputs", last: "outputs"}.get(k, "units")
        axes.text(k, 1.01, f"{len(order)} {what}", ha="center", va="bottom", fontsize=11)
    for j, y in place[last].items():
        axes.text(last + 0.06, y, names[j], va="center", fontsize=13)
    if is_image:
        shown = np.ma.masked_all(network.meta.input_shape)
        shown.flat[orders[0]] = np.arange(len(orders[0]))
        inset = axes.inset_axes([0.0, 0.3, 0.24, 0.4])
        inset.imshow(shown, cmap="viridis", interpolation="nearest")
        inset.set_facecolor(NOWHERE)
        inset.set_title("where each input stands:\nits colour in the list", fontsize=10)
        inset.set_xticks([])
        inset.set_yticks([])
        axes.set_xlim(-1.25, last + 0.3)
    else:
        for i, y in place[0].items():
            axes.text(-0.06, y, input_names(network)[i], va="center", ha="right", fontsize=13)
        axes.set_xlim(-0.4, last + 0.4)
    axes.set_ylim(-0.01, 1.06)
    axes.axis("off")
    return axes


def path_diagram(network, parts, outputs, orders, values, axes, most=12):
    """The strongest paths of one input to each of some outputs.

    parts   : Contributions of that input
    outputs : the outputs to show, such as the winner and the runner-up
    values  : (n_in,) the raw input; a digit is drawn where the paths start
    most    : paths to each output

    Colour: the sign of the contribution. Width: its size, compared with the largest shown.
    """
    shape, place, last = network.meta.input_shape, heights(orders), len(orders) - 1
    chosen = [parts.strongest(output, most) for output in outputs]
    largest = max(np.abs(parts.value[np.concatenate(chosen)]).max(initial=0), 1e-30)
    if len(shape) == 2:
        left, width, low, height = -1.7, 1.6, 0.1, 0.8  # of the digit; levels are one unit apart
        axes.imshow(values.reshape(shape), cmap="Greys", extent=(left, left + width, low, low + height), aspect="auto",
                    alpha=0.45)
        axes.add_patch(plt.Rectangle((left, low), width, height, fill=False, edgecolor=GREY, linewidth=0.8))
        start = {}
        for i in place[0]:
            row, column = divmod(i, shape[1])
            start[i] = left + width * (column + 0.5) / shape[1], low + height * (1 - (row + 0.5) / shape[0])
    else:
        start = {i: (0, y) for i, y in place[0].items()}
        for i, y in place[0].items():
            axes.text(-0.06, y, f"{input_names(network)[i]} = {values[i]:.2f}", ha="right", va="center")
    goal = {output: 1 - (rank + 0.5) / len(outputs) for rank, output in enumerate(outputs)}
    for k in range(1, last):
        y = list(place[k].values())
        axes.plot(np.full(len(y), k), y, "o", color="white", markeredgecolor=GREY, markersize=5, zorder=1)
        axes.text(k, 1.02, f"{len(y)} units", ha="center", va="bottom")
    for index in np.concatenate(chosen)[::-1]:
        route, value = parts.paths[index].tolist(), parts.value[index]
        points = [start[route[0]], *((k, place[k][route[k]]) for k in range(1, last)), (last, goal[route[-1]])]
        axes.plot(*zip(*points), color=BLUE if value > 0 else ORANGE, linewidth=0.5 + 4 * abs(value) / largest,
                  alpha=0.65, solid_joinstyle="round", zorder=2)
        axes.plot(*points[0], "s", color=BLUE if value > 0 else ORANGE, markersize=4, zorder=3)
    for output, y in goal.items():
        text = f"{network.meta.class_names[output]}\nscore {parts.scores[output]:.2f}"
        axes.text(last + 0.08, y, text, va="center", fontsize=13)
    axes.set_xlim(-1.75 if len(shape) == 2 else -0.7, last + 0.7)
    axes.set_ylim(-0.02, 1.07)
    axes.axis("off")
    return axes


def contribution_bars(network, parts, outputs, axes):
    """What a score is made of: all paths that speak for the output, all that speak against it, and the biases."""
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
    axes.set_yticks(range(len(outputs)), [network.meta.class_names[output] for output in outputs])
    axes.set_ylim(len(outputs) - 0.5, -0.5)
    axes.set_xlabel("sum of contributions (blue in favour, orange against,\nhatched: biases); diamond: the score")
    return axes


# ---- Speed -----------------------------------------------------------------------------------------------------------


def step_times(steps, axes):
    """Milliseconds of a training step against live connections, with the dense products and PyTorch as lines."""
    live = {int(name.split()[0].replace(",", "")): ms for name, ms in steps.items() if name.endswith(" live")}
    live[266_610] = steps["dense"]
    axes.plot(sorted(live), [live[count] for count in sorted(live)], "o-", color=BLUE, label="tinygsp")
    styles = iter(((GREY, ":"), (GREEN, "-."), (ORANGE, "--"), ("#CC79A7", (0, (5, 1)))))
    for name, ms in steps.items():
        if name == "products" or name.startswith("PyTorch"):
            color, style = next(styles)
            label = "its matrix products alone" if name == "products" else name
            axes.axhline(ms, color=color, linestyle=style, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(top=max(steps.values()) * 30)
    axes.set_xlabel("live connections")
    axes.set_ylabel("ms a training step, batch 256")
    axes.set_title("Work that shrinks")
    axes.legend(fontsize=7, loc="upper left")
    return axes


def image_rates(rates, axes):
    """Images a second, one bar for each way to classify them."""
    names = sorted(rates, key=rates.get)
    colors = [BLUE if "tinygsp" in name else GREY for name in names]
    bars = axes.barh(range(len(names)), [rates[name] for name in names], color=colors)
    axes.bar_label(bars, [f"{rates[name]:,.0f}" for name in names], fontsize=7, padding=3)
    axes.set_yticks(range(len(names)), [name.replace(", images", ",\nimages").replace(" on live", "\non live")
                                        for name in names], fontsize=7)
    axes.set_xscale("log")
    axes.set_xlim(right=max(rates.values()) * 12)
    axes.set_xlabel("images a second")
    axes.set_title("From pixels to classes")
    return axes


def growth(columns, axes):
    """Milliseconds of a step against the weights of the network: {hidden: {name: ms}}."""
    size = []
    for hidden in columns:
        sizes = [784, *map(int, hidden.split("-")), 10]
        size.append(sum(a * b + b for a, b in zip(sizes, sizes[1:])))
    rows = {"dense": (BLUE, "o-"), "products": (GREY, "s:"), "5,000 live": (ORANGE, "^--"), "400 live": (GREEN, "v-.")}
    for name, (color, style) in rows.items():
        label = {"dense": "every connection live", "products": "its matrix products alone"}.get(name, name)
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


# ---- Comparisons ---------------------------------------------------------------------------------------------------

MARKERS = "sD^v<>phX*"  # of methods other than "gates"


def frontier(rows, published, axes, score_name="accuracy"):
    """Test score against parameters kept: for each method a line, with standard deviations; "gates" thick and on top.

    rows       : the dicts of sweep.summarise
    published  : (name, kept, test accuracy, (x, y) of the label in points from there), drawn hollow
    score_name : "accuracy" or "R²"

    The vertical axis is the logarithm of the error, 1 - score, upside down: it shows what is left to gain. What is
    more than ten times as wrong as the best leaves the picture.
    """
    percent, best = score_name == "accuracy", 1.0
    methods = sorted({row["method"] for row in rows} - {"gates"})
    looks = zip(itertools.cycle(MARKERS), itertools.cycle((*OKABE_ITO[1:], GREY)), itertools.cycle(("--", "-.", ":")))
    for method, (marker, colour, style) in [("gates", ("o", BLUE, "-")), *zip(methods, looks)]:
        chosen = [row for row in rows if row["method"] == method]
        if not chosen:
            continue
        error = np.array([max(1 - row["test_accuracy"], 1e-6) for row in chosen])
        spread = np.array([row["test_sd"] or 0 for row in chosen])
        best, thick = min(best, error.min()), method == "gates"
        axes.errorbar([row["kept"] for row in chosen], error, (np.minimum(spread, 0.9 * error), spread), label=method,
                      color=colour, marker=marker, linestyle=style, linewidth=3 if thick else 1.2, elinewidth=1,
                      markersize=8 if thick else 5, capsize=3, zorder=4 if thick else 3)  # fmt: skip
    for k, (name, kept, accuracy, offset) in enumerate(published):
        axes.plot(kept, 1 - accuracy, "o", color="white", markeredgecolor="black", markersize=6, zorder=2,
                  label="" if k else "published")  # fmt: skip
        align = {"ha": "left" if offset[0] > 0 else "right", "va": "center", "textcoords": "offset points"}
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkB": 3} if offset[1] else None
        axes.annotate(name, (kept, 1 - accuracy), offset, fontsize=8, color="#444444", arrowprops=line, **align)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.1)
    axes.set_ylim(min(10 * best, axes.get_ylim()[1]), best / 1.5)
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter(lambda error, _: f"{100 * (1 - error):.4g}" if percent else f"{1 - error:.6g}")
    axes.minorticks_off()
    axes.set_xlabel("parameters kept, weights and biases")
    axes.set_ylabel("test accuracy, %" if percent else f"test {score_name}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return axes

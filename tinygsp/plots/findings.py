"""Compose the figures of `python -m tinygsp.explain`: each function takes findings and gives a Figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from tinygsp import reading
from tinygsp.data import Dataset
from tinygsp.plots.inputs import class_map, groups_map, importance_map, matrix, mirror_chart, rank_scatter
from tinygsp.plots.network import contribution_bars, network_diagram, path_diagram, plan_diagram
from tinygsp.plots.style import OKABE_ITO, canvas, short_name
from tinygsp.sparse import SparseNetwork

MEANINGS = {  # of definitions of importance, in a line or two
    "path weight": "sum over the paths\nof the product of |weights|",
    "path weight x spread": "sum over the paths of the\nproduct of |weights|, times the spread",
    "gradient": "mean |change of the scores|\nby a change of the input",
    "gradient x input": "mean |gradient of the scores|\ntimes what the input has over its mean",
    "Taylor": "|gradient of the loss|\ntimes what the input has over its mean",
    "Fisher": "curvature of the loss times\nthe squared change of the scores",
    "Taylor + curvature": "change of the loss, predicted\nby its first and second derivatives",
}
MOST = 40  # inputs or classes that a table or a chart has room for


def importance_figure(network: SparseNetwork, importance: Mapping[str, np.ndarray], best: str) -> Figure:
    """Draw three kinds of importance side by side: by the wiring alone, predicted, and, if it is there, measured.

    importance : {name: (n_in,)}, with the names "paths", `best` and perhaps "ablation loss"
    best       : the definition in the middle
    """
    panels = [
        ("paths", "Wiring alone", "paths from the input\nto any output"),
        (best, "Predicted", f"{best}: {MEANINGS[best]}" if best in MEANINGS else best),
        ("ablation loss", "Measured", "increase of the loss,\ninput set to its mean"),
    ]
    panels = [panel for panel in panels if panel[0] in importance]
    figure, axes = canvas((4 * len(panels), 5), 1, len(panels))
    for axis, (name, title, label) in zip(axes[0], panels):
        importance_map(network, importance[name], label, axis).set_title(title)
    return figure


def classes_figure(network: SparseNetwork, dataset: Dataset, most: int) -> Figure:
    """Draw for the first `most` outputs how the inputs move their scores.

    Images: a map a class. Otherwise one table, without signs, which would cancel in a function that rises and falls.
    """
    classes, task = network.meta.class_names[:most], network.meta.task
    maps = reading.class_maps(network, dataset.val_x, absolute=task == "regression")[:, : len(classes)]
    if len(network.meta.input_shape) != 2:
        used, names = network.used_inputs()[0], reading.input_names(network)
        shown = used[strongest(abs(maps[used]).max(axis=1))]
        figure, axes = canvas((len(classes) + 4, 0.6 * len(shown) + 2))
        limit = abs(maps).max() or 1.0
        matrix(maps[shown], [names[i] for i in shown], classes, limit, axes[0, 0])
        title = "How far an input moves an output:\nmean |gradient| x spread of the input"
        axes[0, 0].set_title(title + f"\nthe strongest {len(shown)} of {len(used):,}" * (len(shown) < len(used)))
        return figure
    limit = np.percentile(abs(maps[network.used_inputs()[0]]), 98) or 1.0  # a few pixels stand out far
    cols = min(5, len(classes))
    rows = -(-len(classes) // cols)
    figure, axes = canvas((2.3 * cols + 1.4, 2.5 * rows + 0.4), rows, cols)
    for axis in axes.flat[len(classes) :]:
        axis.axis("off")
    for c, axis in zip(range(len(classes)), axes.flat):
        of_class = dataset.train_x[dataset.train_y == c]
        typical = of_class.mean(axis=0) if len(of_class) else None
        image = class_map(network, maps[:, c], limit, typical, classes[c], axis)
    figure.suptitle("What ink says of each class: blue for it, orange against it; outline: the mean image")
    label = "mean gradient x spread, minus the mean over classes"
    bar = figure.colorbar(image, ax=axes, shrink=0.8, label=label, extend="both")
    bar.set_ticks([sign * limit * share for sign, share in ((-1, 1), (-1, 0.25), (0, 0), (1, 0.25), (1, 1))])
    bar.ax.set_yticklabels([f"{tick:.2g}" for tick in bar.get_ticks()])
    bar.minorticks_off()
    return figure


def validation_figure(
    importance: Mapping[str, Sequence[float]], correlation: Mapping[str, Mapping[str, float | None]]
) -> Figure:
    """Draw how well each definition of importance predicts the measured increase of the loss, the best first.

    importance  : {name: a number for each input in use}, of the definitions and of "ablation loss"
    correlation : {definition: {measured: rank correlation, None where one side is constant}}
    """
    rho = {name: row["ablation loss"] for name, row in correlation.items()}
    names = sorted(rho, key=lambda name: 2 if rho[name] is None else -rho[name])
    measured = reading.ranks(importance["ablation loss"])
    cols = -(-len(names) // 2)
    figure, axes = canvas((3 * cols, 6.6), 2, cols, sharex=True, sharey=True)
    for axis, name in zip(axes.flat, names):
        text = "-" if rho[name] is None else f"{rho[name]:.2f}"
        rank_scatter(reading.ranks(importance[name]), measured, f"{name}: {text}", axis)
    ends = [1, len(measured)]  # few ticks: they take most of the time of this figure
    axes[0, 0].set(xticks=ends, yticks=ends)
    figure.suptitle("Does a definition of importance foretell what the network loses? Spearman's rank correlation")
    figure.supxlabel("rank of the input by the definition")
    figure.supylabel("rank by the measured increase of the loss")
    return figure


def symmetry_figure(network: SparseNetwork, mirror: Sequence[Sequence[float]] | None, blur: float) -> Figure:
    """Draw the inputs that act as one, and for images the mirror scores of the classes.

    mirror : (classes, 2) mirror scores; None where the inputs are no image: then the cosines of the inputs are drawn
    blur   : pixels by which the maps were smoothed

    Of more than `reading.MAX_GROUPED` pixels there are mirror scores alone; of more than MOST inputs or classes, MOST.
    """
    used, names = network.used_inputs()[0], reading.input_names(network)
    groups = reading.symmetric_groups(network) if len(used) <= reading.MAX_GROUPED else None
    if mirror is None:
        chosen = strongest(np.linalg.norm(reading.weighted_rows(network), axis=1))
        shown = [names[i] for i in used[chosen]]
        figure, axes = canvas((0.8 * len(shown) + 3, 0.8 * len(shown) + 2))
        image = matrix(reading.cosines(network)[np.ix_(chosen, chosen)], shown, shown, 1, axes[0, 0])
        figure.colorbar(image, ax=axes, shrink=0.7, label="cosine of the first-layer weights")
        text = short_name(", ".join(group.text(names) for group in groups) or "none", 100)
        among = f"\nshown: the strongest {len(shown)} of {len(used):,}" * (len(shown) < len(used))
        axes[0, 0].set_title(f"Act as one: {text}{among}")
        return figure
    panels = 1 if groups is None else 2
    figure, axes = canvas((6 * panels, 5.6), 1, panels)
    if groups is not None:
        few = groups[: len(OKABE_ITO)]
        title = f"{len(groups)} groups of pixels act as one; the {len(few)} largest"
        groups_map(network, few, axes[0, 0]).set_title(title)
    classes = network.meta.class_names
    mirror_chart(mirror[:MOST], classes[:MOST], axes[0, -1])
    title = f"Is the map of a class its own mirror image? (maps blurred by {blur:g} pixels)"
    axes[0, -1].set_title(title + f"\nthe first {MOST} of {len(classes):,} classes" * (len(classes) > MOST))
    return figure


def strongest(values: np.ndarray) -> np.ndarray:
    """Find where the MOST largest of some values are: their indices, ascending."""
    return np.sort(np.argsort(-values, kind="stable")[:MOST])


def network_figure(network: SparseNetwork, orders: Sequence[Sequence[int]], crossings: Mapping[str, int]) -> Figure:
    """Draw all connections.

    orders    : units of each level, as `reading.order_units` gives them
    crossings : {"natural": in the natural order, "ordered": in this one}
    """
    plan = plan_diagram(network, orders)
    size = max(plan.width * plan.unit, 7), (plan.height + 2 * plan.rim + 1) * plan.unit + 0.9
    figure, axes = canvas(size)
    network_diagram(network, orders, axes[0, 0])
    connections = sum(layer.kept_weights for layer in network.layers)
    title = f"All {connections:,} connections: blue adds, orange and dashed subtracts"
    if plan.maps:
        title += "\n+ and − on a map: the pixels that a unit reads"
    else:
        title += f"\n{crossings['ordered']:,} crossings ({crossings['natural']:,} in natural order)"
    figure.suptitle(title, fontsize=11)
    return figure


def paths_figure(
    network: SparseNetwork, dataset: Dataset, orders: Sequence[Sequence[int]], examples: Sequence[Mapping], most: int
) -> Figure:
    """Draw the `most` strongest paths to each score of some test samples, a row a score.

    orders   : units of each level, as `reading.order_units` gives them
    examples : {"index": test sample, "kind": "right" or "wrong", "target": true class, "outputs": scores to draw}
    """
    names = [short_name(name) for name in network.meta.class_names]
    rows = [(example, output) for example in examples for output in example["outputs"]]
    size = (11.5, 3.9 * len(rows) + 0.4)
    figure, axes = canvas(size, len(rows), 2, width_ratios=(2.3, 1), sharex="col")
    for (left, right), (example, output) in zip(axes, rows):
        values = dataset.test_x[example["index"]]
        parts = reading.contributions(network, values)
        path_diagram(network, parts, [output], orders, values, left, most)
        contribution_bars(network, parts, [output], right)
        title = f"Test sample {example['index']}: paths to {names[output]}"
        if network.meta.task == "classification":
            target, winner = names[example["target"]], names[example["outputs"][0]]
            place = "the winner" if output == example["outputs"][0] else "the runner-up"
            title = (
                f"A typical {example['kind']} answer: a {target} read as {winner} (test image {example['index']})\n"
                f"paths to {names[output]}, {place}"
            )
        left.set_title(title, fontsize=11)
        right.set_title(f"What the score of {names[output]} is made of", fontsize=11)
        right.xaxis.set_tick_params(labelbottom=True)
    figure.suptitle(f"The {most} strongest paths to each score: blue in favour of it, orange and dashed against it")
    return figure

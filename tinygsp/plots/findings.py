"""Compose the figures of `python -m tinygsp.explain`: each function takes findings and gives the bytes of a PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinygsp import reading
from tinygsp.data import Dataset
from tinygsp.plots.inputs import class_map, groups_map, importance_map, matrix, mirror_chart, rank_scatter
from tinygsp.plots.network import contribution_bars, network_diagram, path_diagram
from tinygsp.plots.style import OKABE_ITO, canvas, png, short_name
from tinygsp.sparse import SparseNetwork

MOST = 40  # inputs or classes that a table or a chart has room for


def importance_figure(network: SparseNetwork, importance: Mapping[str, np.ndarray], best: str) -> bytes:
    """Draw three kinds of importance side by side: by the wiring alone, predicted, and, if it is there, measured.

    importance : {name: (n_in,)}, with the names "paths", `best` and perhaps "ablation loss"
    best       : the definition in the middle
    """
    panels = [
        ("paths", "Wiring alone", "paths from the input to any output"),
        (best, "Predicted", best),
        ("ablation loss", "Measured", "increase of the loss, input set to its mean"),
    ]
    panels = [panel for panel in panels if panel[0] in importance]
    figure, axes = canvas((4 * len(panels), 5), 1, len(panels))
    for axis, (name, title, label) in zip(axes[0], panels):
        importance_map(network, importance[name], label, axis).set_title(title)
    return png(figure)


def classes_figure(network: SparseNetwork, dataset: Dataset, most: int) -> bytes:
    """Draw for the first `most` outputs how the inputs move their scores.

    Images: a map a class. Otherwise one table, without signs, which would cancel in a function that rises and falls.
    """
    classes, task = network.meta.class_names[:most], network.meta.task
    maps = reading.class_maps(network, dataset.val_x, absolute=task == "regression")[:, : len(classes)]
    limit = abs(maps).max() or 1.0
    if len(network.meta.input_shape) != 2:
        used, names = network.used_inputs()[0], reading.input_names(network)
        shown = used[strongest(abs(maps[used]).max(axis=1))]
        figure, axes = canvas((len(classes) + 4, 0.6 * len(shown) + 2))
        matrix(maps[shown], [names[i] for i in shown], classes, limit, axes[0, 0])
        title = "How far an input moves an output:\nmean |gradient| x spread of the input"
        axes[0, 0].set_title(title + f"\nthe strongest {len(shown)} of {len(used):,}" * (len(shown) < len(used)))
        return png(figure)
    limit, cols = limit / 2, min(5, len(classes))  # a few pixels stand out: let the others have colour too
    rows = -(-len(classes) // cols)
    figure, axes = canvas((2.3 * cols + 1.4, 2.5 * rows + 0.4), rows, cols)
    for axis in axes.flat[len(classes) :]:
        axis.axis("off")
    for c, axis in zip(range(len(classes)), axes.flat):
        of_class = dataset.train_x[dataset.train_y == c]
        typical = of_class.mean(axis=0) if len(of_class) else None
        image = class_map(network, maps[:, c], limit, typical, classes[c], axis)
    figure.suptitle("What ink says of each class: purple for, orange against it; outline: the mean image")
    label = "mean gradient x spread, minus the mean over classes"
    figure.colorbar(image, ax=axes, shrink=0.8, extend="both", label=label)
    return png(figure)


def validation_figure(
    importance: Mapping[str, Sequence[float]], correlation: Mapping[str, Mapping[str, float | None]]
) -> bytes:
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
    figure.suptitle("Does a definition of importance foretell what the network loses? Spearman's rank correlation")
    figure.supxlabel("rank of the input by the definition")
    figure.supylabel("rank by the measured increase of the loss")
    return png(figure)


def symmetry_figure(network: SparseNetwork, mirror: Sequence[Sequence[float]] | None, blur: float) -> bytes:
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
        return png(figure)
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
    return png(figure)


def strongest(values: np.ndarray) -> np.ndarray:
    """Find where the MOST largest of some values are: their indices, ascending."""
    return np.sort(np.argsort(-values, kind="stable")[:MOST])


def network_figure(network: SparseNetwork, orders: Sequence[Sequence[int]], crossings: Mapping[str, int]) -> bytes:
    """Draw all connections.

    orders    : units of each level, as `reading.order_units` gives them
    crossings : {"natural": in the natural order, "ordered": in this one}
    """
    figure, axes = canvas((12, 9) if len(orders[0]) > 20 else (9, 5))
    network_diagram(network, orders, axes[0, 0])
    connections = sum(layer.kept_weights for layer in network.layers)
    figure.suptitle(
        f"All {connections:,} connections: blue adds, orange subtracts; "
        f"{crossings['ordered']:,} crossings ({crossings['natural']:,} in natural order)"
    )
    return png(figure)


def paths_figure(
    network: SparseNetwork, dataset: Dataset, orders: Sequence[Sequence[int]], examples: Sequence[Mapping], most: int
) -> bytes:
    """Draw the `most` strongest paths to each score of some test samples, a row a sample.

    orders   : units of each level, as `reading.order_units` gives them
    examples : {"index": test sample, "kind": "right" or "wrong", "target": true class, "outputs": scores to draw}
    """
    names = [short_name(name) for name in network.meta.class_names]
    figure, axes = canvas((13, 4.6 * len(examples)), len(examples), 2, width_ratios=(2.4, 1))
    for (left, right), example in zip(axes, examples):
        values, outputs = dataset.test_x[example["index"]], example["outputs"]
        parts = reading.contributions(network, values)
        path_diagram(network, parts, outputs, orders, values, left, most)
        contribution_bars(network, parts, outputs, right)
        if network.meta.task == "classification":
            left.set_title(
                f"A typical {example['kind']} answer: a {names[example['target']]} read as "
                f"{names[outputs[0]]}, runner-up {names[outputs[1]]} (test image {example['index']})"
            )
        else:
            left.set_title(f"Test sample {example['index']}")
        right.set_title("What the scores are made of")
    figure.suptitle(f"The {most} strongest paths to each score: blue in favour, orange against")
    return png(figure)

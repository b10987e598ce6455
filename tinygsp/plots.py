"""Pictures of a run. The only room that imports matplotlib: functions take data and Axes, and return the Axes.

Colours are Okabe and Ito's, told apart by colour-blind readers too; every line also differs in style or label.
"""

import io

import matplotlib

matplotlib.use("Agg")  # files only: no window, no display needed
import matplotlib.pyplot as plt
import numpy as np

from tinygsp.files import write_atomic

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
PHASES = {"dense": GREY, "search": BLUE, "finetune": ORANGE}


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
    axes.set_title("Training: dense, search, fine-tuning")
    for a, b in zip(records, records[1:]):
        if a["phase"] != b["phase"]:
            axes.axvline(a["epoch"] + 0.5, color=GREY, linewidth=0.8, linestyle=":")
            axes.annotate(b["phase"], (a["epoch"] + 0.5, 0.02), xycoords=("data", "axes fraction"), rotation=90,
                          fontsize=8, color=GREY, ha="right")
    return axes


def accuracy_against_kept(records, score_name, axes):
    """Validation score of every epoch against the number of open gates, log axis."""
    for phase, marker in (("search", "o"), ("finetune", "^")):
        chosen = [r for r in records if r["phase"] == phase and r["open_gates"]]
        label = {"search": "search, on the way", "finetune": "fine-tuning"}[phase]
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
    """Write the four figures of a run into `folder`. Returns their names."""
    score_name = "accuracy" if network.meta.task == "classification" else "R²"
    figures = {
        "training.png": lambda axes: training_curve(records, score_name, axes),
        "kept.png": lambda axes: accuracy_against_kept(records, score_name, axes),
        "pixels.png": lambda axes: pixels_used(network, axes),
        "gates.png": lambda axes: gate_histogram(histogram, axes),
    }
    folder.mkdir(exist_ok=True)
    for name, draw in figures.items():
        figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
        draw(axes)
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=120, format="png", metadata={"Software": None})
        plt.close(figure)
        write_atomic(folder / name, buffer.getvalue())
    return list(figures)

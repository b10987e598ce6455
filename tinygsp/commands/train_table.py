"""What train does and says beyond the rest where the data is a table: the choice of the network, and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygsp import reading
from tinygsp.nn.metrics import score
from tinygsp.training import fit_linear, fit_table

if TYPE_CHECKING:
    from tinygsp.data import Dataset
    from tinygsp.sparse import SparseNetwork
    from tinygsp.training import Fit, Trainer

MOST_LETTERS = 500  # of a formula that is printed
MOST_CLASSES = 12  # of a confusion matrix that is printed
KINDS = {  # how a network was made, as fit_table calls it
    "linear": "a linear model",
    "spare": "a linear model of the inputs that are worth a place",
    "trained": "the trained network",
    "carved": "a network carved from a dense one by second derivatives",
    "polished": "the trained network, polished by second derivatives",
}


def choose_network(trainer: Trainer) -> Fit:
    """Let the trained network compete with others of as many parameters."""
    return fit_table(
        trainer.dataset, trainer.budget, network=trainer.network, settings=trainer.settings, seed=trainer.seed
    )  # fmt: skip


def table_summary(fit: Fit, dataset: Dataset) -> dict[str, Any]:
    """What summary.json says of a table beyond the rest, or otherwise.

    val_accuracy is the score on the validation split that the choice was made by, before the network was fitted to this
    split as well. All other scores are those on the test split. The yardsticks, of the same rows, are the majority or
    the mean, and a linear model with as many parameters as the network has.
    """
    network, x, y = fit.network, dataset.test_x, dataset.test_y
    names, known = reading.input_names(network), np.concatenate([dataset.train_y, dataset.val_y])
    found = {
        "made_by": KINDS.get(fit.kind, fit.kind),
        "val_accuracy": fit.score,
        "inputs": [names[i] for i in network.used_inputs()[0]],
        "notes": list(dataset.notes),
        "formulas": formulas(network),
    }
    linear = fit_linear(dataset, max(network.count(), dataset.n_out), whole=True)
    yardsticks = {"linear model": {"parameters": linear.count(), "score": score(linear.scores(x), y, dataset.task)}}
    if dataset.task == "classification":
        majority = int(np.bincount(known).argmax())
        yardsticks["majority"] = {"parameters": 1, "score": float((y == majority).mean())}
        confusion = np.zeros((dataset.n_out, dataset.n_out), int)
        np.add.at(confusion, (y, network.predict(x)), 1)
        found["confusion"] = confusion.tolist()  # a row for each true class, a column for each answer
    else:
        mean = np.broadcast_to(known.mean(axis=0), y.shape)
        yardsticks["mean"] = {"parameters": dataset.n_out, "score": score(mean, y, dataset.task)}
    return found | {"yardsticks": yardsticks}


def formulas(network: SparseNetwork) -> dict[str, str] | None:
    """The formula of each output, None if they are too long to read. Of two classes, one score says it all."""
    try:
        texts = reading.formulas(network, digits=4)
    except ValueError:
        return None
    found = {name: text for name, text in zip(network.meta.class_names, texts) if text != "0"}
    return found if sum(map(len, found.values())) <= MOST_LETTERS else None


def table_lines(summary: Mapping[str, Any], class_names: tuple[str, ...]) -> list[str]:
    """The report on a table, as lines: inputs, formula, the scores beside the yardsticks, and what is confused."""
    s, classes = summary, summary["task"] == "classification"
    style = "{:.2%}" if classes else "{:.4f}"
    lines = [
        f"reads {len(s['inputs'])} inputs: {', '.join(map(quoted, s['inputs'][:20]))}"
        + " ..." * (len(s["inputs"]) > 20)
    ]
    for name, text in (s["formulas"] or {}).items():
        lines.append(f"{'score of ' * classes}{name} = {text}")
    lines += ["", f"{'':<16}{'parameters':>12}{'test ' + ('accuracy' if classes else 'R^2'):>16}"]
    lines.append(f"{'this network':<16}{s['kept']:>12,}{style.format(s['test_accuracy']):>16}   {s['made_by']}")
    for name, found in s["yardsticks"].items():
        lines.append(f"{name:<16}{found['parameters']:>12,}{style.format(found['score']):>16}")
    name = "accuracy" if classes else "R^2"
    lines += [
        "",
        f"chosen by a validation {name} of {style.format(s['val_accuracy'])}, then fitted to these rows as well",
    ]
    if classes and len(class_names) <= MOST_CLASSES:
        lines += ["", *confusion_lines(s["confusion"], s["recall"], class_names)]
    return lines


def quoted(name: str) -> str:
    """A name for a list with commas between: in quotes if it has one itself."""
    return f'"{name}"' if "," in name else name


def confusion_lines(confusion: list[list[int]], recall: list[float | None], names: tuple[str, ...]) -> list[str]:
    """The confusion matrix as lines: a row for each true class, with its recall."""
    short = [name if len(name) <= 16 else name[:13] + "..." for name in names]
    width = max(8, *(len(name) + 2 for name in short))
    lines = [f"{'true class':<18}" + "".join(f"{name:>{width}}" for name in short) + f"{'recall':>10}"]
    for name, row, value in zip(short, confusion, recall):
        share = "-" if value is None else f"{value:.1%}"
        lines.append(f"{name:<18}" + "".join(f"{count:>{width},}" for count in row) + f"{share:>10}")
    return lines

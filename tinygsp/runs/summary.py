"""The summary of a finished run. The test set is read here, and nowhere else in a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygsp.data.limits import shown
from tinygsp.nn.metrics import r_squared, score

if TYPE_CHECKING:
    from tinygsp.data import Dataset
    from tinygsp.sparse import SparseNetwork
    from tinygsp.training import Trainer


def summarise(trainer: Trainer, network: SparseNetwork, records: list[dict], model_bytes: int) -> dict[str, Any]:
    """Return what summary.json says of a finished run; `seconds` is 0.0, for the caller to fill in.

    network     : SparseNetwork   the result of `trainer`, as written
    records     : list of dict    of every epoch
    model_bytes : int             size of the file of the network
    """
    d = trainer.dataset
    used = [len(units) for units in network.used_inputs()]
    test_scores = network.scores(d.test_x)
    first_phase = [record for record in records if record["phase"] == records[0]["phase"]]  # the network is still dense
    summary = {
        "dataset": d.name,
        "task": d.task,
        "method": trainer.method.name,
        "seed": trainer.seed,
        "total": network.total,
        "budget": trainer.budget,
        "kept": network.count(),
        "kept_weights": sum(layer.kept_weights for layer in network.layers),
        "kept_biases": sum(layer.kept_biases for layer in network.layers),
        "density": network.density,
        "pixels": used[0],
        "units": used[1:],
        "dense_val_accuracy": first_phase[-1]["val_accuracy"],
        "val_accuracy": score(network.scores(d.val_x), d.val_y, d.task),
        "test_accuracy": score(test_scores, d.test_y, d.task),
        "epochs": trainer.total_epochs,
        "steps": trainer.step,
        "batch_size": trainer.settings.batch_size,
        "seconds": 0.0,
        "model_bytes": model_bytes,
    }
    summary["recall"] = recall_by_class(network, d) if d.task == "classification" else None
    if d.task == "regression":
        summary["test_r2"] = [float(value) for value in r_squared(test_scores, d.test_y)]
        summary["paths"] = network.reaches().astype(int).tolist()  # paths[i][j]: whether input i reaches output j
    return summary | {"doubts": doubts(summary, d)}


def recall_by_class(network: SparseNetwork, dataset: Dataset) -> list[float | None]:
    """Return the share of each class's test samples that are recognised, None for a class without any."""
    right = network.predict(dataset.test_x) == dataset.test_y
    count = np.bincount(dataset.test_y, minlength=dataset.n_out)
    found = np.bincount(dataset.test_y[right], minlength=dataset.n_out)
    return [int(a) / int(n) if n else None for a, n in zip(found, count, strict=True)]


def doubts(summary: Mapping[str, Any], dataset: Dataset) -> list[str]:
    """Say in which respects a run has learnt nothing, a line each; none if there is no reason to doubt.

    An accuracy is doubted if it does not exceed that of one answer for all by two standard errors.
    """
    names = [shown(name) for name in dataset.class_names]
    if dataset.task == "regression":
        wrong = [name for name, value in zip(names, summary["test_r2"], strict=True) if not value > 0]
        return [f"{listed(wrong)}: no better than a constant, the test R^2 is not above 0"] if wrong else []
    lines, n = [], len(dataset.test_y)
    usual = int(np.bincount(dataset.train_y).argmax())
    share = float(np.mean(dataset.test_y == usual))
    if summary["test_accuracy"] <= share + 2 * math.sqrt(share * (1 - share) / n):
        lines.append(
            f"test accuracy {summary['test_accuracy']:.2%}: hardly more than the {share:.2%} of always answering "
            f"{names[usual]}, as far as {n:,} test samples tell"
        )
    if never := [name for name, value in zip(names, summary["recall"], strict=True) if value == 0]:
        lines.append(f"never recognised in the test split: {listed(never)}")
    return lines


def listed(names: Sequence[str], most: int = 10) -> str:
    """Write names with commas between, the first `most` of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

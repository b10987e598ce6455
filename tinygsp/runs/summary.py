"""The summary of a finished run. The test set is read here, and nowhere else in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygsp.nn.metrics import r_squared, score

if TYPE_CHECKING:
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
    if d.task == "regression":
        summary["test_r2"] = [float(value) for value in r_squared(test_scores, d.test_y)]
        summary["paths"] = network.reaches().astype(int).tolist()  # paths[i][j]: whether input i reaches output j
    return summary

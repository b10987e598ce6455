"""Measure everything that `python -m tinygsp.bench` reports, one section after another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tinygsp import data, runs
from tinygsp.commands.bench.inference import inference
from tinygsp.commands.bench.steps import HIDDEN, WIDER, gated_trainer, steps, switch
from tinygsp.commands.bench.timing import BATCH
from tinygsp.commands.bench.twins import kernels_and_twins
from tinygsp.sparse import SparseNetwork


def measure(run: Path | None, quick: bool, progress: Callable[[str], None]) -> dict:
    """Measure every section. Returns what bench.json holds: {section: its rows}, numbers and names only.

    run      : folder of a finished run: its network is timed, and its mean step reported; None times a random one
    quick    : few repeats, and no wider networks
    progress : is called with what comes next

    Raises RunError or ModelFileError if the folder holds no finished run.
    """
    network, summary = finished(run) if run else (None, None)
    dataset = data.load("mnist", 0)
    repeats = 3 if quick else 41
    results = {"machine": runs.environment(1), "batch": BATCH}
    progress("kernels and their NumPy twins")
    results["kernels"] = kernels_and_twins(repeats)
    progress("training steps")
    results["steps"], missing = steps(dataset, HIDDEN, repeats)
    results["switch"] = switch(repeats)
    progress("inference")
    network = network or gated_trainer(dataset, HIDDEN, 400).net.open_network()
    dense = [layer.params["W"] for layer in gated_trainer(dataset, HIDDEN).net.layers]
    results["inference"], lacking = inference(network, dense, dataset, max(3, repeats // 4))
    missing |= lacking
    if not quick:
        results["growth"] = {"-".join(map(str, HIDDEN)): results["steps"]}
        for hidden in WIDER:
            progress(f"training steps of 784-{hidden[0]}-{hidden[1]}-10")
            results["growth"]["-".join(map(str, hidden))], lacking = steps(dataset, hidden, 3)
            missing |= lacking
    if summary:
        results["run"] = {name: summary[name] for name in ("kept", "steps", "seconds", "model_bytes")}
    return results | {"missing": missing}


def finished(run: Path) -> tuple[SparseNetwork, dict]:
    """Read the network and the summary of a finished run."""
    network = SparseNetwork.load(run / "model.npz")
    try:
        return network, json.loads((run / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise runs.RunError(f"{run}/summary.json: cannot be read ({error}); name a finished run") from error

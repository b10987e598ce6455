"""Ask `reading/` every question about the network of a run: the content of interpretation.json, and the report on it.

`interpretation` is the whole; it calls one function for each kind of finding. Each of them returns its findings and
what it skipped, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from tinygsp import reading
from tinygsp.data import Dataset
from tinygsp.data.scaling import is_columnwise
from tinygsp.sparse import SparseNetwork

WORK = 300_000_000  # parameters times test samples; a network that is hardly pruned is measured on fewer samples
FEWEST_SAMPLES = 500
EFFORT = 16_000  # parameters times starts of the search for an order: seconds, not minutes
FEWEST = 10  # inputs that are worth a rank correlation
MOST_MEASURED = 2_000  # inputs that are taken away one by one
NUMBERS = 2**23  # inputs in use times validation samples; of more inputs fewer samples are looked at
CLASSES = 20  # most classes that are drawn one by one
PATHS = 12  # strongest paths to each score that are listed and drawn
BLUR = 2.0  # pixels: how far apart two pixels may stand and still count as the same place in a mirror image
MOST_CURVES = 12  # inputs of a table whose partial dependence is drawn
FALLBACK = "Fisher"  # the definition that is drawn where none can be chosen: the best on MNIST

Part = tuple[dict, dict[str, str]]  # findings, {what was skipped: why}


def interpretation(network: SparseNetwork, dataset: Dataset, config: Mapping, step: Callable[[str], None]) -> dict:
    """Find everything, as plain numbers and text for a JSON file.

    config : "data" and "seed" of the run
    step   : called with a few words when a step of the work begins
    """
    meta, (used, *_), names = network.meta, network.used_inputs(), reading.input_names(network)
    found = {
        "dataset": config["data"],
        "seed": config["seed"],
        "task": meta.task,
        "kept": network.count(),
        "inputs": network.layers[0].n_in,
        "inputs_used": used.tolist(),
        **({"input_names": [names[i] for i in used]} if is_columnwise(meta) else {}),
        "paths": {name: int(count) for name, count in zip(meta.class_names, reading.path_counts(network).sum(axis=0))},
        "skipped": {},
    }
    for findings, skipped in (
        importance(network, dataset, config["seed"], step),
        symmetry(network, dataset, step),
        drawing(network, dataset, step),
        formula(network),
        dependence(network, dataset, step),
    ):
        found.update(findings)
        found["skipped"].update(skipped)
    return found


def with_fewer_samples(network: SparseNetwork, dataset: Dataset) -> Dataset:
    """Return the data set with only so many validation samples as NUMBERS allows for the inputs in use."""
    most = max(1, NUMBERS // len(network.used_inputs()[0]))
    if most >= len(dataset.val_x):
        return dataset
    return replace(dataset, val_x=dataset.val_x[:most], val_y=dataset.val_y[:most])


def importance(network: SparseNetwork, dataset: Dataset, seed: int, step: Callable[[str], None]) -> Part:
    """Predict the importance of the inputs on the validation split, measure it on the test split, and compare."""
    used = network.used_inputs()[0]
    step(f"importance of {len(used):,} inputs, from {len(dataset.val_x):,} validation samples")
    fill = dataset.train_x.mean(axis=0)
    predicted = reading.importances(network, dataset.val_x, dataset.val_y, fill)
    found = {"best": FALLBACK, "importance": {name: tidy(values[used]) for name, values in predicted.items()}}
    if len(used) > MOST_MEASURED:
        reason = f"{len(used):,} inputs are used; at most {MOST_MEASURED:,} are taken away one by one"
        return found, {"measured importance and validation.png": reason}
    measured, samples = measure(network, dataset, fill, seed, step)
    found["test_samples"] = samples
    found["importance"] |= {name: tidy(values[used]) for name, values in measured.items()}
    if len(used) < FEWEST:
        return found, {"rank correlation": f"{len(used)} inputs are used; at least {FEWEST} are worth a rank"}
    correlation = {
        name: {what: tidy(reading.spearman(values[used], real[used])) for what, real in measured.items()}
        for name, values in predicted.items()
    }
    known = {name: row["ablation loss"] for name, row in correlation.items() if row["ablation loss"] is not None}
    best = max(known, key=known.__getitem__) if known else FALLBACK
    return found | {"rank_correlation": correlation, "best": best}, {}


def measure(
    network: SparseNetwork, dataset: Dataset, fill: np.ndarray, seed: int, step: Callable[[str], None]
) -> tuple[dict[str, np.ndarray], int]:
    """Take each input away in turn: ({what is measured: (n_in,)}, how many test samples were used)."""
    score = "accuracy" if network.meta.task == "classification" else "R2"
    most = max(FEWEST_SAMPLES, WORK // network.count())
    test_x, test_y = dataset.test_x[:most], dataset.test_y[:most]
    step(f"measured importance: each input in turn set to its mean, {len(test_x):,} test samples")
    drop, increase = reading.ablation(network, test_x, test_y, fill)
    step("measured importance: each input in turn shuffled among the samples")
    shuffled_drop, shuffled_increase = reading.permutation(network, test_x, test_y, np.random.default_rng(seed))
    measured = {
        "ablation loss": increase,
        f"ablation {score}": drop,
        "permutation loss": shuffled_increase,
        f"permutation {score}": shuffled_drop,
    }
    return measured, len(test_x)


def symmetry(network: SparseNetwork, dataset: Dataset, step: Callable[[str], None]) -> Part:
    """Find groups of inputs that act as one, and for images how far each class map is its own mirror image."""
    step("groups and mirror images")
    names, shape = reading.input_names(network), network.meta.input_shape
    found, skipped = {}, {}
    try:
        found["groups"] = [
            {
                "text": group.text(names),
                "inputs": group.inputs.tolist(),
                "ratios": tidy(group.ratios),
                "score": group.score,
            }
            for group in reading.symmetric_groups(network)
        ]
    except ValueError as error:
        skipped["groups of inputs"] = str(error)
    if len(shape) != 2:
        return found, skipped | {"mirror images": "the inputs are no image"}
    maps = reading.blur(reading.class_maps(network, dataset.val_x), shape, BLUR)
    return found | {"mirror": tidy(reading.mirror_scores(maps, shape))}, skipped


def drawing(network: SparseNetwork, dataset: Dataset, step: Callable[[str], None]) -> Part:
    """Find an order of the units for a drawing, and the strongest paths of typical answers."""
    skipped, classes = {}, len(network.meta.class_names)
    if classes > CLASSES:
        skipped["maps of some classes"] = f"only the first {CLASSES} of {classes} are drawn"
    step("ordering the units")
    if (count := reading.count_paths(network)) > reading.MAX_PATHS:
        reason = f"{count:,.0f} paths are left; at most {reading.MAX_PATHS:,} are listed"
        return {}, skipped | {"network.png and paths.png": reason}
    try:
        orders = reading.order_units(network, fixed=[-1], restarts=min(40, max(2, EFFORT // network.count())))
    except ValueError as error:
        return {}, skipped | {"network.png and paths.png": str(error)}
    natural = reading.crossings(network, reading.levels(network))
    chosen, none = typical_answers(network, dataset)
    found = {
        "orders": [order.tolist() for order in orders],
        "crossings": {"natural": natural, "ordered": reading.crossings(network, orders)},
        "examples": [example(network, dataset, *answer) for answer in chosen],
    }
    return found, skipped | none


def typical_answers(network: SparseNetwork, dataset: Dataset) -> tuple[list[tuple[str, int, list[int]]], dict]:
    """Choose a typical right and a typical wrong answer: of each kind the test sample whose margin is the median.

    Returns [(kind, test sample, outputs to show), ...] and what was skipped. The outputs are the winner and the
    runner-up. A regression is neither right nor wrong: its first test sample is chosen, with its first two outputs.
    """
    scores = network.scores(dataset.test_x)
    if network.meta.task != "classification":
        return [("first test sample", 0, list(range(min(2, scores.shape[1]))))], {}
    ranking = np.argsort(-scores, axis=1, kind="stable")[:, :2]
    margin = -np.diff(np.take_along_axis(scores, ranking, axis=1), axis=1)[:, 0]
    right = ranking[:, 0] == dataset.test_y
    chosen, skipped = [], {}
    for kind, members in (("right", np.flatnonzero(right)), ("wrong", np.flatnonzero(~right))):
        if len(members):
            median = members[np.argsort(margin[members], kind="stable")[len(members) // 2]]
            chosen.append((kind, int(median), ranking[median].tolist()))
        else:
            skipped[f"a {kind} answer"] = "the test set has none"
    return chosen, skipped


def example(network: SparseNetwork, dataset: Dataset, kind: str, index: int, outputs: list[int]) -> dict:
    """Split the scores of one test sample among the paths: the strongest PATHS to each of the outputs."""
    parts = reading.contributions(network, dataset.test_x[index])
    strongest = [
        [
            {"path": parts.paths[p].tolist(), "contribution": tidy(parts.value[p])}
            for p in parts.strongest(output, PATHS)
        ]
        for output in outputs
    ]
    return {
        "kind": kind,
        "index": index,
        "target": dataset.test_y[index].tolist(),
        "outputs": outputs,
        "scores": tidy(parts.scores[outputs]),
        "biases": tidy(parts.bias[outputs]),
        "paths": strongest,
    }


def formula(network: SparseNetwork) -> Part:
    """Write each output as a formula, where the network is small enough."""
    try:
        texts, latex = (reading.formulas(network, digits=4, latex=form) for form in (False, True))
    except ValueError as error:
        return {}, {"formula": str(error)}
    names = network.meta.class_names
    return {"formulas": [{"output": o, "text": t, "latex": x} for o, t, x in zip(names, texts, latex)]}, {}


def dependence(network: SparseNetwork, dataset: Dataset, step: Callable[[str], None]) -> Part:
    """Find how the answer depends on the inputs of a table that matter most, by the loss without them."""
    if not is_columnwise(network.meta):
        return {}, {}
    used = network.used_inputs()[0]
    step("how the answer depends on each input")
    fill = dataset.train_x.mean(axis=0)
    increase = reading.ablation(network, dataset.val_x, dataset.val_y, fill)[1]
    chosen = used[np.argsort(-increase[used], kind="stable")[:MOST_CURVES]]
    names = reading.input_names(network)
    curves = reading.partial_dependence(network, dataset.train_x, chosen)
    found = [{"input": names[i], "values": tidy(grid), "mean": tidy(mean)} for i, (grid, mean) in zip(chosen, curves)]
    skipped = {"dependence": f"the {MOST_CURVES} strongest of {len(used)} inputs"} if len(used) > MOST_CURVES else {}
    return {"dependence": found}, skipped


def tidy(values: np.ndarray | float) -> list | float | None:
    """Turn numbers into nested lists for a JSON file, with six digits; what is not finite becomes None."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list):
        return [tidy(value) for value in values]
    return float(f"{values:.6g}") if math.isfinite(values) else None


# ---- The report --------------------------------------------------------------------------------------------------


def report(found: Mapping, run: Path, has_page: bool) -> str:
    """Write the report for people: what was found, what was skipped, and where the files are."""
    paths = ", ".join(f"{count} to {name}" for name, count in found["paths"].items())
    lines = [
        f"{found['kept']:,} parameters, {len(found['inputs_used']):,} of {found['inputs']:,} inputs are read",
        f"paths: {paths}",
        "",
        *correlation_table(found),
        *input_table(found),
        *largest_groups(found),
    ]
    if "crossings" in found:
        natural, ordered = found["crossings"].values()
        lines.append(f"drawing: {natural:,} crossings in natural order, {ordered:,} as ordered")
    lines += [f"{entry['output']} = {entry['text']}" for entry in found.get("formulas", [])]
    lines += [f"skipped: {what}: {why}" for what, why in found["skipped"].items()]
    lines += ["", f"figures: {run / 'figures'}"]
    if has_page:
        lines.append(f"{'play on' if 'dependence' in found else 'draw on'}: {run / 'explorer.html'}")
    return "\n".join(lines)


def correlation_table(found: Mapping) -> list[str]:
    """Write the rank correlations as lines: a row a definition, a column a measurement."""
    if "rank_correlation" not in found:
        return []
    measured = list(next(iter(found["rank_correlation"].values())))
    lines = [
        "rank correlation of importance, by definition, with what is measured",
        f"{'':<22}" + "".join(f"{name:>22}" for name in measured),
    ]
    for name, row in found["rank_correlation"].items():
        cells = "".join(f"{'-' if value is None else f'{value:.3f}':>22}" for value in row.values())
        is_best = name == found["best"] and row["ablation loss"] is not None
        lines.append(f"{name:<22}{cells}{'   <- best for ablation loss' * is_best}")
    return [*lines, ""]


def input_table(found: Mapping, most: int = 15) -> list[str]:
    """Write the inputs of a table as lines, with what is lost without each, the largest loss first."""
    if "dependence" not in found:
        return []
    loss = found["importance"]["ablation loss"]
    score = next(name for name in found["importance"] if name.startswith("ablation ") and name != "ablation loss")
    order = sorted(range(len(loss)), key=lambda k: -(loss[k] or 0))
    lines = [f"{'input':<34}{'rise of the loss':>18}{'fall of ' + score.split()[1]:>18}   if set to its mean"]
    for k in order[:most]:
        cells = (values[k] for values in (loss, found["importance"][score]))
        numbers = "".join(f"{'-' if value is None else f'{value:.4g}':>18}" for value in cells)
        lines.append(f"{found['input_names'][k][:33]:<34}{numbers}")
    return [*lines, *[f"... and {len(order) - most} more"] * (len(order) > most), ""]


def largest_groups(found: Mapping, most: int = 4) -> list[str]:
    """Write how many groups act as one, and the largest of them, as lines."""
    if "groups" not in found:
        return []
    groups = found["groups"]
    inputs = sum(len(group["inputs"]) for group in groups)
    heading = f"{len(groups)} groups of inputs act as one, {inputs} inputs in all" + (":" if groups else "")
    shown = [f"  {group['text']}   (|cosine| at least {group['score']:.4f})" for group in groups[:most]]
    return [heading, *shown]

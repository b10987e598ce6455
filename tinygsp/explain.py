"""python -m tinygsp.explain RUN: what the network of a finished run looks at, and how it decides.

Reads config.json and model.npz of a run folder, asks interpret.py every question it can answer, and writes the
figures, interpretation.json and the page one can draw on. Everything is made before anything is written, so a
failure leaves the folder as it was. As in train.py, the arguments are read before anything heavy is imported.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path

DONE, FAILED, USAGE, DATA, INTERRUPTED = 0, 1, 2, 3, 130
EPILOG = """exit codes: 0 done, 1 failed, 2 usage, 3 data missing or damaged, 130 interrupted.
the report goes to stdout, progress to stderr; RUN gains figures/*.png, interpretation.json and, for images,
explorer.html, a page that draws, predicts and shows the paths in any browser."""
WORK = 300_000_000  # parameters times test samples; a network that is hardly pruned is measured on fewer
FEWEST_SAMPLES = 500
EFFORT = 16_000  # parameters times starts of the search for an order: seconds, not minutes
FEWEST = 10  # inputs that are worth a rank correlation
CLASSES = 20  # that are drawn one by one
PATHS = 12  # that are drawn to each of two scores
BLUR = 2.0  # pixels: how far apart two pixels may stand and still count as the same place in a mirror image


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(USAGE, f"error: {message}\n")


def parse_arguments(argv):
    parser = Parser(
        prog="python -m tinygsp.explain", description="Show what a pruned network looks at and how it decides.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder, as python -m tinygsp.train leaves it")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--json", action="store_true", help="print interpretation.json instead of the report")
    return parser.parse_args(argv)


def main(argv=None):
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[variable] = "1"
    from tinygsp.data import DataError
    from tinygsp.runs import RunError
    from tinygsp.sparse import ModelFileError

    progress = Progress(args.quiet or args.json)
    try:
        network, dataset, config = open_run(args.run, progress)
        found = interpretation(network, dataset, config, progress)
        files = figures(network, dataset, found, progress) | page(network, dataset, found, progress)
        files["interpretation.json"] = json.dumps(found, indent=2, allow_nan=False) + "\n"
        write_all(args.run, files)
        print(files["interpretation.json"].strip() if args.json else report(found, args.run, files))
        return DONE
    except (RunError, DataError, ModelFileError) as error:
        return fail(error, DATA)
    except OSError as error:
        return fail(f"{error.filename or args.run}: {error.strerror or error}; nothing was written", FAILED)
    except MemoryError:
        return fail("not enough memory for so large a network or data set; nothing was written", FAILED)
    except KeyboardInterrupt:
        return fail("interrupted; nothing was written", INTERRUPTED)


def fail(message, code):
    print(f"error: {message}", file=sys.stderr)
    return code


class Progress:
    """A line on stderr when a step begins; nothing if quiet."""

    def __init__(self, quiet):
        self.quiet, self.started = quiet, time.perf_counter()

    def __call__(self, step):
        if not self.quiet:
            print(f"{time.perf_counter() - self.started:5.1f} s  {step} ...", file=sys.stderr, flush=True)


# ---- The run ----------------------------------------------------------------------------------------------------


def open_run(run, progress):
    """(SparseNetwork, Dataset, config) of a run folder, held against each other."""
    from tinygsp import data
    from tinygsp.runs import RunError
    from tinygsp.sparse import SparseNetwork

    config = read_config(run, RunError)
    network = SparseNetwork.load(run / "model.npz")
    progress(f"reading the data set {config['data']}")
    try:
        dataset = data.load(config["data"], config["seed"])
    except data.DataError as error:
        raise RunError(f"{run / 'config.json'}: the data set of the run: {error}") from error
    first, last = network.layers[0], network.layers[-1]
    for what, has, needs in (("inputs", first.n_in, dataset.n_in), ("outputs", last.n_out, dataset.n_out),
                             ("task", network.meta.task, dataset.task)):
        if has != needs:
            raise RunError(f"{run / 'model.npz'}: {what} {has}, but {needs} in {config['data']}, the data of the run")
    if not first.row.size:
        raise RunError(f"{run / 'model.npz'}: no input is connected, so there is nothing to explain")
    return network, dataset, config


def read_config(run, RunError):
    path = run / "config.json"
    if not run.is_dir():
        raise RunError(f"{run}: {'is no folder' if run.exists() else 'does not exist'}; name a run folder")
    if not path.is_file():
        raise RunError(f"{run}: holds no config.json, so it is no run folder; python -m tinygsp.train makes one")
    if not (run / "model.npz").is_file():
        raise RunError(f"{run}: holds no model.npz; the run did not finish")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        good = isinstance(config["data"], str) and type(config["seed"]) is int and config["seed"] >= 0
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path}: damaged ({error!r}); expected JSON with data and seed") from error
    if not good:
        raise RunError(f"{path}: data {config['data']!r}, seed {config['seed']!r}; expected a name and a number")
    return config


# ---- The findings -----------------------------------------------------------------------------------------------


def interpretation(network, dataset, config, progress):
    """Everything interpret.py finds, as plain numbers and text: the content of interpretation.json.

    Importance is computed on the validation split and measured on the test split.
    """
    import numpy as np

    from tinygsp import interpret

    meta, (used, *_) = network.meta, network.used_inputs()
    score = "accuracy" if meta.task == "classification" else "R2"
    counts = interpret.path_counts(network)
    found = {
        "dataset": config["data"],
        "seed": config["seed"],
        "task": meta.task,
        "kept": network.count(),
        "inputs": network.layers[0].n_in,
        "inputs_used": used.tolist(),
        "paths": {name: int(count) for name, count in zip(meta.class_names, counts.sum(axis=0))},
        "skipped": {},
    }

    progress(f"importance of {len(used):,} inputs, from {len(dataset.val_x):,} validation samples")
    fill = dataset.train_x.mean(axis=0)
    defined = interpret.importances(network, dataset.val_x, dataset.val_y, fill)
    test_x, test_y = (part[: max(FEWEST_SAMPLES, WORK // network.count())] for part in (dataset.test_x, dataset.test_y))
    found["test_samples"] = len(test_x)
    progress(f"measured importance: each input in turn set to its mean, {len(test_x):,} test samples")
    drop, increase = interpret.ablation(network, test_x, test_y, fill)
    progress("measured importance: each input in turn dealt out anew")
    rng = np.random.default_rng(config["seed"])
    dealt_drop, dealt_increase = interpret.permutation(network, test_x, test_y, rng)
    measured = {"ablation loss": increase, f"ablation {score}": drop,
                "permutation loss": dealt_increase, f"permutation {score}": dealt_drop}
    found["importance"] = {name: tidy(values[used]) for name, values in (defined | measured).items()}
    if len(used) >= FEWEST:
        found["rank_correlation"] = {
            name: {what: tidy(interpret.spearman(values[used], real[used])) for what, real in measured.items()}
            for name, values in defined.items()
        }
        found["best"] = max(defined, key=lambda name: rho(found, name, "ablation loss", -2))
    else:
        found["skipped"]["rank correlation"] = f"{len(used)} inputs are used; at least {FEWEST} are worth a rank"
        found["best"] = "Fisher"  # the best on MNIST

    progress("groups and mirror images")
    names = interpret.input_names(network)
    found["groups"] = [{"text": group_text(group, names), "inputs": group.inputs.tolist(),
                        "ratios": tidy(group.ratios), "score": group.score}
                       for group in interpret.symmetric_groups(network)]
    if len(meta.input_shape) == 2:
        maps = class_maps(network, dataset)
        found["mirror"] = tidy(interpret.mirror_scores(interpret.blur(maps, meta.input_shape, BLUR), meta.input_shape))
    else:
        found["skipped"]["mirror images"] = "the inputs are no image"

    if len(meta.class_names) > CLASSES:
        found["skipped"]["maps of some classes"] = f"only the first {CLASSES} of {len(meta.class_names)} are drawn"

    progress("ordering the units")
    if counts.sum() <= interpret.MAX_PATHS:
        natural = interpret.levels(network)
        restarts = min(40, max(2, EFFORT // network.count()))
        orders = interpret.order_units(network, fixed=[-1], restarts=restarts)
        found["orders"] = [order.tolist() for order in orders]
        found["crossings"] = {"natural": interpret.crossings(network, natural),
                              "ordered": interpret.crossings(network, orders)}
        found["examples"] = examples(network, dataset, found["skipped"])
    else:
        reason = f"{counts.sum():,.0f} paths are left; at most {interpret.MAX_PATHS:,} are listed"
        found["skipped"]["network.png and paths.png"] = reason
    try:
        texts, latex = interpret.formulas(network, digits=4), interpret.formulas(network, digits=4, latex=True)
        found["formulas"] = [{"output": output, "text": text, "latex": formula}
                             for output, text, formula in zip(meta.class_names, texts, latex)]
    except ValueError as error:
        found["skipped"]["formula"] = str(error)
    return found


def tidy(values):
    """Numbers as nested lists for a JSON file: six digits, and null for what is not a number."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list):
        return [tidy(value) for value in values]
    return float(f"{values:.6g}") if values == values else None


def class_maps(network, dataset, absolute=False):
    """How each score moves when an input rises by its standard deviation: mean gradient x spread, (n_in, n_out).

    The scores of classes count by their differences, so each is measured from the mean over the classes.
    """
    from tinygsp import interpret

    spread = dataset.val_x.std(axis=0) / (network.meta.divisor * network.meta.std)
    maps = interpret.mean_gradients(network, dataset.val_x, absolute) * spread[:, None]
    return maps - maps.mean(axis=1, keepdims=True) if network.meta.task == "classification" else maps


def examples(network, dataset, skipped):
    """A typical right and a typical wrong answer: of each kind the test image whose margin is the median.

    A regression has neither; the first test sample stands for all.
    """
    import numpy as np

    from tinygsp import interpret

    scores = network.scores(dataset.test_x)
    if network.meta.task == "classification":
        ranking = np.argsort(-scores, axis=1, kind="stable")[:, :2]
        margin = -np.diff(np.take_along_axis(scores, ranking, axis=1), axis=1)[:, 0]
        right = ranking[:, 0] == dataset.test_y
        chosen = []
        for kind, members in (("right", np.flatnonzero(right)), ("wrong", np.flatnonzero(~right))):
            if len(members):
                median = members[np.argsort(margin[members], kind="stable")[len(members) // 2]]
                chosen.append((kind, int(median), ranking[median].tolist()))
            else:
                skipped[f"a {kind} answer"] = "the test set has none"
    else:
        chosen = [("first test sample", 0, list(range(min(2, scores.shape[1]))))]
    found = []
    for kind, index, outputs in chosen:
        parts = interpret.contributions(network, dataset.test_x[index])
        found.append({
            "kind": kind,
            "index": index,
            "target": dataset.test_y[index].tolist(),
            "outputs": outputs,
            "scores": tidy(parts.scores[outputs]),
            "biases": tidy(parts.bias[outputs]),
            "paths": [[{"path": parts.paths[p].tolist(), "contribution": tidy(parts.value[p])}
                       for p in parts.strongest(output, PATHS)] for output in outputs],
        })
    return found


# ---- The figures ------------------------------------------------------------------------------------------------


def figures(network, dataset, found, progress):
    """{file name: bytes of a PNG} of every figure that applies."""
    import numpy as np

    progress("drawing the figures")
    importance = {name: np.zeros(found["inputs"]) for name in found["importance"]}
    for name, values in found["importance"].items():
        importance[name][found["inputs_used"]] = values
    files = {
        "importance.png": importance_figure(network, importance, found["best"]),
        "importance_classes.png": classes_figure(network, dataset),
        "symmetry.png": symmetry_figure(network, found),
    }
    if "rank_correlation" in found:
        files["validation.png"] = validation_figure(found)
    if "orders" in found:
        files["network.png"] = network_figure(network, found)
        files["paths.png"] = paths_figure(network, dataset, found)
    return files


def importance_figure(network, importance, best):
    from tinygsp import plots

    figure, axes = plots.canvas((12, 5), 1, 3)
    panels = (("paths", "Wiring alone", "paths from the input to any output"), (best, "Predicted", best),
              ("ablation loss", "Measured", "increase of the loss, input set to its mean"))
    for axis, (name, title, label) in zip(axes[0], panels):
        plots.importance_map(network, importance[name], label, axis).set_title(title)
    return plots.png(figure)


def classes_figure(network, dataset):
    """For images a map a class. Elsewhere one table, without signs, which cancel in a function that rises and falls."""
    from tinygsp import interpret, plots

    is_image, classes = len(network.meta.input_shape) == 2, network.meta.class_names[:CLASSES]
    maps = class_maps(network, dataset, absolute=network.meta.task == "regression")[:, : len(classes)]
    limit = abs(maps).max() or 1.0
    if is_image:
        limit, cols = limit / 2, min(5, len(classes))  # a few pixels stand out: let the others have colour too
        rows = -(-len(classes) // cols)
        figure, axes = plots.canvas((2.3 * cols + 1.4, 2.5 * rows + 0.4), rows, cols)
        for axis in axes.flat[len(classes):]:
            axis.axis("off")
        for c, axis in zip(range(len(classes)), axes.flat):
            typical = dataset.train_x[dataset.train_y == c].mean(axis=0)
            image = plots.class_map(network, maps[:, c], limit, typical, classes[c], axis)
        figure.suptitle("What ink says of each class: purple for, orange against it; outline: the mean image")
        label = "mean gradient x spread, minus the mean over classes"
        figure.colorbar(image, ax=axes, shrink=0.8, extend="both", label=label)
    else:
        used, names = network.used_inputs()[0], interpret.input_names(network)
        figure, axes = plots.canvas((len(classes) + 4, 0.6 * len(used) + 2))
        plots.matrix(maps[used], [names[i] for i in used], classes, limit, axes[0, 0])
        axes[0, 0].set_title("How far an input moves an output:\nmean |gradient| x spread of the input")
    return plots.png(figure)


def rho(found, name, measured, otherwise):
    """A rank correlation of the findings; `otherwise` where there is none, as one side is constant."""
    value = found["rank_correlation"][name][measured]
    return otherwise if value is None else value


def validation_figure(found):
    from tinygsp import interpret, plots

    names = sorted(found["rank_correlation"], key=lambda name: -rho(found, name, "ablation loss", -2))
    measured = interpret.ranks(found["importance"]["ablation loss"])
    cols = -(-len(names) // 2)
    figure, axes = plots.canvas((3 * cols, 6.6), 2, cols, sharex=True, sharey=True)
    for axis, name in zip(axes.flat, names):
        title = f"{name}: {rho(found, name, 'ablation loss', math.nan):.2f}"
        plots.rank_scatter(interpret.ranks(found["importance"][name]), measured, title, axis)
    figure.suptitle("Does a definition of importance foretell what the network loses? Spearman's rank correlation")
    figure.supxlabel("rank of the input by the definition")
    figure.supylabel("rank by the measured increase of the loss")
    return plots.png(figure)


def symmetry_figure(network, found):
    from tinygsp import interpret, plots

    groups = interpret.symmetric_groups(network)
    if "mirror" not in found:
        names = [interpret.input_names(network)[i] for i in found["inputs_used"]]
        figure, axes = plots.canvas((0.8 * len(names) + 3, 0.8 * len(names) + 2))
        image = plots.matrix(interpret.cosines(network), names, names, 1, axes[0, 0])
        figure.colorbar(image, ax=axes, shrink=0.7, label="cosine of the first-layer weights")
        axes[0, 0].set_title("Act as one: " + (", ".join(g["text"] for g in found["groups"]) or "none"))
        return plots.png(figure)
    figure, axes = plots.canvas((12, 5.6), 1, 2)
    shown = groups[: len(plots.OKABE_ITO)]
    plots.groups_map(network, shown, axes[0, 0]).set_title(
        f"{len(groups)} groups of pixels act as one; the {len(shown)} largest")
    plots.mirror_chart(found["mirror"], network.meta.class_names, axes[0, 1])
    axes[0, 1].set_title(f"Is the map of a class its own mirror image? (maps blurred by {BLUR:g} pixels)")
    return plots.png(figure)


def network_figure(network, found):
    from tinygsp import plots

    figure, axes = plots.canvas((12, 9) if len(found["inputs_used"]) > 20 else (9, 5))
    plots.network_diagram(network, found["orders"], axes[0, 0])
    crossings = found["crossings"]
    connections = sum(layer.kept_weights for layer in network.layers)
    figure.suptitle(f"All {connections:,} connections: blue adds, orange subtracts; "
                    f"{crossings['ordered']:,} crossings ({crossings['natural']:,} in natural order)")
    return plots.png(figure)


def paths_figure(network, dataset, found):
    from tinygsp import interpret, plots

    names = network.meta.class_names
    figure, axes = plots.canvas((13, 4.6 * len(found["examples"])), len(found["examples"]), 2, width_ratios=(2.4, 1))
    for (left, right), example in zip(axes, found["examples"]):
        values, outputs = dataset.test_x[example["index"]], example["outputs"]
        parts = interpret.contributions(network, values)
        plots.path_diagram(network, parts, outputs, found["orders"], values, left, PATHS)
        plots.contribution_bars(network, parts, outputs, right)
        if network.meta.task == "classification":
            left.set_title(f"A typical {example['kind']} answer: a {names[example['target']]} read as "
                           f"{names[outputs[0]]}, runner-up {names[outputs[1]]} (test image {example['index']})")
        else:
            left.set_title(f"Test sample {example['index']}")
        right.set_title("What the scores are made of")
    figure.suptitle(f"The {PATHS} strongest paths to each score: blue in favour, orange against")
    return plots.png(figure)


def page(network, dataset, found, progress):
    """{"explorer.html": the page one can draw on}, or nothing where there is nothing to draw."""
    if len(network.meta.input_shape) != 2 or network.meta.task != "classification":
        found["skipped"]["explorer.html"] = "only a network that classifies images can be drawn to"
        return {}
    from tinygsp import explorer

    progress("the page one can draw on")
    try:
        return {"explorer.html": explorer.page(network, dataset.test_x, dataset.test_y)}
    except ValueError as error:
        found["skipped"]["explorer.html"] = str(error)
        return {}


# ---- What is handed over ----------------------------------------------------------------------------------------


def write_all(run, files):
    """Write every file or none: first beside the run's own files, then, when all are whole, each to its name."""
    from tinygsp.files import write_atomic

    with tempfile.TemporaryDirectory(prefix=".explain-", dir=run) as staging:
        for name, content in files.items():
            write_atomic(Path(staging) / name, content)
        (run / "figures").mkdir(exist_ok=True)
        for name in files:
            os.replace(Path(staging) / name, place(run, name))


def place(run, name):
    return run / "figures" / name if name.endswith(".png") else run / name


def group_text(group, names):
    """"x1 - x2" of a group, in the order of the inputs; the ratio is written where it is not 1 to two digits."""
    members = sorted(zip(group.inputs, group.ratios))
    sign, text = (1 if members[0][1] > 0 else -1), ""
    for i, ratio in members:
        factor = "" if f"{abs(ratio):.2f}" == "1.00" else f"{abs(ratio):.2f} "
        text += f" {'+' if sign * ratio > 0 else '-'} {factor}{names[i]}"
    return text[3:]


def report(found, run, files):
    """The report for people."""
    used, lines = found["inputs_used"], []
    paths = ", ".join(f"{count} to {name}" for name, count in found["paths"].items())
    lines.append(f"{found['kept']:,} parameters, {len(used):,} of {found['inputs']:,} inputs are read")
    lines += [f"paths: {paths}", ""]
    if "rank_correlation" in found:
        measures = list(next(iter(found["rank_correlation"].values())))
        lines.append("rank correlation of importance, by definition, with what is measured")
        lines.append(f"{'':<22}" + "".join(f"{measure:>22}" for measure in measures))
        for name in found["rank_correlation"]:
            cells = "".join(f"{rho(found, name, measure, math.nan):>22.3f}" for measure in measures)
            lines.append(f"{name:<22}{cells}{'   <- best for ablation loss' if name == found['best'] else ''}")
        lines.append("")
    largest = found["groups"][:4]
    grouped = sum(len(group["inputs"]) for group in found["groups"])
    lines.append(f"{len(found['groups'])} groups of inputs act as one, {grouped} inputs in all" + ":" * bool(largest))
    lines += [f"  {group['text']}   (|cosine| at least {group['score']:.4f})" for group in largest]
    if "crossings" in found:
        natural, ordered = found["crossings"].values()
        lines.append(f"drawing: {natural:,} crossings in natural order, {ordered:,} as ordered")
    lines += [f"{entry['output']} = {entry['text']}" for entry in found.get("formulas", [])]
    lines += [f"skipped: {what}: {why}" for what, why in found["skipped"].items()]
    lines += ["", f"figures: {run / 'figures'}"]
    if "explorer.html" in files:
        lines.append(f"draw on: {run / 'explorer.html'}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

"""python -m tinygsp.train: train and prune a network, and leave a run folder.

The arguments are read before anything heavy is imported, so that --help and mistakes answer at once, and so that
the number of threads is set before BLAS starts.
"""

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

DONE, FAILED, USAGE, DATA, INTERRUPTED = 0, 1, 2, 3, 130
EPILOG = """exit codes: 0 done, 1 failed, 2 usage, 3 data missing or damaged, 130 interrupted.
results go to stdout, progress to stderr; the run folder holds config.json, env.json, metrics.csv, model.npz,
figures/ and summary.json."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(USAGE, f"error: {message}\n")


def number(kind, low, high, expected, open_low=False):
    """An argparse type: a finite number in [low, high], or (low, high]; `expected` says so in words."""

    def parse(text):
        try:
            value = kind(text)
            if not (low < value <= high if open_low else low <= value <= high):
                raise ValueError
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}") from None
        return value

    return parse


def sizes(text):
    try:
        hidden = tuple(int(part) for part in text.split(","))
        if not (1 <= len(hidden) <= 8 and all(1 <= size <= 65536 for size in hidden)):
            raise ValueError
    except ValueError:
        expected = "1 to 8 sizes of 1 to 65536 with commas between, as in 300,100"
        raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}") from None
    return hidden


def parse_arguments(argv):
    parser = Parser(
        prog="python -m tinygsp.train", description="Prune a network by gradient descent.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", help="mnist, toy, or a folder of four IDX files (.gz or plain)")
    add("--density", type=number(float, 0, 1, "a fraction in (0, 1]", open_low=True),
        help="parameters to keep / all, biases included (default: 0.0015; toy: 0.2)")
    add("--hidden", type=sizes, help="sizes of the hidden layers (default: 300,100; toy: 10,10)")
    add("--epochs", type=number(int, 1, 10**6, "a whole number of at least 1"),
        help="epochs of the search (default: 150; toy: 800, tried 5 times)")
    add("--batch-size", type=number(int, 1, 10**6, "a whole number of at least 1"), help="default: 256")
    add("--lr", type=number(float, 0, 1e6, "a number above 0", open_low=True),
        help="learning rate of the weights (default: 0.1; toy: 0.03)")
    add("--seed", type=number(int, 0, 2**32 - 1, "a whole number from 0 to 4294967295"), default=0)
    add("--threads", type=number(int, 1, 256, "a whole number from 1 to 256"), default=1, help="of BLAS (default: 1)")
    add("--out", type=Path, help="run folder (default: runs/DATA-DENSITY-SEED)")
    add("--force", action="store_true", help="replace the run in that folder")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="print summary.json instead of the table")
    return parser.parse_args(argv)


def main(argv=None):
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[variable] = str(args.threads)
    from tinygsp import data, prune, runs

    started = time.perf_counter()
    try:
        dataset = data.load(args.data, args.seed)
        settings = resolve(args, prune)
        pruner = prune.Pruner(dataset, settings, args.seed)
        density = f"{settings.density:g}"
        out = args.out or Path("runs") / f"{Path(args.data).resolve().name}-{density}-seed{args.seed}"
        runs.create(out, args.force)
        return train(pruner, args, out, started)
    except data.DataError as error:
        return fail(error, DATA)
    except prune.SettingsError as error:
        return fail(error, USAGE)
    except (runs.RunError, prune.DivergedError) as error:
        return fail(error, FAILED)
    except OSError as error:
        return fail(f"{error.filename or out}: {error.strerror or error}; what was written before is kept", FAILED)
    except MemoryError:
        return fail("not enough memory; use smaller --hidden sizes", FAILED)
    except KeyboardInterrupt:
        return fail("interrupted; the files written so far are kept", INTERRUPTED)


def fail(message, code):
    print(f"error: {message}", file=sys.stderr)
    return code


def resolve(args, prune):
    """The Settings of this run: the defaults of the data set, changed by what the user gave."""
    from dataclasses import replace

    defaults = prune.TOY if args.data == "toy" else prune.Settings()
    given = {name: getattr(args, name) for name in ("density", "hidden", "epochs", "batch_size", "lr")}
    return replace(defaults, **{name: value for name, value in given.items() if value is not None})


def train(pruner, args, out, started):
    import numpy as np

    from tinygsp import runs
    from tinygsp.prune import DivergedError
    from tinygsp.sparse import SparseNetwork

    config = {"data": args.data, "seed": args.seed, "threads": args.threads, "out": str(out), **vars(pruner.settings)}
    runs.write_json(out / "config.json", config)
    runs.write_json(out / "env.json", runs.environment(args.threads))

    records, histogram = [], []
    good = None  # the state after the last epoch whose every loss was finite
    metrics = runs.Metrics(out / "metrics.csv")
    show = Progress(pruner.total_epochs, args.quiet or args.json)
    try:
        for record in pruner.run():
            records.append({**record, "seconds": time.perf_counter() - started})
            if record["phase"] == "search":
                histogram.append(pruner.gate_histogram())
            metrics.add(records[-1])
            good = pruner.state()
            show(records[-1])
    except (DivergedError, KeyboardInterrupt):
        if good:
            runs.write_arrays(out / "checkpoint.npz", good)
        raise
    finally:
        show.close()
        metrics.close()

    pruner.network.save(out / "model.npz")
    histogram = np.array(histogram)
    runs.write_arrays(out / "gates.npz", {"histogram": histogram})
    network = SparseNetwork.load(out / "model.npz")  # the report speaks of what was written
    summary = summarise(pruner, network, records, (out / "model.npz").stat().st_size)
    from tinygsp import plots  # matplotlib takes a second to import: after the work, not before

    plots.save_run_figures(out / "figures", records, histogram, network)
    summary["seconds"] = round(time.perf_counter() - started, 2)
    runs.write_json(out / "summary.json", summary)
    print(json.dumps(summary, indent=2) if args.json else table(summary, network, out))
    return DONE


def summarise(pruner, network, records, model_bytes):
    """What there is to say of a finished run. The test set is read here, and nowhere else."""
    from tinygsp.prune import r_squared, score

    d = pruner.dataset
    used = [len(u) for u in network.used_inputs()]
    test_scores = network.scores(d.test_x)
    summary = {
        "dataset": d.name,
        "task": d.task,
        "seed": pruner.seed,
        "total": network.total,
        "budget": pruner.budget,
        "kept": network.count(),
        "kept_weights": sum(layer.kept_weights for layer in network.layers),
        "kept_biases": sum(layer.kept_biases for layer in network.layers),
        "density": network.density,
        "pixels": used[0],
        "units": used[1:],
        "dense_val_accuracy": [r["val_accuracy"] for r in records if r["phase"] == "dense"][-1],
        "val_accuracy": score(network.scores(d.val_x), d.val_y, d.task),
        "test_accuracy": score(test_scores, d.test_y, d.task),
        "epochs": pruner.total_epochs,
        "steps": pruner.step,
        "batch_size": pruner.settings.batch_size,
        "seconds": 0.0,
        "model_bytes": model_bytes,
    }
    if d.task == "regression":
        summary["test_r2"] = [float(v) for v in r_squared(test_scores, d.test_y)]
        summary["paths"] = network.reaches().astype(int).tolist()  # paths[i][j]: input i reaches output j
    return summary


def table(s, network, out):
    """The report for people."""
    name, show = ("accuracy", "{:.2%}") if s["task"] == "classification" else ("R^2", "{:.4f}")
    lines = [f"{'layer':<12}{'kept':>8}{'total':>10}{'weights':>9}{'biases':>8}{'inputs used':>13}"]
    for row in network.report():
        kept = row["kept_weights"] + row["kept_biases"]
        lines.append(f"{row['n_in']:>4} -> {row['n_out']:<4}{kept:>8,}{row['total']:>10,}{row['kept_weights']:>9,}"
                     f"{row['kept_biases']:>8,}{row['inputs']:>6,} of {row['n_in']:<4,}")
    lines.append(f"{'all':<12}{s['kept']:>8,}{s['total']:>10,}   density {s['density']:.4%}")
    lines.append("")
    lines.append(f"dense   validation {name}  {show.format(s['dense_val_accuracy'])}")
    lines.append(f"pruned  validation {name}  {show.format(s['val_accuracy'])}")
    lines.append(f"pruned  test {name}        {show.format(s['test_accuracy'])}")
    steps = f"{s['steps']:,} steps of {s['batch_size']}"
    lines.append(f"model.npz {s['model_bytes']:,} bytes, {steps}, {s['seconds']:.0f} s")
    lines.append("")
    lines.append(f"figures: {out / 'figures'}")
    higher = min(1.0, s["budget"] / s["total"] * 2.5)
    lines.append(f"next:    python -m tinygsp.train {s['dataset']} --density {higher:.2g}")
    return "\n".join(lines)


class Progress:
    """A bar on a terminal; a line now and then elsewhere; nothing if quiet. All on stderr."""

    def __init__(self, epochs, quiet):
        self.quiet, self.every, self.bar = quiet, max(1, math.ceil(epochs / 20)), None
        if quiet:
            return
        print("compiling or loading the kernels (once; a minute at most, then cached) ...", file=sys.stderr)
        if sys.stderr.isatty():
            from tqdm import tqdm

            layout = "{desc} |{bar}| {n_fmt}/{total_fmt} {remaining}"  # short enough for 80 columns
            self.bar = tqdm(total=epochs, file=sys.stderr, dynamic_ncols=True, bar_format=layout)

    def __call__(self, r):
        if self.quiet:
            return
        text = (f"{r['phase']:<8} loss {r['loss']:.4f}  validation {r['val_accuracy']:.4f}  "
                f"open {r['open_gates']:,}  density {r['density']:.3%}")
        if self.bar is not None:
            text = (f"{r['phase']:<8} loss {r['loss']:.3f} val {r['val_accuracy']:.4f} "
                    f"open {r['open_gates']:,} ({r['density']:.2%})")
            self.bar.set_description_str(text, refresh=False)
            self.bar.update()
        elif r["epoch"] % self.every == 0:
            print(f"epoch {r['epoch']:>4}  {text}  {r['seconds']:.0f} s", file=sys.stderr, flush=True)

    def close(self):
        if self.bar is not None:
            self.bar.close()


if __name__ == "__main__":
    sys.exit(main())

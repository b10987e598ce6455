"""Any small data set and any options: train, resume, explain and export end in success, or with one line.

Case number i depends on the seed and i alone. Everything runs in this process, and every warning is an error.
"""

import contextlib
import gzip
import io
import json
import shutil
import signal
import time
import warnings
from pathlib import Path

import numpy as np

from helpers.idx import idx_bytes
from tinygsp import methods
from tinygsp.commands import explain, export, train
from tinygsp.data import TEST, TRAIN
from tinygsp.runs.files import is_temporary
from tinygsp.sparse import SparseNetwork
from tinygsp.training import Trainer

LONGEST = 300  # letters of an error line
CODES = {"train": {0, 1, 2, 3, 130}, "resume": {0, 1, 2, 3}, "explain": {0, 3}, "export": {0, 1}}


# --- a case -----------------------------------------------------------------------------------------------------


def write_data(rng, path):
    """Write four IDX files of any small data set."""
    path.mkdir()
    shape = tuple(int(n) for n in (rng.integers(1, 41, 2) if rng.random() < 0.5 else rng.integers(1, 7, 2)))
    shape = (1, 1) if rng.random() < 0.08 else shape
    classes = int(rng.choice([2, 2, 3, 3, 5, 10, 30, 100]))
    sizes, orderly = [int(rng.choice([2, 3, 5, 20, 100, 400])), int(rng.choice([1, 2, 10, 60]))], rng.random() < 0.85
    sizes[0] = max(sizes[0], classes + 2) if orderly else sizes[0]
    known = np.arange(classes)
    look = rng.choice(["noise", "constant pixels", "duplicates", "classes", "classes", "black", "two values"])
    names = rng.permutation(256)[:classes] if rng.random() < 0.2 else np.arange(classes)  # labels with gaps
    typical = rng.integers(0, 256, (classes, *shape))
    for files, n in zip((TRAIN, TEST), sizes):
        labels = known[rng.integers(0, len(known), n)]
        if rng.random() < 0.2:
            labels[rng.random(n) < 0.9] = labels[0]  # nearly all of one class
        if orderly and files == TRAIN:
            labels[: min(n, classes)] = np.arange(min(n, classes))
            known = np.unique(labels)
        images = rng.integers(0, 256, (n, *shape))
        if look == "constant pixels":
            images[:, rng.random(shape) < 0.7] = 9
        elif look == "duplicates":
            images = images[rng.integers(0, min(n, 3), n)]
        elif look == "classes":
            images = (typical[labels] * 3 + images) // 4
        elif look == "black":
            images *= rng.random((n, 1, 1)) < 0.1
        elif look == "two values":
            images = 255 * (images > 127)
        for name, array in zip(files, (images.astype(np.uint8), names[labels].astype(np.uint8))):
            (path / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array), 1))


def options(rng):
    """Any options of train, those of a short run."""

    def maybe(name, values, share=0.5):
        return [name, str(values[rng.integers(len(values))])] if rng.random() < share else []

    return [
        *["--hidden", str(rng.choice(["5", "8,4", "3,3,3", "1", "40,10", "none"]))],
        *["--density", str(rng.choice([0.02, 0.1, 0.3, 0.5, 0.7, 1.0]))],
        *["--epochs", str(rng.integers(1, 7)), "--dense-epochs", str(rng.integers(0, 4))],
        *["--finetune-epochs", str(rng.integers(1, 5))],
        *maybe("--method", methods.names(), 0.7),
        *maybe("--tries", [1, 2], 0.3),
        *maybe("--batch-size", [1, 2, 7, 64, 1000]),
        *maybe("--lr", [1e-6, 0.01, 1.0, 100.0, 1e6], 0.3),
        *maybe("--activation", ["relu", "silu"], 0.3),
        *maybe("--shift", [0, 1, 3, 64], 0.3),
        *maybe("--seed", [1, 2**32 - 1], 0.3),
        *maybe("--search-share", [0.0, 0.5, 1.0], 0.3),
        *maybe("--edges-below", [0.0, 1.0], 0.3),
        *maybe("--momentum", [0.0, 0.99], 0.2),
        *maybe("--tau", [1e-3, 100.0], 0.1),
        *maybe("--price-rate", [0.0, 10.0], 0.1),
    ]


# --- running it -------------------------------------------------------------------------------------------------


def call(name, main, arguments):
    """Run a command: (exit code, stdout). Raises AssertionError unless it ended as it should."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
    lines = [line for line in err.getvalue().splitlines() if not line.startswith("warning: ")]
    assert code in CODES[name], f"{name}: exit code {code}, {err.getvalue()!r}"
    assert all(len(line) <= LONGEST for line in err.getvalue().splitlines()), err.getvalue()
    assert len(lines) == (code != 0) and all(line.startswith("error: ") for line in lines), f"{name}: {lines}"
    assert code == 0 or not out.getvalue(), f"{name}: {out.getvalue()!r} and {lines}"
    return code, out.getvalue()


@contextlib.contextmanager
def interrupted(step):
    """Send Ctrl-C within a step of the next training."""
    train_step, before = Trainer.train_step, signal.signal(signal.SIGINT, signal.default_int_handler)

    def patched(trainer, *arguments):
        if trainer.step == step:
            signal.raise_signal(signal.SIGINT)
        return train_step(trainer, *arguments)

    Trainer.train_step = patched
    try:
        yield
    finally:
        Trainer.train_step = train_step
        signal.signal(signal.SIGINT, before)


def run_case(seed, number, folder, explained=1.0):
    """Run case `number` in a folder of its own: ({command: exit code}, seconds). Raises what broke the promise.

    explained : share of the runs that are explained, which takes most of the time
    """
    rng, started, codes = np.random.default_rng((seed, number)), time.process_time(), {}
    case, data, out = Path(folder) / "case", Path(folder) / "case" / "data", Path(folder) / "case" / "run"
    shutil.rmtree(case, ignore_errors=True)
    case.mkdir()
    write_data(rng, data)
    given = [data, *options(rng), "--out", out, "--quiet", *(["--json"] if rng.random() < 0.3 else [])]
    with interrupted(int(rng.integers(0, 40)) if rng.random() < 0.4 else -1):
        codes["train"], text = call("train", train.main, given)
    if codes["train"] == 130:
        codes["resume"], text = call("resume", train.main, ["--resume", out, "--quiet"])
    done = codes.get("resume", codes["train"]) == 0
    if done:
        check_run(out, text)
        if rng.random() < explained:
            codes["explain"], _ = call("explain", explain.main, [out, "--quiet"])
        to = str(rng.choice(export.FORMATS))
        more = [option for option in ("--int8", "--main") if to == "c" and rng.random() < 0.5]
        codes["export"], _ = call("export", export.main, [out, "--to", to, "-o", case / "file", "--quiet", *more])
        assert (codes["export"] == 0) == (case / "file").exists()
        assert not [p.name for p in out.rglob("*") if is_temporary(p.name)]
    elif codes["train"] in (2, 3):
        assert not out.exists(), "a mistake left a run folder"
    return codes, time.process_time() - started


def check_run(out, text):
    """A finished run is what its summary says, within its budget."""
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    network = SparseNetwork.load(out / "model.npz")
    assert network.count() == summary["kept"] <= summary["budget"] and 0 <= summary["test_accuracy"] <= 1
    assert len(summary["recall"]) == network.layers[-1].n_out
    assert text.strip()


def run_cases(cases, seed, folder, first=0, explained=1.0, progress=lambda number: None):
    """Run so many cases: ({(command, exit code): how many}, [broken promises], seconds of the slowest)."""
    counts, broken, slowest = {}, [], 0.0
    for number in range(first, first + cases):
        try:
            codes, seconds = run_case(seed, number, folder, explained)
        except Exception as error:
            broken.append(f"case {number}: {error!r}"[:500])
            continue
        slowest = max(slowest, seconds)
        for key in codes.items():
            counts[key] = counts.get(key, 0) + 1
        progress(number)
    return counts, broken, slowest

"""What the README promises, done exactly as it says."""

import contextlib
import csv
import io
import itertools
import re
import shutil
import statistics
from pathlib import Path

import numpy as np
import pytest

from tinygsp import baselines, data, prune, sparse, sweep

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_dozen_lines_of_numpy_reproduce_the_test_accuracy(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    assert re.findall(r"import (.*)", code) == ["gzip, json", "numpy as np"]  # NumPy only
    dataset = data.load("mnist")
    pruner = prune.Pruner(dataset, prune.Settings(epochs=2, search_share=1.0, dense_epochs=1, finetune_epochs=5))
    for _ in pruner.run():
        pass
    assert pruner.network.count() <= 399
    folder = tmp_path / "runs" / "mnist-0.0015-seed0"
    folder.mkdir(parents=True)
    pruner.network.save(folder / "model.npz")
    shutil.copytree(data.MNIST, tmp_path / "data" / "mnist", ignore=shutil.ignore_patterns("train*"))
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    network = sparse.SparseNetwork.load(folder / "model.npz")
    accuracy = prune.score(network.scores(dataset.test_x), dataset.test_y, dataset.task)
    assert printed.getvalue() == f"{np.float64(accuracy)}\n" and accuracy > 0.5


def test_nothing_is_said_twice():
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\n|(?<=\.)\n", README)]
    twice = {part for part in paragraphs if len(part) > 80 and paragraphs.count(part) > 1}
    assert not twice


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for name in re.findall(r"`(\w+\.py)`", README):
        assert (ROOT / "tinygsp" / name).exists(), name


def test_ci_runs_the_readmes_test_command():
    install_and_test = "pip install -r tests/requirements.txt && python -m pytest"
    assert install_and_test in README
    assert install_and_test.replace("install ", "install -q ") in (ROOT / ".ci" / "run").read_text()


def test_the_results_are_those_of_the_table():
    with open(ROOT / "data" / "sweeps" / "mnist" / "table.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == "gates"]
    line = r"^\| `--density (\S+)` \| ([\d,]+) \|.*\| ([\d./ ]+) \| \*\*([\d.]+)\*\* ± ([\d.]+) \|"
    lines = re.findall(line, README, re.M)
    assert len(lines) == 4
    for density, at_most, each, mean, deviation in lines:
        of_budget = [row for row in rows if row["density"] == density]
        tests = [100 * float(row["test_accuracy"]) for row in of_budget]
        assert len(tests) == 5 and {row["at_most"] for row in of_budget} == {at_most.replace(",", "")}
        assert each == " / ".join(f"{value:.2f}" for value in tests)
        assert (mean, deviation) == (f"{statistics.mean(tests):.2f}", f"{statistics.stdev(tests):.2f}")


def table(folder):
    with open(ROOT / "data" / "sweeps" / folder / "table.csv", newline="", encoding="utf-8") as file:
        return [{name: value if name in ("data", "method") else float(value) for name, value in row.items()}
                for row in csv.DictReader(file)]  # fmt: skip


def test_the_comparison_is_that_of_the_table():
    rows, text = table("mnist"), " ".join(README.split())
    hours = sum(row["cpu_seconds"] for row in rows) / 3600
    assert f"The table is {len(rows)} runs and took {hours:.1f} core-hours (`data/sweeps/mnist/table.csv`)" in text
    summary = {(s["at_most"], s["method"]): s for s in sweep.summarise(rows)}
    for method in baselines.METHODS:
        line = f"| `{method}` |"
        for s in (summary[budget, method] for budget in (399, 999, 2666, 3919)):
            line += f" {100 * s['test_accuracy']:.2f} ± {100 * s['test_sd']:.2f} ({s['n']}) |"
            line += "  |" if method == "gates" else f" {100 * s['ahead']:.2f} ± {100 * s['ahead_error']:.2f} |"
        assert line in README, line


@pytest.mark.parametrize("folder", ["fashion-mnist", "letters"])
def test_other_data_sets_are_those_of_their_tables(folder):
    rows, text = table(folder), " ".join(README[README.index("### Other data sets"):].split())
    hours = sum(row["cpu_seconds"] for row in rows) / 3600
    assert f"`data/sweeps/{folder}/table.csv`, {len(rows)} runs, {hours:.1f} core-hours" in text
    summary = {(s["at_most"], s["method"]): s for s in sweep.summarise(rows)}
    for method in baselines.METHODS:
        line = f"| `{method}` |"
        for s in (summary[budget, method] for budget in (399, 999, 2666)):
            line += f" {100 * s['test_accuracy']:.2f} ± {100 * s['test_sd']:.2f} ({s['n']}) |"
            if method == "vd":  # the next best: how far the gates are ahead is said in words
                assert f" {100 * s['ahead']:.2f} ± {100 * s['ahead_error']:.2f}" in text
        assert line in README, line


@pytest.mark.parametrize("folder, turned, words", [
    ("fashion-mnist", [{2666, "random", "snip"}],
     "of these on Fashion-MNIST too, where **one is the other way round**"),
    ("letters", [], "of the 81 pairs are told apart here too, **none the other way round**")])
def test_the_order_of_the_methods_is_counted_as_the_readme_says(folder, turned, words):
    groups = [{}, {}]
    for name, group in zip(("mnist", folder), groups):
        for row in table(name):
            group.setdefault((row["at_most"], row["method"]), []).append(row["test_accuracy"])
    apart, both, found = 0, 0, []
    pairs = [(budget, *pair) for budget in (399, 999, 2666) for pair in itertools.combinations(baselines.METHODS, 2)]
    for budget, one, other in pairs:
        signs = []
        for group in groups:
            a, b = group[budget, one], group[budget, other]
            difference = statistics.mean(a) - statistics.mean(b)
            error = (statistics.variance(a) / len(a) + statistics.variance(b) / len(b)) ** 0.5
            signs.append(np.sign(difference) * (abs(difference) > 2 * error))
        apart, both = apart + bool(signs[0]), both + bool(signs[0] and signs[1])
        found += [{budget, one, other}] if signs[0] * signs[1] < 0 else []
    text = " ".join(README.split())
    assert f"Of the {len(pairs)} pairs of methods, 28 at each budget, {apart} are told apart on MNIST" in text
    assert f"{both} {words}" in text and found == turned

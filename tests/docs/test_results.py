"""The figures of data/README.md are those of the sweeps that lie beside it."""

import itertools
import re
import statistics

import numpy as np
import pytest
from helpers.documents import read, section, sweep_table

from tinygsp import methods, sweeping

TEXT = read("data/README.md")
BUDGETS = (399, 999, 2666)


def test_the_results_are_those_of_the_table():
    rows = [row for row in sweep_table("mnist") if row["method"] == methods.DEFAULT]
    line = r"^\| `--density (\S+)` \| ([\d,]+) \|.*\| ([\d./ ]+) \| \*\*([\d.]+)\*\* ± ([\d.]+) \|"
    lines = re.findall(line, TEXT, re.M)
    assert len(lines) == 4
    for density, at_most, each, mean, deviation in lines:
        of_budget = [row for row in rows if row["density"] == float(density)]
        tests = [100 * row["test_accuracy"] for row in of_budget]
        assert len(tests) == 5 and {row["at_most"] for row in of_budget} == {float(at_most.replace(",", ""))}
        assert each == " / ".join(f"{value:.2f}" for value in tests)
        assert (mean, deviation) == (f"{statistics.mean(tests):.2f}", f"{statistics.stdev(tests):.2f}")


def test_the_comparison_is_that_of_the_table():
    rows, text = sweep_table("mnist"), section(TEXT, "Other methods")
    hours = sum(row["cpu_seconds"] for row in rows) / 3600
    assert f"The table is {len(rows)} runs and took {hours:.1f} core-hours (`data/sweeps/mnist/table.csv`)" in text
    summary = {(s["at_most"], s["method"]): s for s in sweeping.summarise(rows)}
    for method in {row["method"] for row in rows}:
        line = f"| `{method}` |"
        for s in (summary[budget, method] for budget in (*BUDGETS, 3919)):
            line += f" {100 * s['test_accuracy']:.2f} ± {100 * s['test_sd']:.2f} ({s['n']}) |"
            line += "  |" if method == methods.DEFAULT else f" {100 * s['ahead']:.2f} ± {100 * s['ahead_error']:.2f} |"
        assert line in TEXT, line


@pytest.mark.parametrize("folder, heading", [("fashion-mnist", "Fashion-MNIST"), ("letters", "Letters")])
def test_other_data_sets_are_those_of_their_tables(folder, heading):
    rows, text = sweep_table(folder), section(TEXT, heading)
    hours = sum(row["cpu_seconds"] for row in rows) / 3600
    assert f"`data/sweeps/{folder}/table.csv`, {len(rows)} runs, {hours:.1f} core-hours" in text
    summary = {(s["at_most"], s["method"]): s for s in sweeping.summarise(rows)}
    for method in {row["method"] for row in rows}:
        line = f"| `{method}` |"
        for s in (summary[budget, method] for budget in BUDGETS):
            line += f" {100 * s['test_accuracy']:.2f} ± {100 * s['test_sd']:.2f} ({s['n']}) |"
            if method == "vd":  # the next best: how far the gates are ahead is said in words
                assert f" {100 * s['ahead']:.2f} ± {100 * s['ahead_error']:.2f}" in text
        assert line in text, line


@pytest.mark.parametrize(
    "folder, heading, turned, words",
    [
        (
            "fashion-mnist",
            "Fashion-MNIST",
            [{2666, "random", "snip"}],
            "of these are told apart on Fashion-MNIST too, and **one of them is the other way round**",
        ),
        (
            "letters",
            "Letters",
            [],
            "of the 81 pairs are told apart here too, and **none of them is the other way round**",
        ),
    ],
)
def test_the_order_of_the_methods_is_counted_as_the_text_says(folder, heading, turned, words):
    groups = [{}, {}]
    for name, group in zip(("mnist", folder), groups, strict=True):
        for row in sweep_table(name):
            group.setdefault((row["at_most"], row["method"]), []).append(row["test_accuracy"])
    apart, both, found = 0, 0, []
    compared = sorted({method for _, method in groups[0]})
    pairs = [(budget, *pair) for budget in BUDGETS for pair in itertools.combinations(compared, 2)]
    for budget, one, other in pairs:
        signs = []
        for group in groups:
            a, b = group[budget, one], group[budget, other]
            difference = statistics.mean(a) - statistics.mean(b)
            error = (statistics.variance(a) / len(a) + statistics.variance(b) / len(b)) ** 0.5
            signs.append(np.sign(difference) * (abs(difference) > 2 * error))
        apart, both = apart + bool(signs[0]), both + bool(signs[0] and signs[1])
        found += [{budget, one, other}] if signs[0] * signs[1] < 0 else []
    assert f"Of the {len(pairs)} pairs of methods, 28 at each budget, {apart} are told apart on MNIST" in section(
        TEXT, "Fashion-MNIST"
    )
    assert f"{both} {words}" in section(TEXT, heading) and found == turned

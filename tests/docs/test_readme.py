"""What README.md promises, done exactly as it says."""

import re
import statistics

import pytest
from helpers.documents import ROOT, fenced, read, section, sweep_table

import tinygsp

README = read("README.md")


def test_it_is_short():
    assert len(README.encode()) <= 9216


def test_ci_runs_its_test_command():
    install_and_test = "pip install -r tests/requirements.txt && python -m pytest"
    assert install_and_test in README
    assert install_and_test.replace("install ", "install -q ") in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_results_are_those_of_the_sweep():
    rows = sweep_table("mnist")
    found = re.findall(r"^\| `(\w+)`.*? \| (.*) \|$", README[README.index("## Results") :], re.M)
    lines = {method: cells.replace("*", "").split(" | ") for method, cells in found}
    assert lines.keys() == {row["method"] for row in rows}
    for method, cells in lines.items():
        for budget, cell in zip((399, 999, 2666, 3919), cells, strict=True):
            of_cell = [row for row in rows if row["method"] == method and row["at_most"] == budget]
            tests = [100 * row["test_accuracy"] for row in of_cell]
            assert len(tests) == 5
            assert cell == f"{statistics.mean(tests):.2f} ± {statistics.stdev(tests):.2f}"


def test_its_lines_of_python_print_what_it_says(tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    pytest.importorskip("pandas")
    (code,) = fenced(README, "python")
    assert sum(bool(line) for line in code.splitlines()) <= 10
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    printed, says = capsys.readouterr().out, r"([\d.]+)% of the other half are right, with 4 parameters;\n(.+)\n"
    (share, formula), (said_share, said_formula) = (re.search(says, text).groups() for text in (printed, README))
    assert abs(float(share) - float(said_share)) < 1.5  # the last digits depend on the machine
    names = [set(re.findall(r"\b[a-z]+(?:_[a-z]+)+", text)) for text in (formula, said_formula)]
    assert len(names[0]) == len(names[1]) == 4 and len(names[0] & names[1]) >= 3
    assert tinygsp.PrunedClassifier.load("cells.npz").classes_.tolist() == ["benign", "malignant"]


def test_its_table_of_tables_is_the_one_in_full():
    """The best linear model is the best of the columns L1, L1 refit and L2."""
    full = re.findall(r"^\| (\w+) \| (\d+) \|(.*)\| [+-]\d+\.\d ± \d+\.\d \| \d+\.\d \|$", read("data/README.md"), re.M)
    expected = []
    for name, budget, cells in full:
        ours, *linear, tree = [cell.strip() for cell in cells.split("|")]
        expected.append((name, budget, ours, f"{max(float(cell) for cell in linear if cell):.1f}", tree))
    found = re.findall(r"^\| (\w+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", README, re.M)
    assert found == expected and len(found) >= 10


def test_it_says_where_the_price_and_the_methods_are():
    text = section(README, "What is where")
    for path in re.findall(r"`(tinygsp/[\w/.]+)`", text):
        assert (ROOT / path).exists()
    assert "`tinygsp/training/price.py` sets the price of a gate" in text and "`tinygsp/methods/`" in text

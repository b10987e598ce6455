"""What README.md promises, done exactly as it says."""

import re
import statistics

from helpers.documents import ROOT, fenced, read, section, sweep_table

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
    (code,) = fenced(README, "python")
    assert sum(bool(line) for line in code.splitlines()) <= 7
    monkeypatch.chdir(tmp_path)
    variables = {}
    exec(code, variables)
    says = r"(\d+) of (\d+) parameters; they read the columns \[([\d ]+)\]\n"
    kept, total, columns = re.fullmatch(says, capsys.readouterr().out).groups()
    said_kept, said_total, _ = re.search(says, README).groups()
    assert total == said_total and int(kept) <= int(said_kept)
    assert {"3", "7"} <= set(columns.split())  # the last digits depend on the machine, and with them an odd column
    names = variables["network"].meta.class_names
    right = [names[k] for k in variables["network"].predict(variables["x"])] == variables["y"]
    assert right.mean() > 0.9
    assert (tmp_path / "circle.npz").exists()


def test_it_says_where_the_price_and_the_methods_are():
    text = section(README, "What is where")
    for path in re.findall(r"`(tinygsp/[\w/.]+)`", text):
        assert (ROOT / path).exists()
    assert "`tinygsp/training/price.py` sets the price of a gate" in text and "`tinygsp/methods/`" in text

"""The mutation run: what `helpers/mutants.py` changes and what not, and that `mutate.py` tells killed from alive."""

import ast
import random
import sys

import mutate
import pytest
from helpers.mutants import apply_mutant, find_mutants
from mutate import Bench


def changed(text, file="tinygsp/data/a.py"):
    """All versions of a source with one change."""
    return {apply_mutant(text, mutant).strip() for mutant in find_mutants(text, file)}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("x + y", {"(x - y)", "x", "y"}),
        ("x @ y", {"x", "y"}),
        ("x < y", {"(x <= y)", "(x >= y)"}),
        ("x == y", {"(x != y)"}),
        ("a < b < c", {"(a <= b < c)", "(a >= b < c)", "(a < b <= c)", "(a < b >= c)"}),
        ("x and y", {"(x or y)", "x", "y"}),
        ("not x", {"x"}),
        ("-x", {"x"}),
        ("7", {"8", "6"}),
        ("0", {"1", "(-1)"}),
        ("1.5", {"3.0"}),
        ("0.0", {"1.0"}),
        ("True", {"False"}),
        ("y = f(a, b)", {"y = f(b, a)"}),
        ("y = f(a, *b)", set()),
        ("y = f(a, a)", set()),
        ("y = max(a, b)", {"y = min(a, b)"}),
        ("y = x.mean(axis=0)", {"y = x.mean(axis=1)", "y = x.mean(axis=(-1))"}),
        ("x += y", {"x -= y", "pass"}),
        ("f(x)", {"pass"}),
        ("a if b else c", {"a if (not b) else c"}),
        ("y = [a for a in b if c(a)]", {"y = [a for a in b if (not c(a))]"}),
        ('"a" + b', set()),
        ("raise Error(1 + 2)", {"pass"}),
        ('y = f"{a + 1}"', set()),
    ],
)
def test_changes(text, expected):
    assert changed(text) == expected


def test_a_return_and_letters_of_several_bytes():
    text = "def f(ä):\n    return 'ä', ä + 2\n"
    assert changed(text) == {
        text.replace("return 'ä', ä + 2", "return None").strip(),
        *(text.replace("ä + 2", other).strip() for other in ("(ä - 2)", "ä", "2", "ä + 3", "ä + 1")),
    }


@pytest.mark.parametrize("text", [
    '"""Words: 1 + 2."""',
    "def f(x: 1 = 2, *, y: 3 = 4) -> 5:\n    pass",
    "MOST = 3 + 4",
    "A, B = 1, 2",
    "class A:\n    x: int = 3\n    y = 4",
    "@f(1, 2)\ndef g():\n    pass",
    "import a",
    "if TYPE_CHECKING:\n    x = 1",
    "if __name__ == '__main__':\n    f(1, 2)",
])  # fmt: skip
def test_what_is_not_changed(text):
    assert changed(text) == set()


def test_constants_of_formulas_and_what_is_inside_of_a_class():
    assert changed("LOW = 1.5", "tinygsp/nn/a.py") == {"LOW = 3.0"}
    assert changed("low = 1.5") == {"low = 3.0"}
    assert changed("class A:\n    def f(self):\n        self.x = True") == {
        "class A:\n    def f(self):\n        self.x = False"
    }


@pytest.mark.parametrize("file", ["tinygsp/nn/kernels.py", "tinygsp/training/trainer.py", "tinygsp/commands/kit.py"])
def test_mutants_of_the_library_are_other_programs(file):
    text = (mutate.ROOT / file).read_text("utf-8")
    mutants, program = find_mutants(text, file), ast.dump(ast.parse(text))
    assert len(mutants) > 100 and len({apply_mutant(text, mutant) for mutant in mutants}) > 0.95 * len(mutants)
    for mutant in random.Random(0).sample(mutants, 30):
        assert ast.dump(ast.parse(apply_mutant(text, mutant))) != program, mutant.title
    with pytest.raises(ValueError, match="is not there"):
        apply_mutant("# a line more\n" + text, mutants[-1])


def test_a_sample_depends_on_its_seed_alone():
    root = mutate.ROOT
    five = mutate.sample(root, "nn/optim.py", 5, 0)
    assert len(set(five)) == 5 and mutate.sample(root, "nn/optim.py", 9, 0)[:5] == five
    assert mutate.sample(root, "nn/optim.py", 5, 1) != five
    text = (root / "tinygsp/nn/optim.py").read_text("utf-8")
    later = find_mutants("one = more\n" + text, "tinygsp/nn/optim.py")
    assert set(five) <= set(later) and len(set(later)) == len(later)
    assert sorted(later, key=lambda m: mutate._lot(m, 0))[:5] == five
    assert not mutate.sample(root, "tinygsp/plots/", 5, 0) and not mutate.sample(root, "commands/bench/", 5, 0)


def test_rings():
    def first(file):
        return mutate.rings(mutate.ROOT, f"tinygsp/{file}")[0]

    assert first("nn/optim.py") == ["tests/nn/test_optim.py"]
    assert first("sparse/export/c.py") == ["tests/sparse/test_export_c.py"]
    assert first("methods/vd.py") == ["tests/methods/test_vd.py", "tests/methods/test_vd_layers.py"]
    assert "tests/runs/test_hostile.py" in first("runs/restoring.py")  # names it
    assert first("__init__.py") == first("train.py") == []
    wider = mutate.rings(mutate.ROOT, "tinygsp/runs/restoring.py")[1]
    assert "tests/runs/test_hostile.py" in wider[:5] and set(first("runs/restoring.py")) <= set(wider)
    assert {"tests/runs/test_files.py", "tests/commands/test_resume.py"} <= set(wider)
    rooms = {path.parent.name for path in (mutate.ROOT / "tinygsp").glob("*/__init__.py")} - {"plots", "page"}
    assert rooms <= mutate.WIDER.keys()
    assert all((mutate.ROOT / "tests" / name).exists() for ring in mutate.WIDER.values() for name in ring)


@pytest.fixture
def tree(tmp_path):
    """A small library whose only test is weak: it never asks about equal numbers."""
    for name, text in {
        "tinygsp/__init__.py": "",
        "tinygsp/runs/__init__.py": "",
        "tinygsp/runs/larger.py": "def larger(a, b):\n    return a > b\n",
        "tests/runs/test_larger.py": "from tinygsp.runs.larger import larger\n\n\n"
        "def test_larger():\n    assert larger(2, 1) is True and larger(1, 2) is False\n",
    }.items():
        path = tmp_path / "library" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "library"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of memory")
def test_a_weak_test_lets_a_mutant_live(tree, tmp_path):
    mutants = {mutant.after: mutant for mutant in mutate.sample(tree, "", 99, 0)}
    assert set(mutants) == {"(a >= b)", "(a <= b)", "return None"}
    bench = Bench(tree, tmp_path / "bench")
    (tmp_path / "bench").mkdir()
    outcome = bench.judge(mutants["(a <= b)"])
    assert (outcome["verdict"], outcome["ring"]) == ("killed", 1)
    assert outcome["by"] == "tests/runs/test_larger.py::test_larger"
    assert bench.judge(mutants["(a >= b)"])["verdict"] == "alive"
    with (tree / "tests/runs/test_larger.py").open("a") as file:
        file.write("    assert larger(1, 1) is False\n")
    assert bench.judge(mutants["(a >= b)"])["verdict"] == "killed"
    path = tree / "tinygsp/runs/larger.py"
    assert "a > b" in path.read_text()  # the change was made in a copy
    path.write_text(path.read_text().replace(">", "<"))
    with pytest.raises(SystemExit, match="fails without a change"):
        Bench(tree, tmp_path / "bench").judge(mutants["return None"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of memory")
def test_a_mutant_that_never_ends_is_killed(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(mutate, "SECONDS", 1)
    monkeypatch.setattr(mutate, "TIMES", 0)
    (tree / "tinygsp/runs/larger.py").write_text(
        "def larger(a, b):\n    while a != a:\n        pass\n    return a > b\n"
    )
    endless = next(mutant for mutant in mutate.sample(tree, "", 99, 0) if mutant.after == "(a == a)")
    (tmp_path / "bench").mkdir()
    assert Bench(tree, tmp_path / "bench").judge(endless)["verdict"] == "timed out"


def test_results_are_kept_and_only_the_living_are_tried_again(tree, tmp_path, monkeypatch, capsys):
    tried = []

    def judge(bench, mutant):
        tried.append(mutant.after)
        verdict = "alive" if mutant.after == "(a >= b)" and len(tried) <= 3 else "killed"
        return {"verdict": verdict, "by": "", "ring": 1, "seconds": 0.1}

    monkeypatch.setattr(mutate, "ROOT", tree)
    monkeypatch.setattr(Bench, "judge", judge)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mutate.py", "--resume", str(tmp_path / "results"), *arguments])
        return mutate.main(), capsys.readouterr().out.splitlines()

    expected = [mutant.after for mutant in mutate.sample(tree, "", 3, 0)]
    run("--mutants", "1")
    assert tried == expected[:1] and run("--report")[1][0].endswith("2 of 3 not tried yet")
    code, lines = run()
    assert code == 1 and tried == expected and lines[0].startswith("2 of 3 killed (3 by")
    assert lines[1:] == ["alive: tinygsp/runs/larger.py:2: comparison: a > b -> (a >= b)"]
    assert run()[0] == 1 and len(tried) == 3
    assert run("--again") == (0, ["3 of 3 killed (3 by the first ring, 0 out of time)"])
    assert tried[3:] == ["(a >= b)"] and run("--report")[0] == 0

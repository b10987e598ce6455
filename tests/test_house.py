"""The rules of the house: which room may import which, how long things are, who may name a method, type hints.

The rules are functions in `helpers/house.py`. Each is applied to every file, and to planted files that break it.
"""

import subprocess
import sys

import pytest
from helpers import house
from helpers.house import PACKAGE, ROOT, Source, read_folder

from tinygsp import methods

SOURCES = read_folder(ROOT / PACKAGE)
TESTS = read_folder(ROOT / "tests")
METHODS, PHASES = house.method_files(SOURCES), house.phase_classes(SOURCES)


def check_names(source):
    return house.check_names(source, METHODS, PHASES)


RULES = {
    "imports go down": house.check_imports,
    "only plots and page draw": house.check_drawing,
    "sizes": house.check_sizes,
    "nobody names a method or a phase": check_names,
    "type hints": house.check_hints,
    "arguments are values": house.check_arguments,
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_package_keeps_the_rule(rule):
    complaints = [complaint for source in SOURCES for complaint in rule(source)]
    assert not complaints, "\n" + "\n".join(complaints)


def test_tests_are_short_and_apart():
    complaints = [complaint for source in TESTS for complaint in house.check_test(source)]
    assert not complaints, "\n" + "\n".join(complaints)


def test_every_file_has_a_room():
    assert {source.room for source in SOURCES} <= house.FLOOR.keys()
    assert {source.path.removesuffix(".py") for source in SOURCES if source.room == "doors"} <= set(house.COMMANDS)


def test_the_rules_know_the_methods_and_the_phases():
    assert set(METHODS) == set(methods.names())
    assert set(PHASES) >= {"dense", "search", "rewire", "finetune"}
    for file, constant in house.DATA:
        assert f"\n{constant} = " in (ROOT / PACKAGE / file).read_text("utf-8")  # or the exception is not needed
    for file, word in house.OTHER_MEANINGS:
        assert f'"{word}"' in (ROOT / PACKAGE / file).read_text("utf-8")


def test_the_door_is_light():
    """`import tinygsp` imports nothing heavy before it is needed."""
    code = "import sys, tinygsp; print([name for name in ('numpy', 'numba', 'matplotlib') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


# --- each rule sees what breaks it --------------------------------------------------------------------------

LONG = "\n".join(["    x = 1"] * 60)
PLANTED = {  # rule: [(path, text, what the complaint says)]
    "imports go down": [
        ("nn/a.py", "from tinygsp.data import load", "imports tinygsp.data.load, which is not below nn"),
        ("data/a.py", "import tinygsp.nn.gates", "not below data"),
        ("training/a.py", "def f():\n    from tinygsp import runs", "a.py:2: imports tinygsp.runs"),
        ("training/a.py", "from tinygsp import __version__", "imports tinygsp.__version__"),
        ("plots/a.py", "from tinygsp.page import build", "not below plots"),
        ("training/a.py", "from ..methods import gates", "imports tinygsp.methods.gates"),
        ("training/__init__.py", "from ..methods import gates", "imports tinygsp.methods.gates"),
        ("runs/a.py", 'import_module("tinygsp.sweeping.tasks")', "imports tinygsp.sweeping.tasks"),
        ("commands/a.py", "from tinygsp.train import main", "imports tinygsp.train.main"),
        ("commands/sweep.py", "from tinygsp.commands.train import main", "belongs to another command"),
        ("commands/bench/a.py", "from tinygsp.commands import train_report", "belongs to another command"),
    ],
    "only plots and page draw": [
        ("reading/a.py", "import numpy, matplotlib.pyplot", "imports matplotlib.pyplot"),
        ("commands/a.py", "def f():\n    from matplotlib import figure", "only plots and page draw"),
    ],
    "sizes": [
        ("data/a.py", "x = 1\n" * 351, "file data/a.py has 351 lines"),
        ("data/a.py", f"def f():\n{LONG}", "function f has 61 lines, at most 60"),
        ("data/a.py", "class A:\n" + "    x = 1\n" * 150, "class A has 151 lines, at most 150"),
        ("data/a.py", f"class A:\n    async def f():\n{LONG.replace('    ', '        ')}", "function f has 61 lines"),
    ],
    "nobody names a method or a phase": [
        ("plots/a.py", 'COLOURS = {"search": "red"}', "names 'search', which only training/search.py may"),
        ("sweeping/a.py", 'x = [m for m in names if m != "gates"]', "names 'gates'"),
        ("commands/a.py", 'add(help="l0 or another method")', "names 'l0'"),
        ("commands/a.py", 'print(f"{x} rewire {y}")', "names 'rewire'"),
        ("methods/gates.py", 'x = "magnitude"', "names 'magnitude'"),
        ("training/trainer.py", 'if phase.name == "dense":\n    pass', "names 'dense'"),
        ("sweeping/a.py", "from tinygsp.methods.gates import method", "of 'gates'"),
        ("methods/lottery.py", "from tinygsp.methods import gradual", "of 'gradual'"),
        ("runs/a.py", "from tinygsp.training.search import Search", "of 'search'"),
        ("training/trainer.py", "from tinygsp.training.search import Search", "of 'search'"),
        ("plots/a.py", "from tinygsp.training import Rewire", "imports tinygsp.training.Rewire, of 'rewire'"),
    ],
    "type hints": [
        ("data/a.py", "def f(x):\n    pass", "f has no type hint for x, return"),
        ("data/a.py", "def f(x: int, *rest, **options) -> int:\n    pass", "for rest, options"),
        ("data/a.py", "class A:\n    def f(self, x: int):\n        pass", "for return"),
        ("data/a.py", "class A:\n    def __init__(self, x):\n        pass", "__init__ has no type hint for x"),
        ("data/a.py", "class A:\n    @staticmethod\n    def f(x) -> int:\n        pass", "for x"),
        ("data/a.py", "def f(*, x, y: int) -> None:\n    pass", "for x"),
    ],
    "arguments are values": [
        ("commands/a.py", "import numpy as np\nf(1, np)", "a.py:2: passes the module np"),
        ("commands/a.py", "from tinygsp import plots\nf(x, draw=plots)", "passes the module plots"),
        ("commands/a.py", "from tinygsp.nn import kernels\nf(kernels)", "passes the module kernels"),
        ("commands/a.py", "args.out = 3", "writes args.out"),
        ("commands/a.py", "args.n += 3", "writes args.n"),
        ("commands/a.py", 'setattr(args, "out", 3)', "writes into args"),
    ],
}
ALLOWED = {
    "imports go down": [
        ("nn/a.py", "import numpy\nfrom tinygsp.nn import gates\nfrom . import kernels\nfrom .gates import sigmoid"),
        ("sparse/a.py", "from tinygsp.data.files import write_atomic\nfrom tinygsp import nn"),
        ("train.py", "from tinygsp.commands.train import main"),
        ("__init__.py", "from tinygsp import methods, commands\nfrom . import nn"),
        ("commands/bench/__init__.py", "from tinygsp.commands import kit\nfrom tinygsp.commands.bench import steps"),
        ("commands/train.py", "from tinygsp.commands.train_report import report"),
        ("runs/a.py", 'print("python -m tinygsp.train")'),
    ],
    "only plots and page draw": [("plots/a.py", "import matplotlib"), ("reading/a.py", 'x = "matplotlib"')],
    "sizes": [
        ("data/a.py", "x = 1\n" * 350),
        ("data/a.py", f"@decorated\n# why\ndef f():\n{LONG[:-10]}"),
        ("nn/kernels.py", "x = 1\n" * 400),
    ],
    "nobody names a method or a phase": [
        ("plots/a.py", '"""The search and gates of l0."""\n\n\ndef f():\n    "rewire"\n    # the search\n'),
        ("methods/__init__.py", 'DEFAULT = "gates"'),
        ("methods/magnitude.py", 'name = "magnitude"\nfrom tinygsp.training.search import Search\nx = "search"'),
        ("training/search.py", 'name = "search"'),
        ("training/__init__.py", "from tinygsp.training.search import Search"),
        ("methods/gates.py", "from tinygsp.training import Rewire, Search"),
        ("plots/a.py", "from tinygsp.training import Phase, Trainer"),
        ("commands/a.py", "np.random.default_rng(s.finetune_epochs)\nfrom tinygsp.nn import gates"),
        ("commands/a.py", 'help="random numbers, a search among gates"'),
    ],
    "type hints": [
        ("data/a.py", "def f(x: int) -> None:\n    def inner(y):\n        pass"),
        ("data/a.py", "def _f(x):\n    pass\nclass _A:\n    def f(self):\n        pass"),
        ("data/a.py", "class A:\n    def __init__(self, x: int):\n        pass\n    def __len__(self):\n        pass"),
        ("data/a.py", "class A:\n    @classmethod\n    def f(cls) -> int:\n        pass\n    def g(self) -> int: pass"),
        ("nn/kernels.py", "def f(x):\n    pass"),
    ],
    "arguments are values": [
        ("commands/a.py", "import numpy as np\nf(np.mean, x)\ngetattr(np, 'mean')"),
        ("commands/a.py", "from tinygsp.sparse import SparseNetwork\nf(SparseNetwork, args.out)\nx = args.out"),
    ],
}


@pytest.mark.parametrize("rule, path, text, what", [(r, *case) for r, cases in PLANTED.items() for case in cases])
def test_what_breaks_a_rule_is_seen(rule, path, text, what):
    complaints = RULES[rule](Source(path, text))
    assert any(what in complaint for complaint in complaints), complaints


@pytest.mark.parametrize("rule, path, text", [(r, *case) for r, cases in ALLOWED.items() for case in cases])
def test_what_a_rule_allows_is_not_seen(rule, path, text):
    assert not RULES[rule](Source(path, text))


@pytest.mark.parametrize(
    "path, text, what",
    [
        ("nn/test_a.py", "from test_b import f", "imports test_b.f"),
        ("nn/test_a.py", "import test_b", "imports test_b"),
        ("nn/test_a.py", "from tests.nn.test_b import f", "imports tests.nn.test_b.f"),
        ("nn/test_a.py", "x = 1\n" * 501, "501 lines, at most 500"),
        ("nn/__init__.py", "", "no package"),
    ],
)
def test_what_breaks_a_rule_of_tests_is_seen(path, text, what):
    assert any(what in complaint for complaint in house.check_test(Source(path, text)))
    assert not house.check_test(Source("nn/test_a.py", "from helpers.nets import small\nx = 1\n"))
    assert not house.check_test(Source("helpers/__init__.py", ""))

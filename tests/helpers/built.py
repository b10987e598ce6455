"""Which lesson builds which line and which function of the training: what tests/lessons/test_built.py checks."""

import ast
import functools
import textwrap

from helpers.lessons import FOUND, LESSONS, ROOT, code_cells, fenced_python, markdown_cells, read, tagged

TRAINING = ROOT / "tinygsp" / "training"
FILES = "trainer phase dense search rewire finetune price inputs wiring result".split()  # those of the main job
CALLERS = ["nn/layers.py", "nn/optim.py", "nn/losses.py", *(f"training/{file}.py" for file in FILES)]
LOOP = ("steps", "begin", "train_step", "end_epoch")  # methods of Trainer whose lines the course builds

LINES = {  # of these methods: the lesson that builds it; -- for what raises an error
    "steps": "15 15 15 15 15 15 15 15 15 15 15 15 15 15",
    "begin": "15 01",
    "train_step": "08 11 07 03 -- -- 02 08 08 15 04 01 15 15",
    "end_epoch": "10 15 15 11 15 15 -- -- 15",
}
NOT_BUILT = {  # what no lesson builds, and why
    "trainer.diverged": "the words of an error",
    "trainer.make_meta": "copies fields of the data set into the file",
    "trainer.finished_network": "the words of an error; without it, `open_network`",
}
LOOP_PARTS = "run train_epoch steps begin network between_phases"
SEARCH_AT, STEP, END = "15 search_at", "15 train_step", "15 end_epoch"
BUILT = {  # function of the library: "lesson name" of the learner's
    **{f"trainer.Trainer.{name}": "15 train" for name in LOOP_PARTS.split()},
    "trainer.Trainer.train_step": STEP,
    "trainer.Trainer.end_epoch": END,
    "trainer.Trainer.freeze": "10 freeze",
    "trainer.Trainer.validate": END,
    "trainer.Trainer.position": "15 position",
    "trainer.Trainer.parts": "15 state",
    "trainer.Trainer.state": "15 state",
    "trainer.Trainer.restore": "15 restore",
    "trainer.make_record": "15 record",
    "phase.Phase.start": "15 train",
    "phase.Phase.rates": "15 rates",
    "phase.Phase.noise": STEP,
    "phase.Phase.charge": STEP,
    "phase.Phase.moves": STEP,
    "phase.Phase.close_gates": END,
    "phase.Phase.change_wiring": "11 Mine.change_wiring",
    "phase.Phase.offers": END,
    "phase.Phase.state": "15 state",
    "phase.Phase.restore": "15 restore",
    "search.Search.new_controller": "15 Run",
    "search.Search.price": "08 Controller",
    "search.Search.start": "15 train",
    "search.Search.noise": SEARCH_AT,
    "search.Search.target": "12 target",
    "search.Search.charge": "12 steer",
    "search.Search.close_gates": END,
    "search.Search.retire_below": SEARCH_AT,
    "search.Search.state": "15 state",
    "search.Search.restore": "15 restore",
    "rewire.Rewire.start": "15 train",
    "rewire.Rewire.moves": STEP,
    "rewire.Rewire.change_wiring": "11 Mine.change_wiring",
    "rewire.Rewire.curvature": "11 sensitivity",
    "rewire.sources": "11 Mine.change_wiring",
    "rewire.connection_cells": "11 cells",
    "finetune.Finetune.start": "15 train",
    "finetune.Finetune.rates": "15 rates",
    "finetune.Finetune.moves": STEP,
    "finetune.Finetune.offers": END,
    "price.PriceController.charge": "08 Controller",
    "inputs.Inputs.fits": "15 Batches.fitting",
    "inputs.Inputs.batch": "04 scale",
    "inputs.Inputs.take": "11 gather",
    "inputs.Inputs.standardize": "04 scale",
    "inputs.MovedInputs.take": "11 gather",
    "inputs.Feed.training": "15 Batches.training",
    "inputs.Feed.validation": END,
    "inputs.Feed.all_columns": "15 Batches.all_columns",
    "inputs.Feed.fitting_net": "15 Batches.training",
    "inputs.Feed.fitting": "15 Batches.fitting",
    "wiring.close": "10 close",
    "wiring.compact": "10 compact",
    "wiring.freeze": "10 freeze",
    "wiring.threshold": "10 freeze",
    "wiring.above": "10 freeze",
    "result.Result.offer": "15 Best.offer",
    "result.Result.state": "15 Best.state",
    "result.Result.restore": "15 Best.restore",
    "kernels.sample_gates": "09 sample_numpy",
    "kernels.gate_grads": "07 backward",
    "kernels.add_price": "07 price_grad",
    "kernels.edges_forward": "10 edges",
    "kernels.edges_grads": "10 edges",
    "kernels.edges_backward": "10 edges",
    "kernels.silu": "04 SiLU",
    "kernels.softmax_cross_entropy": "03 your_cross_entropy",
    "kernels.standardize": "04 scale",
    "kernels.sgd_update": "01 descend_with_momentum",
    "kernels.gather_moved": "11 gather",
}
THROUGH = {  # how a lesson calls a function of the library that it does not call by its name
    "trainer.Trainer": "Trainer", "phase.Phase": "Trainer", "search.Search": "Trainer", "rewire.Rewire": "Rewire",
    "finetune.Finetune": "Trainer", "rewire.sources": "Rewire", "price.PriceController": "PriceController",
    "trainer.make_record": "train_epoch", "inputs.Inputs": "Inputs", "inputs.MovedInputs": "MovedInputs",
    "inputs.Feed": "feed", "inputs.Inputs.fits": "feed", "phase.Phase.change_wiring": "Rewire",
    "rewire.Rewire.moves": "Trainer", "wiring": "wiring", "result.Result": "Result",
    "kernels.gate_grads": "MaskedDense", "kernels.add_price": "price_grad",
    "kernels.edges_forward": "forward", "kernels.edges_grads": "backward", "kernels.edges_backward": "backward",
    "kernels.silu": "SiLU", "kernels.softmax_cross_entropy": "softmax_cross_entropy",
    "kernels.standardize": "Inputs", "kernels.sgd_update": "SGD", "kernels.gather_moved": "MovedInputs",
}  # fmt: skip


# --- what the library has ---


def tree_of(path):
    return ast.parse((ROOT / "tinygsp" / path).read_text(encoding="utf-8"))


def is_public(node):
    return isinstance(node, ast.FunctionDef) and not node.name.startswith(("_", "check_"))


def is_error(node):
    return node.name.endswith("Error")


def public_functions():
    """All that must be built: functions and methods of FILES, and the kernels that training and its layers call."""
    found = []
    for file in FILES:
        for node in tree_of(f"training/{file}.py").body:
            if is_public(node):
                found.append(f"{file}.{node.name}")
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not is_error(node):
                found += [f"{file}.{node.name}.{part.name}" for part in node.body if is_public(part)]
    return found + sorted(kernels_called())


def kernels_called():
    """The kernels that layers, optimizer, loss and training call."""
    nodes = [node for path in CALLERS for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)]
    return {f"kernels.{node.attr}" for node in nodes if getattr(node.value, "id", "") == "kernels"}


def lines_of(method):
    """The lines of a method of Trainer, each statement by its first line, without the docstring."""
    path = TRAINING / "trainer.py"
    source = path.read_text(encoding="utf-8").splitlines()
    (cls,) = [node for node in ast.parse("\n".join(source)).body if getattr(node, "name", "") == "Trainer"]
    (function,) = [node for node in cls.body if getattr(node, "name", "") == method]
    places = sorted({node.lineno for node in ast.walk(function) if isinstance(node, ast.stmt)} - {function.lineno})
    return [source[place - 1].split("  #")[0].strip() for place in places[1:]]


# --- what the lessons have ---


@functools.cache
def lesson(number):
    (name,) = [name for name in FOUND if name.startswith(f"{number}_")]
    return name


@functools.cache
def sources(name):
    """The code of a lesson without the stubs of its exercises, and that of its solutions."""
    notebook = read(name)
    stubs = [cell.source for cell in tagged(notebook, "exercise-").values()]
    cells = [cell.source for cell in code_cells(notebook) if cell.source not in stubs]
    return cells + [code for cell in markdown_cells(notebook) for code in fenced_python(cell.source)]


def is_code(source):
    return not source.lstrip().startswith(("%", "!", "python -m"))


def defined_names(name):
    """{name: node} of the functions, classes and methods that a lesson writes."""
    found = {}
    for source in filter(is_code, sources(name)):
        for node in ast.parse(textwrap.dedent(source)).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                found |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found[node.name] = node
            if isinstance(node, ast.ClassDef):
                found |= {f"{node.name}.{part.name}": part for part in node.body if isinstance(part, ast.FunctionDef)}
    return found


@functools.cache
def compared_words(name):
    """The names in cells that compare, by `assert`, `assert_...` or `same`, of a lesson and its checks."""
    checks = LESSONS / "checks" / f"lesson_{name[:2]}.py"
    words = set()
    for source in [*filter(is_code, sources(name)), checks.read_text(encoding="utf-8")]:
        nodes = list(ast.walk(ast.parse(textwrap.dedent(source))))
        found = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        found |= {node.id for node in nodes if isinstance(node, ast.Name)}
        found |= {part for node in nodes if isinstance(node, ast.ImportFrom) for part in node.module.split(".")}
        found |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
        has_claim = any(isinstance(node, ast.Assert) for node in nodes) or any(
            word.startswith("assert_") or word in ("same", "compare") for word in found
        )
        words |= found if has_claim else set()
    return words


def calls_the_library(name, item):
    """Whether a lesson compares with this function of the library: by its name, or through what THROUGH says."""
    words = compared_words(name)
    through = [word for prefix, word in THROUGH.items() if item.startswith(prefix)]
    return item.split(".")[-1] in words or any(word in words for word in through)


# --- the tables of lessons/README.md ---


def link(number):
    return "" if number == "--" else f"[{number}]({lesson(number)}.ipynb)"


def line_table():
    lines = ["| line of `Trainer` | lesson |", "|---|---|"]
    for method in LOOP:
        lines.append(f"| **`{method}`** | |")
        for line, number in zip(lines_of(method), LINES[method].split()):
            lines.append(f"| `{line.replace('|', chr(92) + '|')}` | {link(number)} |")
    return "\n".join(lines)


def built_table():
    lines = ["| function | lesson | yours |", "|---|---|---|"]
    for item in public_functions():
        if item in BUILT:
            number, name = BUILT[item].split()
            lines.append(f"| `{item}` | {link(number)} | `{name}` |")
        else:
            lines.append(f"| `{item}` | | {NOT_BUILT.get(item, '')} |")
    return "\n".join(lines)

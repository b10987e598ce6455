"""Reading and running the notebooks of the course."""

import ast
import copy
import functools
import os
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ROOT / "lessons"
README = LESSONS / "README.md"
WRONG_ANSWERS = ROOT / "tests" / "lessons" / "wrong_answers"
FOUND = sorted(path.stem for path in LESSONS.glob("*.ipynb"))

# --- reading a notebook ---


@functools.cache
def read(name):
    return nbformat.read(LESSONS / f"{name}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def markdown_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def tagged(notebook, prefix):
    """{tag: cell} of every cell with a tag that starts with prefix."""
    found = [(tag, cell) for cell in notebook.cells for tag in cell.metadata.get("tags", []) if tag.startswith(prefix)]
    assert len(dict(found)) == len(found), f"the same tag twice: {[tag for tag, _ in found]}"
    return dict(found)


def without_fences(source):
    return re.sub(r"^```.*?^```", "", source, flags=re.M | re.S)


def fenced_python(source):
    return re.findall(r"^```python\n(.*?)^```", source, re.M | re.S)


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def headings(notebook):
    text = "\n".join(without_fences(cell.source) for cell in markdown_cells(notebook))
    return re.findall(r"^#{1,2} .*$", text, re.M)


def defined(source):
    """Names that the top level of the source defines."""
    return {node.name for node in ast.parse(source).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


# --- wrong answers ---

ANSWER = re.compile(r"^# %% exercise-(\d): (.*?)(?: -> (.*))?$", re.M)


@functools.cache
def wrong_answers(name):
    """[(exercise, what is wrong, what the message must contain or None, code)] of a lesson."""
    path = WRONG_ANSWERS / f"{name}.py"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    heads = list(ANSWER.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [(head[1], head[2], head[3], text[head.end() : end].strip()) for head, end in zip(heads, ends)]


# --- running a notebook ---


def solved(name):
    """The notebook with every stub replaced by its solution, after all wrong answers to it with a check of each."""
    notebook = copy.deepcopy(read(name))
    checks = tagged(notebook, "check-")
    for tag, cell in tagged(notebook, "solution-").items():
        number = tag.removeprefix("solution-")
        stub = tagged(notebook, "exercise-")[f"exercise-{number}"]
        (stub.source,) = fenced_python(cell.source)
        cells = []
        for k, (exercise, _, _, code) in enumerate(wrong_answers(name)):
            if exercise == number:
                check = nbformat.v4.new_code_cell(checks[f"check-{number}"].source, metadata={"tags": [f"wrong-{k}"]})
                cells += [nbformat.v4.new_code_cell(code), check]
        at = notebook.cells.index(stub)
        notebook.cells[at:at] = cells
    return notebook


@functools.cache
def attempt(name, with_solutions):
    """The notebook after a run in fast mode, and the error that stopped it or None."""
    notebook = solved(name) if with_solutions else copy.deepcopy(read(name))
    environment = {**os.environ, "TINYGSP_FAST": "1", "OPENBLAS_NUM_THREADS": "1"}
    where = {"metadata": {"path": str(LESSONS)}}
    try:
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute(env=environment)
    except Exception as error:
        return notebook, re.sub(r"\x1b\[[\d;]*m", "", f"{type(error).__name__}: {error}")
    return notebook, None


def run(name, with_solutions):
    notebook, error = attempt(name, with_solutions)
    assert error is None, f"{name}{' with solutions' if with_solutions else ''}: {error}"
    return notebook

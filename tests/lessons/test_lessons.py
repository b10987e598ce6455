"""The committed lessons: their shape, their limits, their outputs, and the page of the course.

`python tests/lessons/test_lessons.py` rewrites the table of functions in lessons/README.md.
"""

import ast
import copy
import functools
import json
import re
import statistics
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))  # when this file is executed; pytest knows the folder

from helpers.lessons import (
    FOUND,
    LESSONS,
    README,
    ROOT,
    code_cells,
    defined,
    fenced_python,
    headings,
    markdown_cells,
    printed,
    read,
    tagged,
    without_fences,
)

from tinygsp.sparse import SparseNetwork

NAMES = [
    "01_fit_line",
    "02_build_layers",
    "03_measure_loss",
    "04_train_dense",
    "05_prune_magnitude",
    "06_flip_coin",
    "07_go_straight_through",
    "08_learn_wiring",
    "09_make_fast",
    "10_retire_connections",
    "11_rewire_network",
    "12_prune_mnist",
    "13_read_network",
    "14_prune_table",
    "15_write_trainer",
]
DERIVED = {  # room of the package: its files that the lessons derive
    "nn": "gates kernels layers losses metrics optim",
    "training": "dense finetune inputs method net phase price result rewire search settings trainer wiring",
    "reading": "formula importance matrices measured order pathways symmetry",
}
MODULES = [f"{room}.{file}" for room, files in DERIVED.items() for file in files.split()]
EVERY_LESSON = pytest.mark.parametrize("name", FOUND)


# --- what is committed --------------------------------------------------------------------------------------


def test_the_lessons_are_these():
    assert FOUND == NAMES


@EVERY_LESSON
def test_structure(name):
    notebook = read(name)
    number = int(name[:2])
    title, overview, *middle = headings(notebook)
    last = ["Now the library", "Break it", "On your own", "In practice", "Further reading", "Next"]
    assert re.match(rf"# {number}\. [A-Z]", title) and notebook.cells[0].source.startswith(title)
    assert overview == "## What you'll do, learn and need"
    beats, rest = middle[:-6], middle[-6:]
    assert rest == [f"## {heading}" for heading in last]
    assert 3 <= len(beats) <= 6 and all(beat.endswith("?") for beat in beats), beats
    assert any("TINYGSP_FAST" in cell.source for cell in code_cells(notebook)[:2])  # the first may fetch the course
    assert any("image/png" in output.get("data", {}) for cell in code_cells(notebook) for output in cell.outputs)
    if number < len(NAMES):
        assert f"({NAMES[number]}.ipynb)" in notebook.cells[-1].source
    else:
        assert notebook.cells[-1].source.startswith("## Next")


@EVERY_LESSON
def test_tags(name):
    notebook = read(name)
    exercises = tagged(notebook, "exercise-")
    count = len(exercises)
    assert 3 <= count <= 5
    for kind, cell_type in (("exercise", "code"), ("check", "code"), ("solution", "markdown")):
        cells = tagged(notebook, f"{kind}-")
        assert list(cells) == [f"{kind}-{k}" for k in range(1, count + 1)]
        assert all(cell.cell_type == cell_type for cell in cells.values())
    assert list(tagged(notebook, "break-it")) == ["break-it"]
    text = "\n".join(cell.source for cell in markdown_cells(notebook))
    assert re.findall(r"^### Exercise (\d): \S", text, re.M) == [str(k) for k in range(1, count + 1)]
    for tag, cell in tagged(notebook, "solution-").items():
        assert cell.source.startswith("<details><summary>Solution</summary>") and "</details>" in cell.source
        (solution,) = fenced_python(cell.source)
        stub = exercises[tag.replace("solution", "exercise")].source
        assert defined(stub) and defined(stub) <= defined(solution), f"{tag} does not define {defined(stub)}"


@EVERY_LESSON
def test_limits(name):
    cells = [cell for cell in code_cells(read(name)) if "fetch" not in cell.metadata.get("tags", [])]
    lengths = [sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in cells]
    assert len(cells) <= 25
    assert statistics.median(lengths) <= 6 and max(lengths) <= 20, lengths
    assert (LESSONS / f"{name}.ipynb").stat().st_size <= 500_000
    for cell in cells:
        for line in cell.source.splitlines():
            assert len(line) <= 100, line


@EVERY_LESSON
def test_outputs_come_from_one_run(name):
    notebook = read(name)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [cell.source for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    shown = [printed(cell) for tag, cell in tagged(notebook, "check-").items()]
    assert all("not yet" in text for text in shown), "commit the notebook with its stubs"
    assert "rejected" in printed(tagged(notebook, "break-it")["break-it"])


@EVERY_LESSON
def test_what_is_shown_needs_no_kernel(name):
    """A widget stands there as a picture, not as the text of its Python object."""
    for cell in code_cells(read(name)):
        for output in cell.outputs:
            data = output.get("data", {})
            assert "image/png" in data or not re.match(r"\w*(Box|Slider|Stack)\(", data.get("text/plain", "")), (
                cell.source
            )


@EVERY_LESSON
def test_papers_are_linked(name):
    text = "\n".join(cell.source for cell in markdown_cells(read(name)))
    assert not re.findall(r"(?<!\[)arXiv \d{4}\.\d{5}", text)


@EVERY_LESSON
def test_nothing_tells_of_a_machine(name):
    notebook = copy.deepcopy(read(name))
    for cell in code_cells(notebook):
        for output in cell.outputs:
            output.get("data", {}).pop("image/png", None)  # letters that mean nothing
    folder = r"(?<![\w.:/])/(bin|etc|home|mnt|opt|private|proc|root|srv|tmp|usr|var|work|workspace|Users)\b"
    text = json.dumps(notebook)
    for pattern in (folder, r"\b[A-Z]:\\\\", r"~/", r"file://", *map(re.escape, places())):
        assert not re.search(pattern, text), re.search(f".{{0,40}}({pattern}).{{0,40}}", text)[0]


def places():
    return {str(path) for path in (ROOT, Path.home(), tempfile.gettempdir()) if len(Path(path).parts) > 1}


def broken_links(source):
    """Links to a file or a folder that does not exist, or to a heading that its document does not have."""
    links = re.findall(r"\]\((?!https?:|#|attachment:)([^)#\s]+)(?:#([^)\s]+))?\)", source)
    return [(target, anchor) for target, anchor in links if not leads_somewhere(LESSONS / target, anchor)]


def leads_somewhere(path, anchor):
    return path.exists() and (not anchor or anchor in anchors(path.read_text(encoding="utf-8")))


def anchors(markdown):
    """The anchors that GitHub gives to the headings of a document."""
    titles = re.findall(r"^#+ +(.*?) *$", without_fences(markdown), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@EVERY_LESSON
def test_links_lead_somewhere(name):
    for cell in markdown_cells(read(name)):
        assert not broken_links(without_fences(cell.source)), cell.source


def test_lesson_13_reads_the_network_that_lesson_12_made():
    kept = SparseNetwork.load(LESSONS / "mnist_399.npz").count()
    made, used = ("".join(map(printed, code_cells(read(name)))) for name in ("12_prune_mnist", "13_read_network"))
    (accuracy,) = re.findall(rf"^{kept} parameters: validation ([\d.]+%)", made, re.M)
    assert f"{kept} of 266,610 kept, validation accuracy {accuracy}\n" in used


# --- the page of the course ---------------------------------------------------------------------------------


def test_links_of_the_readme_lead_somewhere():
    text = README.read_text(encoding="utf-8")
    assert not broken_links(text)
    assert re.findall(r"^\| \[\d\d [^]]*\]\(([^)]*)\.ipynb\)", text, re.M) == NAMES


@EVERY_LESSON
def test_readme_gives_the_time_of_the_lesson(name):
    text = "\n".join(cell.source for cell in markdown_cells(read(name)))
    (time,) = set(re.findall(r"about\s+(\d+\s+(?:s|minutes))\s+on\s+one\s+core", text, re.I))
    (row,) = re.findall(rf"^\| \[\d\d [A-Z].*?\]\({name}\.ipynb\).*$", README.read_text(encoding="utf-8"), re.M)
    assert row.split(" | ")[2] == " ".join(time.split())


def public_names(module):
    """Functions and classes that a module of the package, such as "nn.gates", defines, without a leading underscore."""
    path = ROOT / "tinygsp" / (module.replace(".", "/") + ".py")
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    names = [node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    return [name for name in names if not name.startswith("_")]


@functools.cache
def owners(word):
    """The modules that define a public function or class of this name."""
    return [module for module in MODULES if word in public_names(module)]


@functools.cache
def mentions(name, in_text):
    """What a notebook names, as {(owner or None, word)}: of imports and of `owner.word` the owner is known.

    In code a word counts if it is imported, defined, called or an attribute; in text if it stands in backticks. A
    variable or a method that happens to have the name of a function does not count. Code in text, that of solutions,
    counts as code.
    """
    found = set()
    for cell in read(name).cells:
        sources = [cell.source] if cell.cell_type == "code" else fenced_python(cell.source)
        if in_text and cell.cell_type == "markdown":
            for span in re.findall(r"`([^`\n]+)`", without_fences(cell.source)):
                found |= {(owner or None, word) for owner, word in re.findall(r"(?:\b(\w+)\.)?\b(\w+)\b", span)}
        elif not in_text:
            for source in sources:
                found |= mentions_in_code(re.sub(r"^[%!].*$", "", source, flags=re.M))
    return found


def mentions_in_code(source):
    tree = ast.parse(source)
    found = {(None, word) for word in defined(source)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {(node.module.split(".")[-1], alias.name) for alias in node.names}
        elif isinstance(node, ast.Attribute):
            owner = node.value
            found.add((getattr(owner, "id", getattr(owner, "attr", "")), node.attr))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add((None, node.func.id))
    return found


@functools.cache
def modules_shown(name):
    """Modules that a notebook imports or links to, as "nn.gates"."""
    found = set()
    for cell in read(name).cells:
        if cell.cell_type == "markdown":
            found |= set(re.findall(r"\]\(\.\./tinygsp/([\w/]+)\.py", without_fences(cell.source)))
            continue
        for node in ast.walk(ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.M))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {module.replace("/", ".").removeprefix("tinygsp.") for module in found}


def is_named_in(name, module, word, in_text):
    """Whether a notebook names `word` of `module`, with its file or its room before it, or alone.

    A bare word that several modules define is that of those which the notebook imports or links to.
    """
    room, file = module.split(".")
    named = mentions(name, in_text)
    if {(file, word), (room, word)} & named:
        return True
    return (None, word) in named and (len(owners(word)) == 1 or module in modules_shown(name))


def lessons_that_use(module, word):
    """The lessons whose code defines or calls it."""
    return [name for name in FOUND if is_named_in(name, module, word, in_text=False)]


def lessons_that_only_name(module, word):
    """The lessons whose text names it, and whose code does not."""
    used = lessons_that_use(module, word)
    return [name for name in FOUND if name not in used and is_named_in(name, module, word, in_text=True)]


def lessons_of(module, word):
    return lessons_that_use(module, word) + lessons_that_only_name(module, word)


def derived_names(module):
    """The public names of a module, but for checks of arguments that no lesson names: `check_shape` and its like."""
    names = public_names(module)
    return [word for word in names if not word.startswith("check_") or lessons_of(module, word)]


def links(names):
    return ", ".join(f"[{name[:2]}]({name}.ipynb)" for name in names)


def function_table():
    lines = ["| function or class | in the code of | only named in |", "|---|---|---|"]
    for module in MODULES:
        for word in derived_names(module):
            used, named = lessons_that_use(module, word), lessons_that_only_name(module, word)
            lines.append(f"| `{module}.{word}` | {links(used)} | {links(named)} |")
    return "\n".join(lines)


TABLE = re.compile(r"(?<=<!-- functions -->\n).*?(?=<!-- /functions -->)", re.S)


def test_readme_has_the_table_of_functions():
    (table,) = TABLE.findall(README.read_text(encoding="utf-8"))
    assert table.strip() == function_table(), "run python tests/lessons/test_lessons.py"


@pytest.mark.parametrize("module", MODULES)
def test_every_function_is_named_in_a_lesson(module):
    missing = [word for word in derived_names(module) if not lessons_of(module, word)]
    assert not missing, f"no lesson names these of {module}: {', '.join(missing)}"


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(lambda _: function_table() + "\n", text), encoding="utf-8")

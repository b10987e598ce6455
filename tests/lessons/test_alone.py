"""A lesson can start anywhere: its first cell fetches the course where the notebook stands alone."""

import copy
import importlib.util
import os
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest
from helpers.lessons import FOUND, LESSONS, README, ROOT, code_cells, read
from nbclient import NotebookClient

spec = importlib.util.spec_from_file_location("launch", ROOT / ".github" / "launch.py")
launch = importlib.util.module_from_spec(spec)
spec.loader.exec_module(launch)

ELSEWHERE = "https://github.com/somebody/a-copy"


@pytest.fixture(scope="module")
def address():
    """The address of the repository, as lesson 01 has it."""
    return re.search(r'"(https://[^"]*)/archive/main\.zip"', code_cells(read(FOUND[0]))[0].source)[1]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The repository as a host gives it to those who download it: all in one folder; here with the lessons alone."""
    path = tmp_path_factory.mktemp("host") / "main.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tinygsp-main/", "")
        for each in LESSONS.rglob("*"):
            if each.suffix in (".py", ".npz"):
                file.write(each, f"tinygsp-main/{each.relative_to(ROOT).as_posix()}")
    return path


@pytest.mark.parametrize("name", FOUND)
def test_every_lesson_begins_with_the_same_cell(name, address):
    first, second = code_cells(read(name))[:2]
    assert first.source == launch.cell(address) and first.metadata.tags == ["fetch"] and not first.outputs
    assert "TINYGSP_FAST" in second.source, "run python .github/launch.py ADDRESS"


def test_the_table_starts_every_lesson_at_that_address(address):
    readme = README.read_text(encoding="utf-8")
    assert launch.with_starts(readme, address) == readme
    for name in FOUND:
        assert launch.starts(address, name) in readme


def run_alone(notebook, folder, archive):
    """Execute a notebook in an empty folder, where only the archive can be fetched."""
    environment = {**os.environ, "TINYGSP_FAST": "1", "TINYGSP_COURSE": archive.as_uri(), "OPENBLAS_NUM_THREADS": "1"}
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute(env=environment)
    return notebook


def test_a_lesson_alone_fetches_what_it_reads(tmp_path, archive):
    notebook = copy.deepcopy(read("01_fit_line"))
    run_alone(notebook, tmp_path, archive)
    assert os.listdir(tmp_path) == ["tinygsp-main"]
    kit = [
        "import exercise, slider, wiring, checks.lesson_13",
        "from pathlib import Path; Path('mnist_399.npz').stat()",
    ]
    host = (
        "import sys; sys.path = [place for place in sys.path if place]"  # some hosts do not search the working folder
    )
    cells = [nbformat.v4.new_code_cell(source) for source in (host, launch.cell(ELSEWHERE), *kit)]
    run_alone(nbformat.v4.new_notebook(cells=cells), tmp_path, archive)


def test_in_a_clone_the_cell_does_nothing():
    before = set(os.listdir(LESSONS))
    code = launch.cell("file:///nowhere") + "\nprint(os.getcwd())"
    done = subprocess.run([sys.executable, "-c", code], cwd=LESSONS, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, str(LESSONS), "")
    assert set(os.listdir(LESSONS)) == before


def test_a_new_address_changes_the_cell_and_the_links_alone():
    notebook = launch.with_cell(copy.deepcopy(read("08_learn_wiring")), ELSEWHERE)
    first, *others = code_cells(notebook)
    assert f'"{ELSEWHERE}/archive/main.zip"' in first.source and max(map(len, first.source.splitlines())) <= 100
    assert others == code_cells(read("08_learn_wiring"))[1:]
    readme = launch.with_starts(README.read_text(encoding="utf-8"), ELSEWHERE)
    assert readme.count("[Colab](https://colab.research.google.com/github/somebody/a-copy/blob/main/") == len(FOUND)
    assert "OWNER" not in readme.split("## Start")[0]


def test_a_lesson_without_the_cell_gets_it_and_counts_on():
    code = [nbformat.v4.new_code_cell("1 + 1", execution_count=1)]
    code[0].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    cells = [nbformat.v4.new_markdown_cell("# Title"), *code]
    notebook = launch.with_cell(nbformat.v4.new_notebook(cells=cells), ELSEWHERE)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code"]
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2]
    assert notebook.cells[2].outputs[0].execution_count == 2
    nbformat.validate(notebook)


@pytest.mark.parametrize(
    "arguments",
    [[], ["github.com/a/b"], ["https://github.com/a"], ["http://github.com/a/b"], ["https://github.com/a/b", "c"]],
)
def test_an_address_that_is_none_is_refused_in_one_line(arguments):
    before = README.read_bytes()
    command = [sys.executable, str(ROOT / ".github" / "launch.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert "expected one like https://github.com/OWNER/REPOSITORY" in done.stderr and README.read_bytes() == before

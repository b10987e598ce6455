"""Every function and every line of the training loop has a lesson that builds it, and compares with the library's.

`python tests/lessons/test_built.py` rewrites the two tables in lessons/README.md; which lesson builds what stands in
tests/helpers/built.py.
"""

import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))  # when this file is executed; pytest knows the folder

from helpers import built
from helpers.lessons import README

TABLES = {"lines": built.line_table, "built": built.built_table}


def test_every_public_function_is_built_or_says_why_not():
    functions = built.public_functions()
    assert len(functions) > 60, "the list is not empty by accident"
    missing = [item for item in functions if item not in built.BUILT and item not in built.NOT_BUILT]
    assert not missing, f"no lesson builds {missing}: build them, and say where in tests/helpers/built.py"
    known = [*built.BUILT, *built.NOT_BUILT]
    assert not set(known) - set(functions), f"gone: {set(known) - set(functions)}"
    assert len(known) == len(set(known)) and len(built.NOT_BUILT) <= 3


@pytest.mark.parametrize("item", built.BUILT)
def test_a_lesson_writes_it_and_compares(item):
    number, name = built.BUILT[item].split()
    lesson = built.lesson(number)
    assert name in built.defined_names(lesson), f"{lesson} does not define {name}"
    assert built.calls_the_library(lesson, item), f"{lesson} does not compare its {name} with {item}"


@pytest.mark.parametrize("method", built.LOOP)
def test_every_line_has_its_lesson(method):
    lines, lessons = built.lines_of(method), built.LINES[method].split()
    assert len(lines) == len(lessons), f"{len(lines)} lines: {lines}"
    for line, number in zip(lines, lessons):
        raises = "raise " in line or line in ("if not math.isfinite(loss):", RESULT_IS_MISSING)
        assert raises == (number == "--"), line


RESULT_IS_MISSING = "if self.epoch == self.total_epochs and self.network is None:"


@pytest.mark.parametrize("name", TABLES)
def test_readme_has_the_table(name):
    (table,) = pattern(name).findall(README.read_text(encoding="utf-8"))
    assert table.strip() == TABLES[name](), "run python tests/lessons/test_built.py"


def pattern(name):
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.S)


def test_stubs_and_names_in_text_do_not_count():
    lesson = built.lesson("15")
    assert "train_step" in built.defined_names(lesson)
    assert not any("NotImplementedError" in source for source in built.sources(lesson))
    assert not built.calls_the_library(lesson, "wiring.threshold"), "lesson 15 neither calls nor compares it"


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        text = pattern(name).sub(lambda _, make=make: make() + "\n", text)
    README.write_text(text, encoding="utf-8")

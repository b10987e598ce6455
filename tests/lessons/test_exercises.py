"""The exercises can be solved, and their checks cannot be fooled.

Each notebook is executed twice in a fresh kernel, in fast mode: as it is, and with the wrong answers of
tests/lessons/wrong_answers before each solution. A wrong answer begins with a line

    # %% exercise-K: what is wrong -> words that the message must contain

where the arrow and the words may be missing.
"""

import re

import pytest
from helpers.lessons import (
    FOUND,
    WRONG_ANSWERS,
    fenced_python,
    printed,
    read,
    run,
    tagged,
    wrong_answers,
)

EVERY_LESSON = pytest.mark.parametrize("name", FOUND)


@EVERY_LESSON
def test_stubs_are_answered_with_not_yet(name):
    checks = tagged(run(name, with_solutions=False), "check-")
    for tag, cell in checks.items():
        (reason,) = re.findall(rf"^Exercise {tag[6:]}: not yet - (.+)", printed(cell))
        assert len(reason) >= 12 and not re.match(r"\w+Error\b", reason), f"{tag} does not help: {reason}"


@EVERY_LESSON
def test_solutions_pass(name):
    checks = tagged(run(name, with_solutions=True), "check-")
    for tag, cell in checks.items():
        assert printed(cell) == f"Exercise {tag[6:]}: passed\n", f"{tag}: {printed(cell)}"


@EVERY_LESSON
def test_wrong_answers_are_rejected_with_a_message(name):
    answers = wrong_answers(name)
    cells = tagged(run(name, with_solutions=True), "wrong-")
    assert len(cells) == len(answers)
    for k, (exercise, mistake, words, _) in enumerate(answers):
        text = printed(cells[f"wrong-{k}"])
        answer = f"{name}, exercise {exercise}, {mistake}: {text}"
        assert re.match(rf"Exercise {exercise}: not yet - .{{8,}}", text), answer
        assert words is None or words in text, f"no {words!r} in {answer}"


@EVERY_LESSON
def test_every_exercise_has_three_wrong_answers_and_names_a_mistake(name):
    answers = wrong_answers(name)
    for tag in tagged(read(name), "exercise-"):
        of_exercise = [words for exercise, _, words, _ in answers if f"exercise-{exercise}" == tag]
        assert len(of_exercise) >= 3, f"{name}, {tag}: {len(of_exercise)} wrong answers"
        assert any(of_exercise), f"{name}, {tag}: no wrong answer has words that its message must contain"


def test_wrong_answers_belong_to_lessons():
    assert {path.stem for path in WRONG_ANSWERS.glob("*.py")} <= set(FOUND)


@EVERY_LESSON
def test_solutions_explain_themselves(name):
    for tag, cell in tagged(read(name), "solution-").items():
        (code,) = fenced_python(cell.source)
        text = re.sub(r"<.*?>", "", cell.source.replace(f"```python\n{code}```", "").replace("Solution", ""))
        assert len(text.split()) >= 12, f"{name}, {tag} says only: {text.strip()}"


@EVERY_LESSON
@pytest.mark.parametrize("with_solutions", (False, True))
def test_planted_bug_is_rejected(name, with_solutions):
    assert "rejected" in printed(tagged(run(name, with_solutions), "break-it")["break-it"])

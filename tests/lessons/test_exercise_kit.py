"""lessons/exercise.py: what a check prints for a right answer, for a wrong one, and which mistakes it names."""

import importlib.util

import numpy as np
import pytest
from helpers.lessons import LESSONS

spec = importlib.util.spec_from_file_location("exercise_kit", LESSONS / "exercise.py")
kit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kit)

RIGHT = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
SQUARE = np.array([[1.0, -2.0], [3.0, 0.25]])
ROW = np.array([1.5, -2.0, 0.25])


def message(yours, right, **options):
    """What `same` says of `yours`; "" if it is accepted."""
    try:
        kit.same(yours, right, **options)
    except AssertionError as error:
        return str(error)
    return ""


# --- check ---


def test_a_right_answer_passes(capsys):
    kit.check("Exercise 1", lambda: None, lambda rng: None)
    assert capsys.readouterr().out == "Exercise 1: passed\n"


def test_a_claim_with_an_argument_is_tried_on_new_numbers_every_time():
    drawn = []
    kit.check("Exercise 1", lambda rng: drawn.append(rng.random()))
    assert len(set(drawn)) == kit.ROUNDS


def test_two_checks_draw_different_numbers():
    drawn = []
    for _ in range(2):
        kit.check("Exercise 1", lambda rng: drawn.append(rng.random()))
    assert len(set(drawn)) == 2 * kit.ROUNDS


@pytest.mark.parametrize(
    "error, reason",
    [
        (NotImplementedError(), "write the function"),
        (NotImplementedError("return dW"), "return dW"),
        (AssertionError(), "not right"),
        (AssertionError("half of it"), "half of it"),
        (ValueError("shapes differ"), "ValueError: shapes differ (in the line `raise error`)"),
    ],
)
def test_an_error_becomes_a_reason(error, reason, capsys):
    def claim():
        raise error

    kit.check("Exercise 2", claim)
    out = capsys.readouterr().out
    assert out.startswith("Exercise 2: not yet - ") and reason in out


def test_the_first_claim_that_fails_is_reported(capsys):
    kit.check("Exercise 1", lambda: kit.same(1, 1), lambda: kit.same(1, 2, "first"), lambda: kit.same(1, 2, "second"))
    out = capsys.readouterr().out
    assert "first" in out and "second" not in out


def test_checker_runs_the_exercise_of_that_number(capsys):
    answers = []
    check = kit.checker(lambda answer, rng: kit.same(1, 2), lambda answer, rng: answers.append(answer))
    check(2, "mine")
    check(1, "mine")
    out = capsys.readouterr().out
    assert out.startswith("Exercise 2: passed\nExercise 1: not yet - ") and set(answers) == {"mine"}


def test_a_check_prints_no_warnings_of_numpy(recwarn):
    kit.check("Exercise 1", lambda: np.log(np.zeros(1)))
    assert not recwarn.list


# --- same ---


@pytest.mark.parametrize("right", [RIGHT, ROW, 3.0, 0.0, np.array([1, 2]), np.array([True, False])])
def test_equal_results_are_accepted(right):
    assert message(right, right) == ""
    assert message(np.asarray(right).tolist(), right) == ""


def test_rounding_is_accepted_and_a_small_error_is_not():
    assert message(RIGHT * (1 + 1e-9), RIGHT) == ""
    assert message(RIGHT * (1 + 1e-5), RIGHT)
    assert message(RIGHT + 2e-6 * (RIGHT == 0.25), RIGHT), "a small entry is judged by its own size"


def test_equal_infinite_entries_are_accepted():
    assert message([np.inf, 1], [np.inf, 1]) == ""


@pytest.mark.parametrize(
    "yours, right, words",
    [
        (None, ROW, "is None: is a `return` missing?"),
        ("text", ROW, "is a str"),
        (RIGHT.T, RIGHT, "expected (2, 3); transposed?"),
        (ROW[:, None], ROW, "did a sum keep its axis?"),
        (ROW[:2], ROW, "has shape (2,), expected (3,)"),
        (ROW * np.nan, ROW, "an entry that is nan"),
        ([np.inf, 1, 1], ROW, "an overflow, or a logarithm of 0?"),
        (0 * ROW, ROW, "yours is 0 everywhere"),
        (0, 3.0, "yours is 0"),
        (-ROW, ROW, "wrong sign"),
        (SQUARE.T, SQUARE, "the transpose of the right one"),
        (ROW / 2, ROW, "yours is 1/2 of the right one: is a factor 2 missing?"),
        (RIGHT * 7, RIGHT, "yours is 7 times the right one"),
        (ROW * 1.3, ROW, "yours is 1.3 times the right one"),
        (ROW * 1.0001, ROW, "nearly, but not equal"),
        (6.0, 3.0, "yours is 2 times the right one"),
        (1.7, 3.0, "not the right number"),
        (ROW + 1, ROW, "differs by the same number everywhere"),
        (RIGHT * [[1], [2]], RIGHT, "the first entry or row is right"),
        (RIGHT + [[1, 0, 0], [0, 0, 0]], RIGHT, "1 of 6 numbers are wrong"),
    ],
)
def test_common_mistakes_are_named(yours, right, words):
    assert words in message(yours, right)


def test_the_mistakes_of_an_exercise_come_first():
    slips = {"the bias was forgotten": ROW / 2}
    assert "the bias was forgotten" in message(ROW / 2, ROW, slips=slips)
    assert message(ROW, ROW, slips=slips) == ""


def test_your_result_and_the_right_one_stand_side_by_side():
    text = message(RIGHT + [[0, 0, 0], [0, 0, 9]], RIGHT, what="dW", given="n = 4")
    first, head, wrong, *rest = text.splitlines()
    assert first.startswith("dW for n = 4: ") and head.split() == ["place", "yours", "right"]
    assert wrong.split() == ["[1,", "2]", "8", "-1"], "wrong entries come first"
    assert len(rest) == 5


def test_a_long_table_says_how_much_it_leaves_out():
    assert message(np.zeros(100), np.ones(100)).splitlines()[-1].split() == ["...", "94", "more"]


@pytest.mark.parametrize("yours", [(), ROW, (ROW,), None])
def test_several_results_are_all_asked_for(yours):
    assert "2 results (dW, db)" in message(yours, (RIGHT, ROW), what=("dW", "db"))


def test_several_results_are_compared_one_by_one():
    options = {"what": ("dW", "db"), "slips": {"the sum is missing": (RIGHT, ROW + [1, 2, 3])}}
    assert message((RIGHT, ROW), (RIGHT, ROW), **options) == ""
    assert message((2 * RIGHT, ROW), (RIGHT, ROW), **options).startswith("dW: yours is 2 times")
    assert message((RIGHT, ROW + [1, 2, 3]), (RIGHT, ROW), **options).startswith("db: the sum is missing")

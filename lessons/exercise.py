"""How an exercise is checked: your answer is tried on random inputs, and a message says what is missing.

`check` runs the claims of an exercise and prints the outcome; it never stops the notebook. `same` compares your result
with the right one, shows both side by side and names the mistake that would explain the difference. The checks
themselves are in the folder `checks`, a file for each lesson.
"""

import inspect
import traceback

import numpy as np

ROUNDS = 20  # random inputs that each claim is tried on
SHOWN = 6  # entries in the table of a message


def check(name, *claims):
    """Try each claim, a function that raises an error if the answer is wrong, and print the outcome.

    A claim that takes an argument gets a random generator: it is called ROUNDS times, each time with new numbers.
    The outcome is `name: passed`, or `name: not yet - reason` for the first claim that fails. Never raises.
    """
    for claim in claims:
        try:
            with np.errstate(all="ignore"):
                try_claim(claim)
        except Exception as error:
            print(f"{name}: not yet - {reason(error)}")
            return
    print(f"{name}: passed")


def checker(*exercises):
    """`check(number, answer)` of a lesson: runs exercise `number`, a function of the answer and a random generator.

    What is given after the answer, such as a class that the answer works on, is passed on to the exercise.
    """

    def check_exercise(number, answer, *given):
        check(f"Exercise {number}", lambda rng: exercises[number - 1](answer, rng, *given))

    return check_exercise


def try_claim(claim):
    """Call a claim once, or ROUNDS times with a fresh random generator if it takes one."""
    if not inspect.signature(claim).parameters:
        claim()
        return
    for _ in range(ROUNDS):
        claim(np.random.default_rng())


def reason(error):
    """Say what is wrong: the message of the error, and for errors of Python its kind and the line that raised it."""
    message = str(error)
    if isinstance(error, NotImplementedError):
        return message or "write the function in the cell above, then run both cells"
    if isinstance(error, AssertionError):
        return message or "the answer is not right"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.line for frame in frames if frame.filename != __file__ and "site-packages" not in frame.filename]
    return f"{type(error).__name__}: {message}" + (f" (in the line `{lines[-1]}`)" if lines and lines[-1] else "")


def same(yours, right, what="the result", given="", slips=None, tol=1e-6):
    """Raise AssertionError unless `yours` equals `right`; the message names the mistake and shows both side by side.

    yours : what the answer returned
    right : a number, an array, or a tuple of them, with their names, as a tuple too, in `what`
    given : what the answer was called with, for the message: "n = 5, k = 3"
    slips : {name of a mistake: the result it leads to}, tried before the mistakes that `slip` knows
    tol   : of an entry, relative to its size (to 1/100 of the largest entry, if it is smaller than that)
    """
    if isinstance(right, tuple):
        if not isinstance(yours, (tuple, list)) or len(yours) != len(right):
            number = len(yours) if isinstance(yours, (tuple, list)) else "one"
            wanted = f"{len(right)} results ({', '.join(what)})"
            raise AssertionError(f"the function should return {wanted}, yours returns {number}")
        for k, name in enumerate(what):
            wrong = {mistake: results[k] for mistake, results in (slips or {}).items()}
            same(yours[k], right[k], name, given, wrong, tol)
        return
    where = f"{what} for {given}" if given else what
    right = np.asarray(right, float)
    yours = as_numbers(yours, right, where)
    wrong = differs(yours, right, tol)
    if not wrong.any():
        return
    loose = max(tol, min(100 * tol, 1e-3))  # a mistake is recognised through its rounding, too
    mistake = next((name for name, result in (slips or {}).items() if equal(yours, result, loose)), "")
    mistake = mistake or slip(yours, right, wrong, tol)
    raise AssertionError(f"{where}: {mistake}\n{side_by_side(yours, right, wrong)}")


def as_numbers(yours, right, where):
    """`yours` as an array of finite numbers with the shape of `right`; raises AssertionError if it is none."""
    if yours is None:
        raise AssertionError(f"{where} is None: is a `return` missing?")
    try:
        yours = np.asarray(yours, float)
    except (TypeError, ValueError):
        raise AssertionError(f"{where} is a {type(yours).__name__}, expected numbers") from None
    if yours.shape != right.shape:
        turned = yours.T.shape == right.shape and yours.ndim > 1
        kept = yours.size == right.size and yours.ndim > right.ndim
        hint = "; transposed?" if turned else "; did a sum keep its axis?" if kept else ""
        raise AssertionError(f"{where} has shape {yours.shape}, expected {right.shape}{hint}")
    if not np.isfinite(yours).all() and np.isfinite(right).all():
        bad = yours[~np.isfinite(yours)][0]
        hint = (
            "0 / 0, infinity by infinity, or 0 times infinity" if np.isnan(bad) else "an overflow, or a logarithm of 0"
        )
        raise AssertionError(
            f"{where} has an entry that is {bad}: {hint}?\n{side_by_side(yours, right, yours != right)}"
        )
    return yours


def differs(yours, right, tol):
    """Which entries differ, by more than `tol` of their size or of 1/100 of the largest entry."""
    size = np.maximum(np.abs(yours), np.abs(right))
    size = np.maximum(size, size.max(initial=0) / 100)
    with np.errstate(invalid="ignore"):
        return ~((np.abs(yours - right) <= tol * size) | (yours == right))


def equal(yours, result, tol):
    """Whether `yours` is `result`, the outcome of a known mistake."""
    result = np.asarray(result, float)
    return yours.shape == result.shape and not differs(yours, result, tol).any()


def slip(yours, right, wrong, tol):
    """Guess which mistake leads from `right` to `yours`: a factor, a sign, a transpose, a part left out."""
    if not yours.any():
        return "yours is 0 everywhere" if yours.size > 1 else "yours is 0"
    if equal(yours, -right, tol):
        return "yours has the wrong sign: minus missing, or a difference taken the other way round?"
    if yours.ndim == 2 and equal(yours, right.T, tol):
        return "yours is the transpose of the right one"
    factor = constant_factor(yours, right, tol)
    if factor:
        return factor
    if right.size > 1 and equal(yours - yours.flat[0] + right.flat[0], right, tol):
        return "yours differs by the same number everywhere: a constant added, or forgotten?"
    if right.ndim and len(right) > 1 and not wrong[0].any():
        return "the first entry or row is right, others are not: does the answer use all of them?"
    return f"{wrong.sum()} of {wrong.size} numbers are wrong" if right.size > 1 else "not the right number"


def constant_factor(yours, right, tol):
    """Say by which factor `yours` is wrong, if it is the same everywhere; "" if not.

    Of a single number only whole factors and their inverses up to 64 count: any number is a multiple of any other.
    """
    some = np.abs(right) > 1e-3 * np.abs(right).max(initial=0)
    if not some.any():
        return ""
    factor = float(np.median(yours[some] / right[some]))
    if factor == 0 or not equal(yours, factor * right, 10 * tol):
        return ""
    for turned, text in (
        (factor, "{} times the right one: a factor {} too many, or a mean forgotten?"),
        (1 / factor, "1/{} of the right one: is a factor {} missing?"),
    ):
        whole = round(turned)
        if abs(turned - whole) < 1e-4 and 2 <= abs(whole) <= 64:
            return "yours is " + text.format(whole, whole)
    if right.size == 1:
        return ""
    if abs(factor - 1) < 0.01:
        return f"yours is {factor:.6g} times the right one: nearly, but not equal"
    return f"yours is {factor:.4g} times the right one: a factor is off"


def side_by_side(yours, right, wrong):
    """A table of entries, their place, your value and the right one; wrong ones first."""
    places = [*np.argwhere(wrong), *np.argwhere(~np.asarray(wrong))][:SHOWN]
    lines = [f"{'place':>12} {'yours':>14} {'right':>14}"] if right.ndim else [f"{'':>12} {'yours':>14} {'right':>14}"]
    for place in places:
        entry = tuple(int(k) for k in place)
        name = str(list(entry)) if entry else ""
        lines.append(f"{name:>12} {yours[entry]:>14.6g} {right[entry]:>14.6g}")
    if right.size > len(places):
        lines.append(f"{'...':>12}  {right.size - len(places)} more")
    return "\n".join(lines)

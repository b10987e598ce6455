"""The types of arguments: a value, or one line that says what would be right."""

import argparse
import math
from pathlib import Path

import pytest

from tinygsp import methods
from tinygsp.commands.options import FURTHER, OPTIONS, READING, columns, flag, method, number, sizes, yes_or_no
from tinygsp.commands.train_arguments import as_typed, parse_arguments
from tinygsp.data import ReadOptions
from tinygsp.training import Settings


@pytest.mark.parametrize("text, open_low, value", [("0", False, 0), ("1", True, 1), ("0.25", True, 0.25)])
def test_a_number_in_its_range(text, open_low, value):
    assert number(float, 0, 1, "a fraction", open_low)(text) == value


@pytest.mark.parametrize("text", ["0", "1.1", "-1", "nan", "inf", "one", ""])
def test_a_number_out_of_its_range(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected a fraction"):
        number(float, 0, 1, "a fraction", open_low=True)(text)


def test_sizes():
    assert sizes("300,100") == (300, 100) and sizes("7") == (7,) and sizes("none") == ()
    for text in ("", "1,", "0", "65537", "1.5", ",".join("1" * 9)):
        with pytest.raises(argparse.ArgumentTypeError, match="commas between"):
            sizes(text)


def test_every_method_and_no_other():
    assert [method(name) for name in methods.names()] == list(methods.names())
    assert methods.DEFAULT in methods.names()
    with pytest.raises(argparse.ArgumentTypeError, match=methods.DEFAULT):
        method("best")


def test_what_is_not_given():
    args = parse_arguments(["toy"])
    assert (args.method, args.seed, args.threads) == (methods.DEFAULT, 0, 1) and args.folder == Path("toy")
    args = parse_arguments(["toy", "--seed", "7", "--threads", "3", "--out", "here"])
    assert (args.seed, args.threads) == (7, 3) and args.folder == Path("here")


def test_the_defaults_that_the_help_names():
    """The help is printed before Settings can be imported, so it has the numbers once more."""
    s = Settings()
    for name in ("density", "epochs", "tries", "batch_size", "lr"):
        assert f"(default: {getattr(s, name):g}" in OPTIONS[name].help
    assert "(default: 300,100" in OPTIONS["hidden"].help and s.hidden == (300, 100)
    assert flag("batch_size") == "--batch-size" and math.isclose(OPTIONS["lr"].type("1e-3"), 0.001)


def test_every_field_of_settings_has_an_option():
    assert {*OPTIONS, *FURTHER} >= set(vars(Settings())) and not set(OPTIONS) & set(FURTHER)
    assert set(FURTHER) <= set(vars(Settings()))
    assert {*READING, "transpose"} == set(vars(ReadOptions()))


@pytest.mark.parametrize("name", FURTHER)
def test_an_option_reads_what_config_json_has(name):
    value = getattr(Settings(), name)
    if name != "loss":  # "" stands for the one of the task
        assert FURTHER[name].type(as_typed(value)) == value


def test_columns():
    assert columns("a") == ("a",) and columns('a, "b, c",d') == ("a", "b, c", "d")
    assert columns(as_typed(("a", "b, c"))) == ("a", "b, c")
    for text in ("", "a,", ",a"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected names of columns"):
            columns(text)


def test_yes_or_no():
    assert [yes_or_no(text) for text in ("yes", "True", "no", "false")] == [True, True, False, False]
    with pytest.raises(argparse.ArgumentTypeError, match="'1': expected yes or no"):
        yes_or_no("1")

"""Whole commands on thirty of the small data sets and options that tests/soak_command.py draws at random."""

import sys

import pytest
from helpers import any_command
from helpers.any_command import run_cases


def test_thirty_cases(tmp_path):
    counts, broken, _ = run_cases(30, 1, tmp_path, explained=0.3)
    assert not broken
    done = {command: sum(n for (c, code), n in counts.items() if (c, code) == (command, 0)) for command, _ in counts}
    assert done["train"] > 8 and done["explain"] > 2 and done["export"] > 8 and done["resume"] > 1
    assert sum(n for (command, code), n in counts.items() if command == "train" and code in (2, 3)) > 3


@pytest.mark.parametrize("fault", ["traceback", "two lines", "a warning", "no line"])
def test_broken_promises_are_seen(fault, tmp_path, monkeypatch):
    def train(arguments):
        if fault == "traceback":
            raise KeyError("a fault of the program")
        if fault == "a warning":
            any_command.warnings.warn("overflow encountered", RuntimeWarning, stacklevel=1)
        print("error: a\nerror: b" if fault == "two lines" else "", file=sys.stderr, end="")
        return 1

    monkeypatch.setattr(any_command.train, "main", train)
    assert len(run_cases(2, 0, tmp_path)[1]) == 2

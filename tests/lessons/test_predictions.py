"""Predictions: each is a choice of answers, and each is answered, folded away below it."""

import re

import pytest
from helpers.lessons import FOUND, markdown_cells, read

LESSONS = pytest.mark.parametrize("name", FOUND)
PREDICTION = re.compile(
    r"^\*\*Predict\.\*\* .*?\?[^\n]*\n\n((?:- [a-d]\) [^\n]+\n(?:  [^\n]+\n)*){2,4})\n"
    r"<details><summary>Answer</summary>\n\n(.*?)\n\n</details>",
    re.M | re.S,
)


@LESSONS
def test_a_prediction_has_choices_and_a_folded_answer(name):
    for cell in markdown_cells(read(name)):
        found = PREDICTION.findall(cell.source)
        assert len(found) == len(re.findall(r"[Pp]redict\b", cell.source)), cell.source
        for choices, answer in found:
            letters = re.findall(r"^- ([a-d])\) ", choices, re.M)
            assert letters == list("abcd")[: len(letters)]
            assert re.match(rf"[a-{letters[-1]}]\) \S", answer), answer
            assert len(answer.split()) >= 6, f"this answer explains nothing: {answer}"


@LESSONS
def test_there_are_predictions(name):
    assert sum(cell.source.count("**Predict.**") for cell in markdown_cells(read(name))) >= 3

"""Formulas: TeX as the lessons write it becomes MathML, and what is unknown is refused."""

import importlib.util
from xml.etree import ElementTree

import pytest
from helpers.documents import ROOT

spec = importlib.util.spec_from_file_location("mathml", ROOT / ".github" / "site" / "mathml.py")
mathml = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mathml)


def inside(tex):
    """The formula without its frame; it is XML."""
    text = mathml.convert(tex)
    ElementTree.fromstring(text)
    return text.removeprefix('<math display="inline"><mrow>').removesuffix("</mrow></math>")


@pytest.mark.parametrize(
    "tex, expected",
    [
        ("x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"),
        ("x^2_i", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"),
        (r"\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"\frac{a}{10}", "<mfrac><mrow><mi>a</mi></mrow><mrow><mn>10</mn></mrow></mfrac>"),
        ("3.5 < 4", "<mn>3.5</mn><mo>&lt;</mo><mn>4</mn>"),
        ("-a'", "<mo>−</mo><msup><mi>a</mi><mo>′</mo></msup>"),
        (r"\text{budget\_at} & 1"[:-4], "<mtext>budget_at</mtext>"),
        (r"\left(\mu\right.", '<mo stretchy="true">(</mo><mi>μ</mi>'),
        (r"\lVert p \rVert", "<mo>‖</mo><mi>p</mi><mo>‖</mo>"),
        (r"\bar x", '<mover accent="true"><mi>x</mi><mo>¯</mo></mover>'),
        (r"\sqrt{2}", "<msqrt><mrow><mn>2</mn></mrow></msqrt>"),
    ],
)
def test_small_formulas(tex, expected):
    assert inside(tex) == expected


def test_limits_stand_above_and_below():
    assert inside(r"\sum_i^n") == "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>"
    assert inside(r"\underbrace{a}_{b}").startswith("<munder><munder>")


def test_a_matrix_and_cases_have_rows_and_cells():
    assert inside(r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}").count("<mtd>") == 4
    found = inside(r"\begin{cases} 1 & x > 0 \\ 0 & x < 0 \end{cases} + 1")
    assert found.count("<mtr>") == 2 and "<mo>{</mo>" in found and found.endswith("<mo>+</mo><mn>1</mn>")


def test_a_block_can_be_reached_by_keys():
    assert mathml.convert("x", display=True).startswith('<math display="block" tabindex="0">')


@pytest.mark.parametrize(
    "tex", [r"\unknown", r"\frac{1", "a}", "x^", r"\begin{array} 1 \end{array}", r"\text a", "a & b"]
)
def test_what_is_unknown_or_unfinished_is_refused(tex):
    with pytest.raises(ValueError, match="known|early|many|braces|nothing"):
        mathml.convert(tex)

"""Names of the user's in figures: short, drawn as they are, and no formulas."""

import warnings
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers.explained import reader_of_bands

from tinygsp import plots
from tinygsp.plots.style import LONGEST_LABEL, short_name


@pytest.mark.parametrize(
    "name, expected",
    [
        ("seven", "seven"),
        ("", ""),
        ("$x_1$", r"\$x_1\$"),
        (r"$\frac{", r"\$\frac{"),
        (r"\$", r"\\$"),
        ("a" * LONGEST_LABEL, "a" * LONGEST_LABEL),
        ("a" * 20_000, "a" * (LONGEST_LABEL - 1) + "…"),
        ("$" * 20_000, r"\$" * (LONGEST_LABEL - 1) + "…"),
        ("字", r"\u5b57"),
        ("a\nb\x1b", r"a\nb\x1b"),
        ("naïve ß", "naïve ß"),
    ],
)
def test_short_names(name, expected):
    assert short_name(name) == expected


def test_a_name_is_drawn_as_it_is(axes):
    """The picture of a name with dollar signs is that of its letters, not of a formula."""
    texts = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("$a^2$", "$", "$$", r"\$a", "字", "👩", "_^{", "%", "a\tb"):
            text = axes.text(0.5, 0.5, short_name(name))
            axes.figure.canvas.draw()
            assert not text._preprocess_math(text.get_text())[1]
            texts.append(text._preprocess_math(text.get_text())[0])
    assert texts[:4] == ["$a^2$", "$", "$$", r"\$a"]


@pytest.mark.parametrize("shape", [(1, 30), (30, 1), (5, 6), (2, 15)])
@pytest.mark.parametrize("backdrop", ["none", "zeros", "constant", "one pixel", "noise"])
def test_maps_of_any_shape(shape, backdrop, axes):
    """An outline is drawn where there is one, and never complained about."""
    network = reader_of_bands(input_shape=shape)
    values = np.zeros(30)
    values[network.used_inputs()[0]] = 1.0
    image = {
        "none": None,
        "zeros": np.zeros(30),
        "constant": np.full(30, 7.0),
        "one pixel": np.eye(30)[4],
        "noise": np.random.default_rng(0).uniform(0, 255, 30),
    }[backdrop]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.class_map(network, values, 1.0, image, "$", axes)
        axes.figure.canvas.draw()
    outlines = [c for c in axes.collections if type(c).__name__ == "QuadContourSet"]
    assert len(outlines) == (min(shape) > 1 and backdrop in ("one pixel", "noise"))


def test_long_tables_show_the_strongest():
    """A table of a thousand inputs would make a figure of gigabytes."""
    from tinygsp.plots.findings import MOST, strongest

    values = np.arange(100.0)
    values[3] = 1000
    assert strongest(values).tolist() == [3, *range(100 - MOST + 1, 100)] and len(strongest(np.ones(3))) == 3
    assert plt.get_fignums() == []


def test_hostile_names_do_no_harm_in_a_file(axes):
    """They are drawn as shapes, and what is written of them is a comment."""
    for name in ("</svg><script>alert(1)</script>", "--><b>", "]]>", "$a$ & b"):
        axes.text(0.5, 0.5, short_name(name))
    content = plots.files("a", axes.figure)["a.svg"]
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(content).iter()}
    assert "script" not in tags and "text" not in tags and "path" in tags

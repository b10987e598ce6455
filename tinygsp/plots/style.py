"""Colours, an empty figure, and a figure as PNG and SVG: what all pictures share.

The colours are Okabe and Ito's, which colour-blind readers can tell apart; every line also differs in style or label.
What speaks for an answer, or adds, is blue and solid; what speaks against it, or subtracts, is orange and dashed.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib import font_manager, patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
OKABE_ITO = (BLUE, ORANGE, GREEN, "#E69F00", "#56B4E9", "#CC79A7", "#000000")
FOR, AGAINST = BLUE, ORANGE
DASHES = (0, (4, 1.6))  # of lines that subtract
SIGNED = matplotlib.colors.LinearSegmentedColormap.from_list(  # against dark, zero white, for dark
    "signed", ["#6e2c00", AGAINST, "#f3b78c", "white", "#8fc1e0", FOR, "#003a5c"]
)
NOWHERE = "#eeeeee"  # the colour of a pixel that no connection reads
LONGEST_LABEL = 24  # letters of a name in a figure
DPI = 120


def canvas(size: tuple[float, float], rows: int = 1, cols: int = 1, **options: Any) -> tuple[Figure, np.ndarray]:
    """Make an empty figure of this size in inches: (figure, axes), axes (rows, cols) of Axes.

    options : further arguments of `Figure.subplots`

    It is no figure of pyplot, which would hold it, and takes long to import.
    """
    figure = Figure(size, layout="constrained")
    return figure, figure.subplots(rows, cols, squeeze=False, **options)


def empty_map(shape: tuple[int, ...]) -> np.ma.MaskedArray:
    """Make an image of this shape, (rows, cols), in which every pixel is masked until it gets a value."""
    return np.ma.array(np.zeros(shape), mask=True)  # np.ma.masked_all holds any numbers, and some of them overflow


def outline(text: Text) -> None:
    """Give a text inside a picture a white rim, to be read where it crosses a line; the layout need not mind it."""
    text.set_in_layout(False)
    text.set_path_effects([patheffects.withStroke(linewidth=2, foreground="white")])


def ranked_legend(heights: Sequence[float], axes: Axes, **options: Any) -> None:
    """Write the legend in the order in which the lines stand in the picture.

    heights : of each labelled line, in the order in which they were drawn; the largest comes first
    options : further arguments of `Axes.legend`
    """
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda k: -heights[k])
    axes.legend([handles[k] for k in order], [labels[k] for k in order], **options)


def files(name: str, figure: Figure) -> dict[str, bytes]:
    """Turn a figure into the files `name`.svg and `name`.png. The same figure gives the same bytes.

    Its layout is made here for both: it takes as long as drawing, and each `savefig` would do it anew. Where panels
    keep their shape, the first attempt does not know how large they become, and cuts titles off.
    """
    figure.set_dpi(DPI)
    keeps_shape = any(axes.get_aspect() != "auto" for axes in figure.axes)
    if layout := figure.get_layout_engine():
        for _ in range(2 if keeps_shape else 1):
            layout.execute(figure)
    figure.set_layout_engine(None)
    svg, png = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):  # it is part of the names inside the file, else they are random
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
    return {f"{name}.svg": svg.getvalue(), f"{name}.png": png.getvalue()}


def short_name(name: str, most: int = LONGEST_LABEL) -> str:
    """Make a name of the user's fit for a figure: at most `most` letters, and every one of them drawn as it is.

    A letter that the font lacks becomes its escape, such as \\u5b57, and a long name loses its end. A dollar sign would
    begin a formula; with a backslash before it, matplotlib draws it alone.
    """
    drawn = "".join(c if has_glyph(c) else c.encode("unicode_escape").decode() for c in name[: most + 1])
    drawn = drawn if len(drawn) <= most else f"{drawn[: most - 1]}…"
    return drawn.replace("$", r"\$")


@functools.cache
def has_glyph(character: str) -> bool:
    """Whether the font of the figures has a picture of a character."""
    font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))
    return character.isprintable() and font.get_char_index(ord(character)) != 0

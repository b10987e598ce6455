"""Colours, an empty figure, and a figure as a PNG file: what all pictures share.

The colours are Okabe and Ito's, which colour-blind readers can tell apart; every line also differs in style or label.
"""

from __future__ import annotations

import functools
import io
from typing import Any

import matplotlib

matplotlib.use("Agg")  # files only: no window, no display needed
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
OKABE_ITO = (BLUE, ORANGE, GREEN, "#E69F00", "#56B4E9", "#CC79A7", "#000000")
SIGNED = "PuOr"  # a colour map: negative orange, zero white, positive purple
NOWHERE = "#eeeeee"  # the colour of a pixel that no connection reads
LONGEST_LABEL = 24  # letters of a name in a figure


def canvas(size: tuple[float, float], rows: int = 1, cols: int = 1, **options: Any) -> tuple[Figure, np.ndarray]:
    """Make an empty figure of this size in inches: (figure, axes), axes (rows, cols) of Axes.

    options : further arguments of `matplotlib.pyplot.subplots`
    """
    return plt.subplots(rows, cols, figsize=size, layout="constrained", squeeze=False, **options)


def empty_map(shape: tuple[int, ...]) -> np.ma.MaskedArray:
    """Make an image of this shape, (rows, cols), in which every pixel is masked until it gets a value."""
    return np.ma.array(np.zeros(shape), mask=True)  # np.ma.masked_all holds any numbers, and some of them overflow


def png(figure: Figure) -> bytes:
    """Turn a figure into the bytes of a PNG file, and close it. The same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=120, format="png", metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()


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

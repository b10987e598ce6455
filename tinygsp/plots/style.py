"""Colours, an empty figure, and a figure as a PNG file: what all pictures share.

The colours are Okabe and Ito's, which colour-blind readers can tell apart; every line also differs in style or label.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib

matplotlib.use("Agg")  # files only: no window, no display needed
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
OKABE_ITO = (BLUE, ORANGE, GREEN, "#E69F00", "#56B4E9", "#CC79A7", "#000000")
SIGNED = "PuOr"  # a colour map: negative orange, zero white, positive purple
NOWHERE = "#eeeeee"  # the colour of a pixel that no connection reads


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

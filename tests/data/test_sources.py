"""Loading a data set by name: the shipped MNIST, and folders of four files that must fit together."""

import gzip
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.idx import IMAGES, LABELS, write, write_folder

from tinygsp import data
from tinygsp.data import DataError, dataset, load, sources

ROOT = Path(__file__).resolve().parents[2]

# --- MNIST ----------------------------------------------------------------------------------------------------


def test_checksums_of_the_shipped_files():
    readme = (ROOT / "data" / "README.md").read_text("utf-8")
    table = re.findall(r"`(\S+\.gz)` \| (\d+) \| `([0-9a-f]{64})`", readme)
    assert sorted(name for name, _, _ in table) == sorted(name + ".gz" for name in data.TRAIN + data.TEST)
    for name, size, checksum in table:
        content = gzip.decompress((data.MNIST / name).read_bytes())
        assert len(content) == int(size)
        assert hashlib.sha256(content).hexdigest() == checksum


def test_mnist_shapes(mnist):
    for x, y, n in [
        (mnist.train_x, mnist.train_y, 55_000),
        (mnist.val_x, mnist.val_y, 5_000),
        (mnist.test_x, mnist.test_y, 10_000),
    ]:
        assert x.shape == (n, 784) and x.dtype == np.uint8
        assert y.shape == (n,) and y.dtype == np.int64
        assert set(y) == set(range(10))
    assert (mnist.name, mnist.task, mnist.n_in, mnist.n_out) == ("mnist", "classification", 784, 10)
    assert mnist.class_names == tuple("0123456789") and mnist.input_shape == (28, 28)


def test_mnist_scaling(mnist):
    assert mnist.divisor == 255
    np.testing.assert_allclose([mnist.mean, mnist.std], [0.1307, 0.3081], atol=5e-4)  # known of all 60,000


def test_shipped_labels_are_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MNIST", write_folder(tmp_path))
    with pytest.raises(DataError, match="labels 0 to 2; those of MNIST are 0 to 9"):
        load("mnist")


# --- folders --------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(dataset, "CHUNK", 7)
    pieces = load(tmp_path)
    assert (pieces.mean, pieces.std) == (whole.mean, whole.std)


@pytest.mark.parametrize("shipped", [True, False])
def test_split_of_files_is_the_same_for_every_run(tmp_path, monkeypatch, shipped):
    monkeypatch.setattr(sources, "MNIST", tmp_path)
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


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.npz", "a.npy", "a.parquet", "a.csv.gz"])
def test_a_file_that_is_not_there(tmp_path, name):
    with pytest.raises(DataError, match=f"{name}: there is no such file"):
        load(tmp_path / name)


def test_a_file_that_is_compressed(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(b"")
    with pytest.raises(DataError, match="a.csv.gz: is compressed; unpack it first"):
        load(tmp_path / "a.csv.gz")


@pytest.mark.parametrize("name", ["mnits", "", "no/such/folder"])
def test_unknown_name(name):
    with pytest.raises(DataError, match=f"'{name}' unknown; use mnist, toy, or a folder of four IDX files"):
        load(name)


@pytest.mark.parametrize(
    "train, test, what",
    [
        ((IMAGES, LABELS[:4]), (IMAGES, LABELS), "train-labels-idx1-ubyte: 4 labels for 5 images"),
        ((IMAGES, LABELS), (IMAGES[:3], LABELS), "t10k-labels-idx1-ubyte: 5 labels for 3 images"),
        ((IMAGES, LABELS), (IMAGES.reshape(5, 3, 2), LABELS), r"t10k-images-idx3-ubyte: images of \(3, 2\)"),
        ((IMAGES, LABELS), (IMAGES, LABELS + 1), "label 3 is a class without training images, .* 0 to 2; add"),
        ((IMAGES, LABELS * 0 + 4), (IMAGES, LABELS), "train-labels-idx1-ubyte: every label is 4; at least 2"),
        ((IMAGES[:1], LABELS[:1]), (IMAGES, LABELS), "train-images-idx3-ubyte: 1 image; at least 2"),
    ],
    ids=["train count", "test count", "size", "class to test only", "one class", "one image"],
)
def test_files_that_do_not_fit_together(tmp_path, train, test, what):
    with pytest.raises(DataError, match=what):
        load(write_folder(tmp_path, train, test))


def test_two_images_are_enough(tmp_path):
    dataset = load(write_folder(tmp_path, train=(IMAGES[:2], LABELS[:2])))
    assert len(dataset.train_x) == len(dataset.val_x) == 1


# --- where MNIST is -----------------------------------------------------------------------------------------


def test_mnist_of_an_installed_package_is_inside_it(tmp_path):
    room = tmp_path / "site-packages" / "tinygsp" / "data"
    (room / "mnist").mkdir(parents=True)
    assert sources.mnist_folder(room) == room / "mnist"


def test_mnist_of_a_clone_is_beside_the_package(tmp_path):
    room = tmp_path / "tinygsp" / "data"
    assert sources.mnist_folder(room) == tmp_path / "data" / "mnist"


def test_a_missing_mnist_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MNIST", sources.mnist_folder(tmp_path / "tinygsp" / "data"))
    with pytest.raises(DataError, match=f"{re.escape(str(tmp_path / 'data' / 'mnist'))}: missing train-images"):
        load("mnist")

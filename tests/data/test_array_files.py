"""Data sets as .npz and .npy files."""

import io

import numpy as np
import pytest
from helpers.own_data import squares

from tinygsp.data import DataError, ReadOptions, load

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(90, 4)), RNG.normal(size=90)
LABELS = np.array(["a", "b", "c"])[np.arange(90) % 3]


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def refused(path, what, **options):
    with pytest.raises(DataError, match=what) as caught:
        load(path, options=ReadOptions(**options))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("names", [("x", "y"), ("X", "Y"), ("X", "y")])
def test_x_and_y(tmp_path, names):
    made = load(npz(tmp_path / "a.npz", **dict(zip(names, (X, Y)))))
    assert made.task == "regression" and made.n_in == 4
    assert (len(made.train_x), len(made.val_x), len(made.test_x)) == (58, 14, 18)
    whole = np.concatenate([made.train_y, made.val_y, made.test_y])[:, 0]
    assert np.allclose(np.sort(whole), np.sort(Y), rtol=1e-6)


def test_names_and_texts(tmp_path):
    made = load(npz(tmp_path / "a.npz", x=X, y=LABELS, feature_names=np.array(["p", "q", "r", "s"])))
    assert made.class_names == ("a", "b", "c") and made.input_names == ("p", "q", "r", "s")
    assert np.bincount(made.test_y).tolist() == [6, 6, 6]


@pytest.mark.parametrize(
    "y, options, task, names",
    [
        (np.arange(90) % 3, {}, "classification", ("0", "1", "2")),
        ((np.arange(90) % 3).astype(float), {}, "classification", ("0", "1", "2")),
        ((np.arange(90) % 3)[:, None], {}, "classification", ("0", "1", "2")),
        (np.arange(90) % 3, {"task": "regression"}, "regression", ("y",)),
        (np.arange(90) % 2 + 0.5, {"task": "classification"}, "classification", ("0.5", "1.5")),
        (RNG.normal(size=(90, 2)), {}, "regression", ("y1", "y2")),
    ],
)
def test_the_task(tmp_path, y, options, task, names):
    made = load(npz(tmp_path / "a.npz", x=X, y=y), options=ReadOptions(**options))
    assert made.task == task and made.class_names == names


def test_a_test_split_that_is_given(tmp_path):
    made = load(npz(tmp_path / "a.npz", x=X, y=LABELS, x_test=X[:7], y_test=LABELS[:7]))
    assert (len(made.train_x), len(made.val_x)) == (72, 18) and np.allclose(made.test_x, X[:7].astype(np.float32))


def test_images_of_medmnist(tmp_path):
    images, labels = squares(120)
    parts = {f"{split}_{kind}": values for split in ("train", "val", "test")
             for kind, values in (("images", images), ("labels", labels[:, None] + 2))}  # fmt: skip
    made = load(npz(tmp_path / "a.npz", **parts))
    assert made.input_shape == (4, 4) and made.class_names == ("2", "3", "4") and made.divisor == 255
    assert len(made.train_x) == 110 and np.array_equal(made.test_x, images.reshape(120, 16))
    turned = load(tmp_path / "a.npz", options=ReadOptions(transpose=True))
    assert np.array_equal(turned.test_x.reshape(-1, 4, 4), images.swapaxes(1, 2))
    colour = {name: np.stack([v] * 3, -1) if "images" in name else v for name, v in parts.items()}
    assert load(npz(tmp_path / "b.npz", **colour)).input_shape == (4, 4, 3)
    refused(
        npz(tmp_path / "c.npz", **{**parts, "test_labels": np.full((120, 1), 9)}), "label 9 occurs in test_labels only"
    )
    refused(
        npz(tmp_path / "d.npz", **{**parts, "train_labels": np.ones((120, 5))}), "train_labels has 5 labels an image"
    )
    refused(npz(tmp_path / "e.npz", **{**parts, "train_labels": labels[:, None] * 0}), "every label is 0")
    del parts["test_images"]
    refused(npz(tmp_path / "f.npz", **parts), "has no test_images or no test_labels")


def test_a_pair_of_npy_files(tmp_path):
    np.save(tmp_path / "x.npy", np.asfortranarray(X.astype(">f4")))
    np.save(tmp_path / "y.npy", LABELS)
    made = load(tmp_path / "x.npy", options=ReadOptions(target=str(tmp_path / "y.npy")))
    assert made.class_names == ("a", "b", "c") and set(made.train_x[:, 0]) <= set(X[:, 0].astype(np.float32))
    refused(tmp_path / "x.npy", "--target is missing; name the file of y")
    refused(tmp_path / "x.npy", "z.npy: cannot be read", target=str(tmp_path / "z.npy"))


@pytest.mark.parametrize(
    "arrays, what",
    [
        ({"a": X, "b": Y}, "has the arrays a, b; expected x and y"),
        ({"x": X, "y": Y[:5]}, r"x has shape \(90, 4\) and y \(5,\); expected a row of both"),
        ({"x": np.full((90, 2), np.nan), "y": Y}, "a.npz: x has a nan, an inf"),
        ({"x": X, "y": LABELS[:1].repeat(90)}, "a.npz: y has one class, 'a'"),
        ({"x": X[:2], "y": Y[:2]}, "2 samples are too few|never vary|no column that varies"),
        ({"x": X, "y": Y, "names": np.array(["a", "b"])}, "2 names for 4 inputs"),
        ({"x": X * 0, "y": Y}, "x has the value 0 everywhere"),
    ],
)
def test_what_is_refused(tmp_path, arrays, what):
    refused(npz(tmp_path / "a.npz", **arrays), what)


def test_files_that_are_no_arrays(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"PK\3\4 no zip")
    refused(path, "expected an .npz file of numbers or texts")
    np.savez(path, x=np.array([{}], object), y=Y)
    refused(path, "an array is object; expected an .npz file")
    refused(tmp_path / "nothing.npz", "there is no such file")
    buffer = io.BytesIO()
    np.save(buffer, X)
    content = buffer.getvalue()
    (tmp_path / "x.npy").write_bytes(content.replace(b"(90, 4), }    ", b"(90000, 4), } "))
    refused(tmp_path / "x.npy", "an array of 2880000 bytes is announced in 3008", target=str(path))
    (tmp_path / "x.npy").write_bytes(content[:-9])
    refused(tmp_path / "x.npy", "expected an .npy file of numbers or texts, undamaged", target=str(path))


def test_texts_are_no_numbers(tmp_path):
    refused(npz(tmp_path / "a.npz", x=X, y=LABELS), "texts are no numbers", task="regression")
    refused(npz(tmp_path / "a.npz", x=X, y=Y), "--drop does not apply", drop=("a",))

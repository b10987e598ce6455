"""A Dataset refuses arrays that do not fit together, because compiled loops would read beside them."""

from dataclasses import replace

import numpy as np
import pytest

from tinygsp import data
from tinygsp.data import DataError
from tinygsp.sparse import SparseLayer, SparseNetwork
from tinygsp.training.trainer import make_meta


def changed(part, value, task="classification"):
    """A good data set with one element of one of its arrays set to value."""
    x, y = np.zeros((3, 4), np.float32), np.array([0, 1, 1])
    y = y if task == "classification" else np.zeros((3, 2), np.float32)
    arrays = {
        name: array.copy()
        for split in ("train", "val", "test")
        for name, array in ((split + "_x", x), (split + "_y", y))
    }
    if part:
        arrays[part].flat[1] = value
    return data.Dataset(
        "hand", **arrays, task=task, n_out=2, class_names=("a", "b"), input_shape=(4,), divisor=1.0, mean=0.0, std=1.0
    )


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


@pytest.mark.parametrize(
    "changes, what",
    [
        ({"train_x": np.zeros(3)}, r"train_x has shape \(3,\); expected \(n, inputs\)"),
        ({"train_x": None}, "train_x is NoneType; expected an array"),
        ({"val_y": [0, 1, 1]}, "val_y is list; expected an array"),
        ({"test_x": None}, "test_x is NoneType; expected an array"),
        ({"test_y": None}, "test_y is NoneType; expected an array"),
        ({"train_y": np.zeros(2, int)}, r"train_y has shape \(2,\); expected \(3,\)"),
        ({"val_y": np.zeros((3, 1), int)}, r"val_y has shape \(3, 1\); expected \(3,\)"),
        ({"test_x": np.zeros((3, 5))}, r"test_x has shape \(3, 5\); expected \(n, 4\)"),
        ({"val_x": np.zeros((0, 4)), "val_y": np.zeros(0, int)}, "val_x has shape .*n at least 1"),
        ({"train_x": np.zeros((3, 2, 2))}, r"train_x has shape \(3, 2, 2\)"),
        ({"test_y": np.zeros(3)}, "test_y is float64"),
        ({"task": "regression"}, r"train_y has shape \(3,\); expected \(3, 2\)"),
    ],
)
def test_shapes_must_fit_together(changes, what):
    assert changed(None, 0).n_in == 4
    with pytest.raises(DataError, match=what):
        replace(changed(None, 0), **changes)


# --- what is no array -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes, what", [
    ({"class_names": ("a",)}, "1 class names for 2 outputs; each output needs one"),
    ({"class_names": ("a", "b", "c")}, "3 class names for 2 outputs"),
    ({"class_names": ()}, "0 class names for 2 outputs"),
    ({"class_names": None}, "class_names is None; expected a tuple of texts"),
    ({"class_names": "ab"}, "class_names is 'ab'; expected a tuple"),
    ({"class_names": ("a", 1)}, "the class name 1 is int; expected a text"),
    ({"class_names": ("a", "b\n")}, r"the class name 'b.n' cannot be printed"),
    ({"class_names": ("a", "b" * 201)}, "has 201 letters; at most 200"),
    ({"input_shape": (5,)}, r"input_shape is \(5,\) for 4 inputs; expected sizes whose product is 4"),
    ({"input_shape": ()}, r"input_shape is \(\) for 4 inputs"),
    ({"input_shape": (-2, -2)}, r"input_shape is \(-2, -2\) for 4 inputs"),
    ({"input_shape": (1, 1, 2, 2)}, r"input_shape is \(1, 1, 2, 2\) for 4 inputs"),
    ({"input_shape": (4.0,)}, r"input_shape is \(4.0,\); expected a tuple of whole numbers"),
    ({"input_shape": 4}, "input_shape is 4; expected a tuple"),
    ({"divisor": 0}, "divisor is 0; expected a number above 0"),
    ({"divisor": "255"}, "divisor is '255'; expected a number"),
    ({"std": np.float32(0)}, "std is 0.0; expected a number above 0"),
    ({"std": np.inf}, "std is inf; expected a number above 0"),
    ({"std": True}, "std is True; expected a number above 0"),
    ({"mean": np.float64("nan")}, "mean is nan; expected a finite number"),
    ({"mean": None}, "mean is None; expected a finite number"),
    ({"mean": np.zeros(2)}, r"mean is \(0.0, 0.0\); expected 4 finite numbers"),
    ({"task": "ranking"}, "task is 'ranking'; expected classification or regression"),
    ({"n_out": 0}, "n_out is 0; expected a whole number above 0"),
    ({"n_out": 2.0}, "n_out is 2.0; expected a whole number"),
    ({"name": 3}, "name is 3; expected a text"),
    ({"name": "x" * 5000}, "name is 'xxx.*expected a text of at most 4096 letters"),
])  # fmt: skip
def test_every_field_is_checked(changes, what):
    """When the Dataset is made, not when the network that was trained on it is saved."""
    with pytest.raises(DataError, match=what) as caught:
        replace(changed(None, 0), **changes)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300


def test_numbers_and_texts_of_numpy_are_those_of_python(tmp_path):
    """So that what is trained can be saved: JSON knows no np.float32."""
    odd = {"divisor": np.float32(0.5), "mean": np.float16(0.25), "std": np.array(2.0), "n_out": np.int64(2)}
    made = replace(changed(None, 0), **odd, class_names=np.array(["a", "b"]), input_shape=[np.int32(2), 2],
                   name=np.str_("hand"))  # fmt: skip
    expected = {"divisor": 0.5, "mean": 0.25, "std": 2.0, "n_out": 2, "class_names": ("a", "b"), "input_shape": (2, 2),
                "name": "hand"}  # fmt: skip
    for name, value in expected.items():
        found = getattr(made, name)
        assert found == value and type(found) is type(value), name
    assert [type(v) for v in (*made.class_names, *made.input_shape)] == [str, str, int, int]


def test_a_test_split_may_be_missing():
    assert replace(changed(None, 0), test_x=None, test_y=None).test_x is None


@pytest.mark.parametrize("n_in, n_out, what", [
    (2**18, 3, "262,147 inputs, units and outputs together; at most 262,144"),
    (4, 2**12 + 1, "4,097 outputs; at most 4,096"),
    (2**13, 2**12, "8,192 inputs times 4,096 outputs; at most 16,777,216 pairs"),
])  # fmt: skip
def test_sizes_that_no_model_file_may_have(n_in, n_out, what):
    x, y = np.zeros((2, n_in), np.uint8), np.array([0, 1])
    names = tuple(map(str, range(n_out)))
    with pytest.raises(DataError, match=what):
        data.Dataset("large", x, y, x, y, None, None, "classification", n_out, names, (n_in,), 1.0, 0.0, 1.0)


def test_names_are_bounded_in_all():
    x, y, names = np.zeros((2, 4)), np.array([0, 1]), ("x" * 200,) * 328
    with pytest.raises(DataError, match="the class names have 65600 letters; at most 65536 are allowed in all"):
        data.Dataset("large", x, y, x, y, None, None, "classification", 328, names, (4,), 1.0, 0.0, 1.0)


def wide(columns, names=()):
    """A data set of so many columns, each with a scale of its own."""
    x, y = np.zeros((2, columns), np.float32), np.array([0, 1])
    mean, std = np.random.default_rng(0).uniform(1, 2, (2, columns))
    return data.Dataset(
        "wide", x, y, x, y, None, None, "classification", 2, ("a", "b"), (columns,), 1.0, mean, std, names
    )  # fmt: skip


def test_a_data_set_that_no_model_file_could_describe(tmp_path):
    """It is refused when it is made, and one that is not refused can be saved."""
    dataset = wide(100_000)
    layer = SparseLayer((100_000, 2), *np.zeros((2, 1), np.int32), np.ones(1, np.float32), np.zeros(2, np.float32))
    network = SparseNetwork([layer], make_meta(dataset, "silu"))
    network.save(tmp_path / "model.npz")
    assert SparseNetwork.load(tmp_path / "model.npz").meta == network.meta
    with pytest.raises(DataError, match=r"names and scales of 120,000 inputs take 4,[\d,]+ bytes in a model file; at "):
        wide(120_000)
    names = tuple(f"{i:字>200}" for i in range(5000))  # a letter takes six bytes
    with pytest.raises(DataError, match="names and scales of 5,000 inputs take .*shorten their names"):
        wide(5000, names)

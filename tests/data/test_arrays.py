"""Arrays in memory become a Dataset, or are refused in one line that names the array."""

import numpy as np
import pytest

from tinygsp import data
from tinygsp.data import DataError, from_arrays
from tinygsp.data.splits import validation_split


def table(n=60, features=3, dtype=np.float64):
    """Inputs (n, features) without symmetry, whose first column numbers the samples."""
    x = np.random.default_rng(0).normal(2, 5, (n, features))
    x[:, 0] = np.arange(n)
    return x.astype(dtype)


def classes(n=60, values=(0, 1, 2)):
    return np.array(values)[np.arange(n) % len(values)]


def refused(x, y, what, **options):
    """from_arrays must raise a DataError of one line that says `what`."""
    with pytest.raises(DataError, match=what) as caught:
        from_arrays(x, y, **options)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


# --- what comes out -----------------------------------------------------------------------------------------


def test_a_table_with_integer_classes():
    x, y = table(), classes(values=(7, -3, 40))
    made = from_arrays(x, y)
    assert (made.name, made.task, made.n_in, made.n_out) == ("arrays", "classification", 3, 3)
    assert made.class_names == ("-3", "7", "40") and made.input_shape == (3,)
    assert made.train_x.dtype == np.float32 and made.train_y.dtype == np.int64
    assert len(made.train_x) == 55 and len(made.val_x) == 5  # a twelfth
    assert made.test_x is None and made.test_y is None
    for inputs, labels in ((made.train_x, made.train_y), (made.val_x, made.val_y)):
        rows = inputs[:, 0].astype(int)
        assert np.array_equal(inputs, x[rows].astype(np.float32))
        assert np.array_equal(np.array([-3, 7, 40])[labels], y[rows])
    exact = made.train_x.astype(np.float64)
    assert made.divisor == 1 and np.allclose([made.mean, made.std], [exact.mean(axis=0), exact.std(axis=0)], rtol=1e-12)
    assert made.bent == () and made.notes == () and made.input_names == ()


@pytest.mark.parametrize(
    "values, names",
    [
        (("b", "a", "é"), ("a", "b", "é")),
        ((True, False), ("False", "True")),
        (np.array([3, 1], np.uint8), ("1", "3")),
        ((2**40, -(2**40)), (str(-(2**40)), str(2**40))),
    ],
    ids=["texts", "bools", "bytes", "large integers"],
)
def test_labels_become_classes_in_sorted_order(values, names):
    y = classes(values=values)
    made = from_arrays(table(), y)
    assert made.class_names == names
    rows = made.train_x[:, 0].astype(int)
    assert [names[label] for label in made.train_y] == [str(value) for value in y[rows].tolist()]


def test_texts_in_an_array_of_objects():
    made = from_arrays(table(), classes(values=("b", "a")).astype(object))
    assert made.class_names == ("a", "b")


def test_lists_are_arrays():
    made = from_arrays([[0, 1], [1, 0], [2, 5]], ["yes", "no", "yes"])
    assert made.class_names == ("no", "yes") and (len(made.train_x), len(made.val_x)) == (2, 1)


def test_images_stay_bytes():
    images = np.random.default_rng(0).integers(256, size=(24, 3, 5)).astype(np.uint8)
    made = from_arrays(images, classes(24))
    assert made.input_shape == (3, 5) and made.train_x.dtype == np.uint8 and made.train_x.shape == (22, 15)
    assert made.divisor == 255
    assert np.allclose([made.mean, made.std], [np.mean(made.train_x / 255), np.std(made.train_x / 255)], rtol=1e-12)
    flat = from_arrays(images.reshape(24, 15), classes(24))
    assert flat.input_shape == (15,) and flat.train_x.dtype == np.uint8 and flat.mean == made.mean


def test_images_of_arrays_are_those_of_files(tmp_path, mnist):
    """The same split, the same scaling, the same labels as `load` makes of MNIST."""
    images, labels = (data.read_idx(data.MNIST / f"{name}.gz", kind) for name, kind in zip(data.TRAIN, data.MAGIC))
    made = from_arrays(images, labels)
    for name in ("train_x", "train_y", "val_x", "val_y", "class_names", "input_shape", "divisor", "mean", "std"):
        assert np.array_equal(getattr(made, name), getattr(mnist, name)), name


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint16, np.float16, np.float32])
def test_other_numbers_become_float32(dtype):
    made = from_arrays(table(dtype=dtype), classes())
    assert made.train_x.dtype == np.float32
    assert set(map(tuple, made.train_x)) <= set(map(tuple, table(dtype=dtype).astype(np.float32)))


def test_a_regression_of_one_and_of_two_outputs():
    x, y = table(), np.random.default_rng(1).normal(size=(60, 2))
    made = from_arrays(x, y)
    assert (made.task, made.n_out, made.class_names) == ("regression", 2, ("y1", "y2"))
    assert made.train_y.dtype == np.float32 and made.train_y.shape == (55, 2)
    assert np.array_equal(made.train_y, y[made.train_x[:, 0].astype(int)].astype(np.float32))
    one = from_arrays(x, y[:, 0])
    assert (one.task, one.n_out, one.class_names, one.train_y.shape) == ("regression", 1, ("y",), (55, 1))


def test_the_splits_that_are_given_are_used():
    x, y = table(), classes(values=("a", "b"))
    made = from_arrays(x[:40], y[:40], validation=(x[40:50], y[40:50]), test=(x[50:], y[50:]))
    for got, expected in ((made.train_x, x[:40]), (made.val_x, x[40:50]), (made.test_x, x[50:])):
        assert np.array_equal(got, expected.astype(np.float32))
    assert np.array_equal(made.test_y, np.arange(50, 60) % 2) and np.array_equal(made.val_y, np.arange(40, 50) % 2)
    assert np.allclose(made.mean, x[:40].mean(axis=0), rtol=1e-6)  # of the training split alone


def test_the_split_depends_on_its_seed_alone():
    x, y = table(), classes()
    first, again, other = (from_arrays(x, y, split_seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.val_x, again.val_x) and not np.array_equal(first.val_x, other.val_x)
    assert np.array_equal(first.val_x[:, 0], validation_split(60, 0)[1])
    assert sorted([*first.train_x[:, 0], *first.val_x[:, 0]]) == list(range(60))


def test_names_and_name():
    made = from_arrays(table(), classes(), names=["zero", "one", "two"], name="mine")
    assert made.class_names == ("zero", "one", "two") and made.name == "mine"
    assert from_arrays(table(), table(), names="abc").class_names == ("a", "b", "c")


def test_constant_columns_are_left_out_and_named():
    x = table()
    x[:, 1] = 5
    made = from_arrays(x, classes(), input_names=["a", "b", "c"])
    assert made.std[1] == 0 and made.mean[1] == 5 and made.notes == ("column 'b': constant, left out",)
    assert made.input_names == ("a", "b", "c")
    assert (made.scaled(x)[:, 1] == 0).all() and made.scaled(x + 9).dtype == np.float32
    assert from_arrays(x, classes()).notes == ("column 'x2': constant, left out",)


@pytest.mark.parametrize("x", [np.full((12, 2), 3.0), np.full((12, 2, 2), 255, np.uint8)], ids=["table", "images"])
def test_inputs_that_never_vary_are_refused(x):
    refused(x, classes(12), f"x has the value {x.flat[0]:g} everywhere")
    if x.dtype != np.uint8:
        refused(x + [0, 1], classes(12), "x has no column that varies")


def test_numbers_too_close_together_for_float32_stay_float64():
    x = table()
    x[:, 2] = 1.7e9 + np.arange(60)
    made = from_arrays(x, classes(), test=(x[:9], classes(9)))
    assert made.train_x.dtype == made.val_x.dtype == made.test_x.dtype == np.float64
    assert len(np.unique(made.scaled(made.train_x)[:, 2])) == 55


def test_the_arrays_that_were_given_do_not_change():
    x, y = table(), classes(values=(5, 3))
    before = x.copy(), y.copy()
    from_arrays(x, y)
    assert np.array_equal(x, before[0]) and np.array_equal(y, before[1])


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x, what",
    [
        (np.ones(60), r"x has shape \(60,\); expected \(n, features\) or \(n, rows, cols\)"),
        (np.ones((60, 0)), r"x has shape \(60, 0\)"),
        (np.ones((0, 3)), r"x has shape \(0, 3\)"),
        (np.ones((60, 2, 2, 2), np.uint8), r"x has shape \(60, 2, 2, 2\)"),
        (np.ones((60, 2, 2)), r"x has shape \(60, 2, 2\) and is float64; images are uint8"),
        (np.ones((60, 2), complex), "x is complex128; expected numbers"),
        (np.full((60, 2), "1"), "x is <U1; expected numbers"),
        (np.full((60, 2), None), "x is object; expected numbers"),
        (np.zeros((60, 2), "M8[s]"), r"x is datetime64\[s\]; expected numbers"),
        ([[1, 2], [3]], "x is no array .*every row must have the same length"),
        (3, r"x has shape \(\)"),
    ],
)
def test_inputs_that_are_refused(x, what):
    refused(x, classes(), what)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, -1e300])
def test_inputs_must_be_finite(value):
    x = table()
    x[7, 2] = value
    refused(x, classes(), "x has a nan, an inf or a number beyond 1e[+]29")


@pytest.mark.parametrize(
    "y, what",
    [
        (classes(59), r"y has shape \(59,\); expected \(60,\), one class a sample"),
        (classes().reshape(60, 1), r"y has shape \(60, 1\); expected \(60,\)"),
        (np.eye(3, dtype=int)[classes()], r"y has shape \(60, 3\); expected \(60,\)"),
        (np.ones(59), r"y has shape \(59,\); expected \(60,\) or \(60, outputs\)"),
        (np.ones((60, 0)), r"y has shape \(60, 0\)"),
        (np.ones((60, 2, 2)), r"y has shape \(60, 2, 2\)"),
        (1.0, r"y has shape \(\)"),
        (np.zeros(60, int), "y has one class, '0'; at least 2 classes are needed"),
        (["yes"] * 60, "y has one class, 'yes'"),
        (np.ones(60, complex), "y is complex128; expected classes"),
        ([None] * 60, "y is object; expected classes"),
        (["a", 1.5] * 30 + [None], "y is object"),
        (np.zeros(60, "S1"), "y is .S1; expected classes"),
        (classes(values=("a\n", "b")), r"the class name 'a\\n' cannot be printed"),
    ],
)
def test_targets_that_are_refused(y, what):
    refused(table(), y, what)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_targets_must_be_finite(value):
    y = np.ones(60)
    y[3] = value
    refused(table(), y, "y has a nan or inf")


@pytest.mark.parametrize("n", [0, 1])
def test_two_samples_are_needed(n):
    refused(table(n), classes(n), "x has shape" if n == 0 else "x has 1 sample; at least 2")
    refused(table(2), classes(2), "x has the value|x has no column that varies")  # one is left to train on
    assert len(from_arrays(table(3), classes(3)).train_x) == 2


@pytest.mark.parametrize(
    "names, what",
    [
        (("a", "b"), "names are .*expected 3 texts, for .'0', '1', '2'."),
        ((1, 2, 3), "names are .*expected 3 texts"),
        (("a", "b", "\x1b[31m"), "cannot be printed"),
    ],
)
def test_names_that_are_refused(names, what):
    refused(table(), classes(), what, names=names)


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize(
    "pair, what",
    [
        (table(), "is ndarray; expected a pair"),
        (0.1, "is float; expected a pair"),
        ((table(9, 4), classes(9)), r"x has samples of shape \(4,\); those of x have \(3,\)"),
        ((table(9), classes(8)), r"y has shape \(8,\); expected \(9,\)"),
        ((table(9), np.full(9, 5)), "y has the label '5', which is not in y"),
        ((table(9), np.full(9, "0")), "y is <U1 and y int64; labels must be of one kind"),
        ((table(9), np.ones(9)), "y has other outputs than y"),
        ((table(9, dtype=np.uint8), classes(9)), "x would be uint8 and x float64; both must be uint8"),
        ((np.full((9, 3), np.nan), classes(9)), "x has a nan"),
        ((table(0), classes(0)), r"x has shape \(0, 3\)"),
    ],
)
def test_splits_that_are_refused(part, pair, what):
    refused(table(), classes(), f"{part} {what}", **{part: pair})


def test_a_split_with_another_number_of_outputs():
    refused(table(), np.ones((60, 2)), r"test y has other outputs than y: shape \(9, 3\)", test=(table(9), table(9)))


@pytest.mark.parametrize(
    "names, what",
    [
        (("a", "b"), "2 names for 3 inputs"),
        (("a", "b", "a"), "the name 'a' stands for two inputs"),
        (("a", "b", "c\n"), "cannot be printed"),
        (("a", "b", " "), "cannot be printed"),
        (("a", "b", "c" * 201), "has 201 letters"),
    ],
)
def test_names_of_inputs_that_are_refused(names, what):
    refused(table(), classes(), what, input_names=names)

"""A table becomes a Dataset: task, splits, categories, missing numbers, and another table to test with."""

import numpy as np
import pytest
from helpers.own_data import prices, write_table

from tinygsp.data import DataError, ReadOptions, load

PRICES = prices()


def loaded(tmp_path, columns=PRICES, target="price", name="a.csv", **options):
    return load(write_table(tmp_path / name, columns), options=ReadOptions(target=target, **options))


def refused(tmp_path, what, columns=PRICES, **options):
    with pytest.raises(DataError, match=what) as caught:
        loaded(tmp_path, columns, **options)
    assert str(caught.value).isprintable()


def with_gaps(name, every=10, **columns):
    """The table with some cells of a column empty."""
    cells = [("" if i % every == 3 else cell) for i, cell in enumerate((PRICES | columns)[name])]
    return PRICES | columns | {name: cells}


# --- what comes out -----------------------------------------------------------------------------------------------


def test_a_regression(tmp_path):
    made = loaded(tmp_path)
    assert (made.task, made.n_out, made.class_names) == ("regression", 1, ("price",))
    assert made.input_names == (
        "width, mm", "depth", "noise", "constant", "colour = blue", "colour = green", "colour = red"
    )  # fmt: skip
    assert (len(made.train_x), len(made.val_x), len(made.test_x)) == (128, 32, 40)  # a fifth, and a fifth of the rest
    assert made.notes == (
        "target 'price': 200 different numbers (--task classification to change that), so a regression; a fifth of 200 "
        "rows tests, a fifth of the others validates",
        "column 'constant': constant, left out",
    )
    whole = np.concatenate([made.train_x, made.val_x, made.test_x])
    assert np.array_equal(np.sort(whole[:, 1]), np.sort(np.array(PRICES["depth"], np.float32)))
    assert (whole[:, 4:].sum(axis=1) == 1).all() and set(whole[:, 4:].ravel()) == {0, 1}
    row = {f"{v:.8g}": i for i, v in enumerate(map(float, PRICES["noise"]))}
    for x, y in ((made.train_x, made.train_y), (made.test_x, made.test_y)):
        rows = [min(row.values(), key=lambda i: abs(float(PRICES["noise"][i]) - v)) for v in x[:, 2]]
        assert np.allclose(y[:, 0], np.array(PRICES["price"], float)[rows], rtol=1e-6)
        assert [("blue", "green", "red")[k] for k in x[:, 4:].argmax(axis=1)] == [PRICES["colour"][i] for i in rows]
    assert abs(made.scaled(made.train_x)[:, :3].mean(axis=0)).max() < 1e-4


def test_the_split_is_the_same_for_every_seed(tmp_path):
    path = write_table(tmp_path / "a.csv", PRICES)
    options = ReadOptions(target="price")
    first, again, other = (load(path, *seeds, options) for seeds in ((0, 0), (1, 0), (0, 1)))
    assert np.array_equal(first.test_x, again.test_x) and np.array_equal(first.val_x, again.val_x)
    assert not np.array_equal(first.test_x, other.test_x)


def test_a_classification_has_every_class_in_every_split(tmp_path):
    kind = ["rare" if i % 40 == 0 else "common" if i % 2 else "other" for i in range(200)]  # five rare ones
    made = loaded(tmp_path, PRICES | {"kind": kind}, "kind")
    assert (made.task, made.class_names) == ("classification", ("common", "other", "rare"))
    assert made.notes[0].startswith("target 'kind': 3 different texts, so a classification;")
    for labels in (made.train_y, made.val_y, made.test_y):
        assert set(labels) == {0, 1, 2}
    assert (made.test_y == 2).sum() == 1 and (made.train_y == 2).sum() == 3


@pytest.mark.parametrize(
    "cells, task, names",
    [
        ([str(i % 3) for i in range(200)], "classification", ("0", "1", "2")),
        ([str(i % 2) for i in range(200)], "classification", ("0", "1")),
        ([str(0.5 + i % 2) for i in range(200)], "classification", ("0.5", "1.5")),
        ([str(i % 25) for i in range(200)], "regression", ("t",)),
        ([str(i % 3 + 0.5) for i in range(200)], "regression", ("t",)),
        ([("no", "yes")[i % 2] for i in range(200)], "classification", ("no", "yes")),
    ],
)
def test_the_task_is_found_from_the_target(tmp_path, cells, task, names):
    made = loaded(tmp_path, PRICES | {"t": cells}, "t")
    assert made.task == task and made.class_names == names
    assert f"so a {task}" in made.notes[0]


def test_the_task_can_be_given(tmp_path):
    numbers = {"t": [str(i % 25) for i in range(200)], "u": [str(i % 3) for i in range(200)]}
    as_classes = loaded(tmp_path, PRICES | numbers, "t", task="classification")
    assert as_classes.n_out == 25 and as_classes.class_names[:3] == ("0", "1", "2")
    assert "25 different whole numbers and --task classification, so a classification" in as_classes.notes[0]
    as_numbers = loaded(tmp_path, PRICES | numbers, "u", task="regression")
    assert as_numbers.task == "regression" and set(as_numbers.train_y[:, 0]) == {0, 1, 2}


def test_two_categories_make_one_input(tmp_path):
    made = loaded(tmp_path, PRICES | {"smokes": [("no", "yes")[i % 2] for i in range(200)]}, drop=("colour",))
    assert made.input_names[3:] == ("constant", "smokes = yes")


def test_numbers_as_categories(tmp_path):
    made = loaded(tmp_path, PRICES | {"zip": [str(10 ** (i % 3)) for i in range(200)]}, categories=("zip",))
    assert made.input_names[-3:] == ("zip = 1", "zip = 10", "zip = 100")


def test_missing_numbers_become_the_median(tmp_path):
    made = loaded(tmp_path, with_gaps("noise"), missing="median")
    assert made.input_names[2:4] == ("noise", "noise is missing")
    gaps = made.train_x[:, 3] == 1
    assert 5 < gaps.sum() < 25 and len(set(made.train_x[gaps, 2])) == 1
    assert np.isclose(made.train_x[gaps, 2][0], np.median(made.train_x[~gaps, 2]))  # of the training rows
    whole = np.concatenate([made.train_x, made.val_x, made.test_x])
    assert whole[:, 3].sum() == 20


def test_a_missing_category_is_one_more(tmp_path):
    made = loaded(tmp_path, with_gaps("colour"), missing="median")
    assert made.input_names[-1] == "colour = (missing)"
    assert np.concatenate([made.train_x, made.val_x, made.test_x])[:, -1].sum() == 20


def test_another_table_to_test_with(tmp_path):
    shuffled = dict(reversed(prices(50).items()))  # columns in another order
    test = write_table(tmp_path / "test.csv", shuffled, ";")
    made = loaded(tmp_path, test=str(test))
    assert (len(made.train_x), len(made.val_x), len(made.test_x)) == (160, 40, 50)
    assert np.allclose(made.test_x[:, 2], np.array(shuffled["noise"], float), rtol=1e-6)
    assert np.allclose(made.test_y[:, 0], np.array(shuffled["price"], float), rtol=1e-6)
    assert [("blue", "green", "red")[k] for k in made.test_x[:, 4:].argmax(axis=1)] == shuffled["colour"]


# --- what is refused ----------------------------------------------------------------------------------------------


def test_the_target_must_be_there(tmp_path):
    refused(tmp_path, "--target is missing; name the column to predict, one of 'width, mm', 'depth'", target=None)
    refused(tmp_path, "--target cost: no such column; its columns are", target="cost")
    refused(tmp_path, "--target price: no such column", drop=("price",))
    refused(tmp_path, "the target 'price' is missing in 20 rows, the first is row 4", with_gaps("price"))
    refused(tmp_path, "the target 'constant' is '5' in every row", target="constant")
    refused(tmp_path, "has texts; --task regression takes numbers", target="colour", task="regression")
    refused(tmp_path, "has 200 classes in 200 rows; .*or use --task regression", task="classification")
    refused(tmp_path, "--task ranking: expected classification or regression", task="ranking")
    refused(
        tmp_path,
        "has no column besides the target",
        {"a": ["1", "2"] * 9, "b": ["1", "2"] * 9},
        target="a",
        drop=("b",),
    )


def test_missing_cells_are_named(tmp_path):
    gaps = with_gaps("depth", 50, colour=["" if i == 7 else c for i, c in enumerate(PRICES["colour"])])
    refused(tmp_path, "cells are missing in 'depth' .4., 'colour' .1.; .* use --missing median", gaps)
    refused(tmp_path, "column 'noise' is empty; leave out with --drop", with_gaps("noise", 1) | {"noise": [""] * 200})


def test_all_columns_at_fault_are_named_at_once(tmp_path):
    texts = {name: [f"{name}{i}" for i in range(200)] for name in ("id", "date")}
    what = (
        "columns 'a', 'b' are empty; .*; also column 'id' has 200 .*, column 'date' has .*; also .* missing in 'depth'"
    )
    refused(tmp_path, what, with_gaps("depth") | texts | {"a": [""] * 200, "b": [""] * 200})


def test_an_index_of_a_data_frame_is_left_out(tmp_path):
    made = loaded(tmp_path, {"": [str(i) for i in range(200)]} | PRICES)
    assert made.input_names == loaded(tmp_path).input_names
    assert made.notes[1] == "column 1 has no name and counts the rows: left out"


def test_columns_that_cannot_be_used(tmp_path):
    names = PRICES | {"name": [f"n{i}" for i in range(200)]}
    refused(
        tmp_path, "column 'name' has 200 different texts in 200 rows, such as 'n0'; at most 100 become inputs", names
    )
    percent = {name: cells[:60] for name, cells in PRICES.items()} | {"t": [f"{1 + i % 54}.06%" for i in range(60)]}
    refused(
        tmp_path, "'t' has 54 .* such as '1.06%'; at most 30 become inputs: write them as numbers, .*--drop", percent
    )
    assert "t = 54.06%" in loaded(tmp_path, percent, categories=("t",)).input_names
    half = percent | {"t": [f"{1 + i % 30}%" for i in range(60)]}
    assert "t = 30%" in loaded(tmp_path, half).input_names
    twice = PRICES | {"colour = red": ["1", "2"] * 100}
    refused(tmp_path, "two inputs would be called 'colour = red'; rename a column", twice)
    few = {"x": ["1", "2", "3"], "y": ["0.1", "0.2", "0.4"]}
    refused(tmp_path, "a.csv: ", {"x": ["1", "2"], "y": ["0.1", "0.2"]}, target="y")
    assert len(loaded(tmp_path, {"x": few["x"] * 3, "y": few["y"] * 3}, "y").train_x) == 6


@pytest.mark.parametrize(
    "changes, what",
    [
        (
            {"colour": ["purple"] * 50},
            "test.csv: 'purple' is not known as a 'colour'; known are 'blue', 'green', 'red'",
        ),
        ({"colour": ["1"] * 50}, "test.csv: column 'colour' has numbers, in .*a.csv it has texts"),
        ({"noise": ["x"] * 50}, "test.csv: column 'noise' has texts, in .*a.csv it has numbers"),
        ({"noise": None}, "test.csv: has no column 'noise', which .*a.csv has"),
        ({"price": None}, "test.csv: --target price: no such column"),
        ({"extra": ["1"] * 50}, "test.csv: column 'extra' is not in .*a.csv; leave it out"),
        ({"noise": ["", *["1"] * 49]}, "test.csv: cells are missing in 'noise', where none is missing"),
        ({"colour": ["", *["red"] * 49]}, "test.csv: '.missing.' is not known as a 'colour'"),
        ({"price": ["", *["1"] * 49]}, "test.csv: the target 'price' is missing in 1 rows"),
        ({"price": ["dear"] * 50}, "test.csv: the target 'price' has texts, in .*a.csv it has numbers"),
    ],
)
def test_tables_to_test_with_that_do_not_fit(tmp_path, changes, what):
    columns = {name: cells for name, cells in (prices(50) | changes).items() if cells is not None}
    refused(tmp_path, what, test=str(write_table(tmp_path / "test.csv", columns)))


def test_a_class_that_is_only_tested(tmp_path):
    kinds = prices(50) | {"kind": ["a", "b"] * 24 + ["c", "c"]}
    test = write_table(tmp_path / "test.csv", kinds)
    refused(tmp_path, "test y has the label 'c', which is not in y", PRICES | {"kind": ["a", "b"] * 100}, target="kind",
            test=str(test))  # fmt: skip

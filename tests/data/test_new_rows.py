"""New rows of a table that a network was trained on: the same inputs as in training, or one clear line."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.own_data import prices, write_table

import tinygsp
from tinygsp.data import DataError, ReadOptions, load
from tinygsp.sparse import SparseLayer, SparseNetwork
from tinygsp.training.trainer import make_meta

MISSING = 40  # the row whose width is missing


@pytest.fixture(scope="module")
def rows():
    """{column: cells as text}; one width is missing, and a column of numbers stands for categories."""
    columns = prices()
    columns["width, mm"][MISSING] = ""
    columns["zip"] = [("10", "20", "30")[i % 3] for i in range(200)]
    columns["old"] = [("yes", "no")[i % 2] for i in range(200)]
    return columns


@pytest.fixture(scope="module")
def dataset(rows, tmp_path_factory):
    path = write_table(tmp_path_factory.mktemp("rows") / "rows.csv", rows)
    options = ReadOptions(target="price", missing="median", categories=("zip",))
    return load(path, options=options)


def reader(dataset, *names):
    """A network that sums these inputs."""
    row = np.array([dataset.input_names.index(name) for name in names], np.int32)
    ones = np.ones(len(row), np.float32)
    layer = SparseLayer((dataset.n_in, 1), row, np.zeros(len(row), np.int32), ones, np.zeros(1, np.float32))
    return SparseNetwork([layer], make_meta(dataset, "silu"))


@pytest.fixture(scope="module")
def network(dataset, tmp_path_factory):
    """A network that reads every input but the constant one, from its model file."""
    path = tmp_path_factory.mktemp("network") / "model.npz"
    reader(dataset, *(name for name in dataset.input_names if name != "constant")).save(path)
    return SparseNetwork.load(path)


def without(columns, *names):
    return {name: cells for name, cells in columns.items() if name not in names}


def all_inputs(dataset):
    """The inputs of all rows as training had them, sorted: the splits are a permutation."""
    return np.sort(np.concatenate([dataset.train_x, dataset.val_x, dataset.test_x]).astype(np.float64), axis=0)


def test_a_file_gives_the_inputs_of_training(rows, dataset, network, tmp_path):
    """In any order of the columns, without the target, beside columns that are not read and hold anything."""
    columns = dict(reversed(without(rows, "price", "constant").items()))
    columns["note"] = [f'"text {i}"' for i in range(200)]
    x = tinygsp.read_rows(write_table(tmp_path / "new.csv", columns, delimiter=";"), network)
    expected = all_inputs(dataset)
    expected[:, dataset.input_names.index("constant")] = 0  # it is not read
    assert np.allclose(np.sort(x, axis=0), expected, rtol=1e-6)
    assert x[MISSING, dataset.input_names.index("width, mm is missing")] == 1


def test_frames_and_dicts_give_the_same_as_a_file(rows, network, tmp_path):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    path = write_table(tmp_path / "new.csv", rows)
    expected = tinygsp.read_rows(path, network)
    for found in (
        {name: [cell or None for cell in cells] for name, cells in rows.items()},
        pandas.read_csv(path),  # zip is a column of whole numbers
        pandas.read_csv(path, dtype={"zip": float}),
        pandas.read_csv(path).convert_dtypes(),
        polars.read_csv(path),
    ):
        assert np.allclose(tinygsp.read_rows(found, network), expected, rtol=1e-9)


def test_one_row(rows, network):
    """As a dict of cells."""
    row = {name: cells[0] for name, cells in rows.items()}
    expected = tinygsp.read_rows({name: cells[:1] for name, cells in rows.items()}, network)
    assert np.array_equal(tinygsp.read_rows(row, network), expected) and len(expected) == 1
    assert np.array_equal(tinygsp.read_rows(row | {"depth": np.float64(row["depth"])}, network), expected)


def test_columns_that_are_not_read_need_not_be_there(rows, dataset, network):
    narrow = reader(dataset, "depth", "width, mm")
    x = tinygsp.read_rows({"depth": rows["depth"], "width, mm": rows["width, mm"]}, narrow)
    assert np.allclose(narrow.predict(x), narrow.predict(tinygsp.read_rows(rows, network)))
    assert not tinygsp.read_rows({"depth": []}, reader(dataset, "depth")).size


def test_a_table_of_one_column(dataset, rows, tmp_path):
    path = write_table(tmp_path / "one.csv", {"depth": rows["depth"][:9]})
    x = tinygsp.read_rows(path, reader(dataset, "depth"))
    assert x.shape == (9, dataset.n_in)
    assert np.array_equal(x[:, dataset.input_names.index("depth")], np.array(rows["depth"][:9], float))


@pytest.mark.parametrize(
    "changes, what",
    [
        ({"colour": ["pink"] * 200}, "'pink' is not known as a 'colour'; known are 'blue', 'green', 'red'"),
        ({"zip": ["40"] * 200}, "'40' is not known as a 'zip'"),
        ({"old": [""] * 200}, r"'\(missing\)' is not known as a 'old'; known are 'no', 'yes'"),
        ({"depth": [""] * 200}, "cells are missing in 'depth', where none is missing"),
        ({"depth": ["deep"] * 200}, "column 'depth' has 'deep'|column 'depth' has texts"),
        ({"depth": ["inf"] * 200}, "'depth' has inf"),
        ({"depth": ["-1e300"] * 200}, r"'depth' has -1e.?300; expected finite numbers below 1e\+29"),
        ({"noise": None}, "has no column 'noise', which the table that the network was trained on has"),
    ],
    ids=range(8),
)
def test_what_is_not_as_it_was(rows, network, tmp_path, changes, what):
    """Told in one line, from a file and from memory."""
    columns = {name: cells for name, cells in (rows | changes).items() if cells is not None}
    for source in (columns, write_table(tmp_path / "new.csv", columns)):
        with pytest.raises(DataError, match=what) as caught:
            tinygsp.read_rows(source, network)
        assert "\n" not in str(caught.value)


def test_what_is_no_table(network, dataset, tmp_path):
    for source, what in (
        (np.zeros((3, 9)), "rows is ndarray without names of columns"),
        ({}, "rows is dict without names of columns"),
        ({"depth": [[1]], "noise": [2]}, r"column 'depth' has shape \(1, 1\)"),
        ({"depth": 1, "noise": [2]}, "column 'depth' is one cell, another column has several"),
        (tmp_path / "nowhere.csv", "nowhere.csv: cannot be read"),
    ):
        with pytest.raises(DataError, match=what):
            tinygsp.read_rows(source, network)
    nameless = SparseNetwork(network.layers, replace(network.meta, input_names=(), columns=()))
    with pytest.raises(DataError, match="the network has no names of columns"):
        tinygsp.read_rows({"depth": [1]}, nameless)


def test_a_network_of_an_estimator(rows):
    """Its columns have names and nothing else."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: np.array(rows[name], float) for name in ("depth", "noise")})
    model = tinygsp.PrunedRegressor(budget=3).fit(frame, np.array(rows["price"], float))
    x = tinygsp.read_rows(frame[["noise", "depth"]], model.network_)
    assert np.array_equal(x, frame.to_numpy())

"""A network is asked about its own data set only, and only if there is something to ask and room to answer."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.reading import network_of

from tinygsp import reading
from tinygsp.data import Dataset
from tinygsp.sparse import ModelFileError, SparseNetwork


def dataset(**changes):
    x, y = np.zeros((2, 6), np.uint8), np.array([0, 1])
    fields = {"train_x": x, "train_y": y, "val_x": x, "val_y": y, "test_x": None, "test_y": None, "n_out": 2}
    fields |= {"task": "classification", "class_names": ("a", "b"), "input_shape": (2, 3)}
    return Dataset("hand", divisor=1.0, mean=0.0, std=1.0, **{**fields, **changes})


def network(matrices=None, **meta):
    return network_of(matrices or [np.ones((6, 2))], **{"class_names": ("a", "b"), "input_shape": (2, 3), **meta})


def test_a_network_of_the_data_set():
    assert reading.check_fit(network(), dataset()) is None
    assert reading.check_fit(network(input_shape=()), dataset()) is None  # it says nothing of the shape


@pytest.mark.parametrize("changes, what", [
    ({"input_shape": (6,)}, r"input_shape \(6,\), but \(2, 3\) in the data set 'hand'"),
    ({"input_shape": (1, 2, 3)}, r"input_shape \(1, 2, 3\), but \(2, 3\) in"),
    ({"input_shape": (3, 2)}, r"input_shape \(3, 2\), but \(2, 3\) in"),
    ({"class_names": ("a", "$" * 200)}, r"class names \('a', '\$.*\), but \('a', 'b'\) in"),
    ({"task": "regression"}, "task 'regression', but 'classification' in"),
    ({"matrices": [np.ones((5, 2))]}, "inputs 5, but 6 in the data set"),
    ({"matrices": [np.ones((6, 3))], "class_names": tuple("abc")}, "outputs 3, but 2 in the data set"),
    ({"matrices": [np.zeros((6, 2))]}, "no input is connected to an output, so there is nothing to explain"),
    ({"matrices": [np.ones((6, 3)), np.zeros((3, 2))]}, "no input is connected to an output"),
    ({"matrices": [np.eye(6)[:, :3], [[0, 0], [0, 0], [0, 0]]]}, "no input is connected to an output"),
])  # fmt: skip
def test_a_network_of_something_else(changes, what):
    with pytest.raises(ModelFileError, match=what) as caught:
        reading.check_fit(network(**changes), dataset())
    assert len(str(caught.value)) <= 300


def test_a_network_too_large_to_read(monkeypatch):
    monkeypatch.setattr(reading.matrices, "MAX_CELLS", 11)
    with pytest.raises(ModelFileError, match="make matrices of 12 numbers; at most 11 are read"):
        reading.check_fit(network(), dataset())
    monkeypatch.setattr(reading.matrices, "MAX_CELLS", 12)
    reading.check_fit(network(), dataset())


def test_numbers_that_do_not_stay_finite():
    """Each weight is one that float32 holds; what they make of the data, or of each other, is not."""
    once = {"matrices": [np.full((6, 2), 1e38)]}
    reading.check_fit(network(**once), dataset())  # of zeros
    x, y = np.full((2, 6), 255, np.uint8), np.array([0, 1])
    for split in ({"val_x": x}, {"test_x": x, "test_y": y}):
        with pytest.raises(ModelFileError, match="its scores of the data set 'hand' are too large for float32"):
            reading.check_fit(network(**once), dataset(**split))
    for count, words in ((2, ""), (3, r"multiply to 4e\+114; less than 1e\+100 is read"), (9, "multiply to inf")):
        deep = network([np.full((6, 2), 1e38), *[np.full((2, 2), 1e38)] * (count - 1)])
        if words:
            with pytest.raises(ModelFileError, match=words):
                reading.check_fit(deep, dataset())
        else:
            reading.check_fit(deep, dataset())


def test_names_of_the_inputs_count():
    named = network()
    named = SparseNetwork(named.layers, replace(named.meta, input_names=tuple("uvwxyz")))
    with pytest.raises(ModelFileError, match=r"input names \('u'"):
        reading.check_fit(named, dataset())

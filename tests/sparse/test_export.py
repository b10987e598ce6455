"""Every export computes what predict computes, and harms nobody, whatever the names of the classes are."""

import json
import re

import numpy as np
import pytest
from helpers.exports import (
    HOSTILE,
    c_scores,
    js_results,
    json_scores,
    numpy_module,
    onnx_results,
    picture_reader,
    table_reader,
    table_values,
)
from helpers.nets import layer

from tinygsp.sparse import Meta, ModelFileError, SparseNetwork
from tinygsp.sparse.export import FORMATS, ExportError
from tinygsp.sparse.export.onnx import varint
from tinygsp.sparse.export.program import identifier


def exported_scores(network, to, values, folder):
    """The scores of an export, and its classes if the format has them."""
    content = network.export(to)
    if to == "c":
        return c_scores(content, folder, values, network.layers[-1].n_out), None
    if to == "onnx":
        found = onnx_results(content, values)
        return found["scores"], found.get("label")
    if to == "numpy":
        module = numpy_module(content, folder)
        return module.scores(values), module.predict(values) if hasattr(module, "predict") else None
    if to == "js":
        return js_results(content, folder, values)[:2]
    return json_scores(content, values), None


@pytest.mark.parametrize("to", FORMATS)
def test_same_as_predict_on_all_test_images(to, trained, mnist, tmp_path):
    scores, classes = exported_scores(trained, to, mnist.test_x, tmp_path)
    assert scores.shape == (10_000, 10)
    assert np.abs(scores - trained.scores(mnist.test_x)).max() < 1e-4
    predicted = trained.predict(mnist.test_x)
    assert (scores.argmax(axis=1) == predicted).all()
    assert (predicted == mnist.test_y).mean() > 0.9  # it is a network that has learnt something
    assert classes is None or np.array_equal(classes, predicted)


PICTURES = np.random.default_rng(0).integers(0, 256, (100, 20)).astype(np.uint8)
FLOATS = np.random.default_rng(0).normal(0, 1, (100, 20)).astype(np.float32)
NETWORKS = {  # name: (network, values)
    "relu": (picture_reader(activation="relu"), PICTURES),
    "no hidden layer": (picture_reader(sizes=(20, 3)), PICTURES),
    "four hidden layers": (picture_reader(sizes=(20, 7, 6, 5, 4, 3), share=0.6), PICTURES),
    "regression": (picture_reader(task="regression"), PICTURES),
    "one output": (picture_reader(sizes=(20, 4, 1), task="regression"), PICTURES),
    "floats, one scale": (picture_reader(divisor=1.0, mean=0.5, std=2.0), FLOATS),
    "floats, regression": (picture_reader(divisor=1.0, mean=0.5, std=2.0, task="regression"), FLOATS),
    "a table": (table_reader(), table_values()),
    "a table, none bent": (table_reader(bent=()), table_values()),
    "a table, relu": (table_reader(activation="relu"), table_values()),
    "an output without connections": (
        SparseNetwork(
            [layer((20, 3), [(3, 0, 0.5), (7, 2, -1.5)], [0.5, -0.25, 0])],
            Meta(divisor=255.0, class_names=("a", "b", "c"), input_shape=(4, 5)),
        ),
        PICTURES,
    ),
    "units that are constant": (
        SparseNetwork(
            [layer((20, 3), [(3, 0, 0.5)], [0, 2, 1]), layer((3, 2), [(0, 0, 1), (1, 1, 1), (2, 0, 3)], [0, 0])],
            Meta(divisor=255.0, class_names=("a", "b"), input_shape=(4, 5)),
        ),
        PICTURES,
    ),
}


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_network(name, to, tmp_path):
    network, values = NETWORKS[name]
    scores, classes = exported_scores(network, to, values, tmp_path)
    expected = network.scores(values)
    assert np.abs(scores - expected).max() < 1e-4 * max(1, np.abs(expected).max())
    assert (classes is None) == (to in ("c", "json") or network.meta.task == "regression")
    if classes is not None:
        assert np.array_equal(classes, network.predict(values))


@pytest.mark.parametrize("to", ["numpy", "js", "onnx"])
def test_the_first_of_equal_scores_is_the_class(to, tmp_path):
    parts = [layer((20, 3), [(3, 0, 0.0), (7, 1, 1), (7, 2, 1)], [-1, 0, 0])]
    network = SparseNetwork(parts, Meta(divisor=255.0, class_names=("a", "b", "c"), input_shape=(4, 5)))
    assert list(exported_scores(network, to, PICTURES, tmp_path)[1]) == [1] * 100


# --- hostile names ------------------------------------------------------------------------------------------


def hostile_network():
    return picture_reader(sizes=(20, 7, 8), class_names=HOSTILE, dataset='*/ "x" </script> ??/ \\')


@pytest.mark.parametrize("to", FORMATS)
def test_hostile_names_change_nothing(to, tmp_path):
    network = hostile_network()
    scores, _ = exported_scores(network, to, PICTURES, tmp_path)
    assert np.abs(scores - network.scores(PICTURES)).max() < 1e-4


@pytest.mark.parametrize("to", FORMATS)
def test_no_text_ends_a_comment_or_a_script(to):
    content = hostile_network().export(to, notes=["found in /*dir*/ </script> ??/"])
    text = content.decode("ascii", "replace") if to == "onnx" else content.decode()
    if to in ("js", "json"):  # these may stand in a page
        assert "</script" not in text.lower() and "<!--" not in text
    if to in ("c", "js"):
        comment = text.split("*/", 1)[0]
        assert "/*" not in comment[2:] and "int evil" in comment
    if to == "c":
        assert "??" not in text
    assert text.isascii() or to == "onnx"


def test_names_come_out_as_they_went_in(tmp_path):
    network = hostile_network()
    assert numpy_module(network.export("numpy"), tmp_path).CLASSES == HOSTILE
    assert js_results(network.export("js"), tmp_path, PICTURES[:2])[2] == HOSTILE
    assert tuple(json.loads(network.export("json"))["class_names"]) == HOSTILE
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(network.export("onnx"))
    assert tuple(json.loads({p.key: p.value for p in model.metadata_props}["class_names"])) == HOSTILE
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 13)]


# --- the comment --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", FORMATS)
def test_the_comment_says_what_it_is(to, trained):
    text = trained.export(to, notes=["Accuracy on the test split: 93.21%"]).decode("utf-8", "replace")
    for words in (
        f"784-40-20-10, of {trained.count()} parameters",
        "bytes from 0 to 255, an image of 28 x 28 row by row",
        "10 scores; the highest is the class",
        "0 = 0, 1 = 1",
        "Data set: mnist",
        "Accuracy on the test split: 93.21%",
        "How to",
    ):
        assert words in text


def test_columns_are_named(tmp_path):
    text = table_reader().export("numpy").decode()
    assert "0 = age" in text and "5 = colour" not in text and "It reads 5 of them" in text


def test_json_has_every_number_of_the_model_file(trained):
    parts = json.loads(trained.export("json"))["layers"]
    for part, own in zip(parts, trained.layers, strict=True):
        assert tuple(part["shape"]) == own.shape
        for name in ("row", "col", "weight", "bias"):
            assert np.array_equal(np.array(part[name], getattr(own, name).dtype), getattr(own, name))


def test_whole_numbers_of_onnx():
    """In groups of seven bits, as the description of Protocol Buffers has them."""
    assert [varint(n).hex() for n in (0, 1, 127, 128, 150, 16384)] == ["00", "01", "7f", "8001", "9601", "808001"]


# --- refused ------------------------------------------------------------------------------------------------


NO_OUTPUT = picture_reader(sizes=(20, 7, 3))


@pytest.mark.parametrize(
    "network, to, options, words",
    [
        (picture_reader(), "pascal", {}, "format 'pascal' is unknown; known are c, onnx"),
        (picture_reader(), "js", {"int8": True}, "int8 is an option of C, and the format is js"),
        (picture_reader(), "onnx", {"main": True}, "main is an option of C"),
        (picture_reader(divisor=1.0), "c", {"int8": True}, "int8 needs inputs that are bytes"),
        (picture_reader(share=0), "c", {}, "no input of this network reaches an output"),
        (SparseNetwork([NO_OUTPUT.layers[0], layer((7, 3), [], [1, 2, 3])], NO_OUTPUT.meta), "c", {}, "no input of"),
        (picture_reader(divisor=1e-20, std=1e-20), "js", {}, "is too large for float32 when the scaling is part of it"),
    ],
)
def test_refused(network, to, options, words):
    with pytest.raises(ExportError, match=re.escape(words)):
        network.export(to, **options)


def test_what_could_not_be_saved_is_not_exported():
    network = picture_reader()
    network.layers[0].weight[0] = np.nan
    with pytest.raises(ModelFileError, match="not finite"):
        network.export("c")


@pytest.mark.parametrize(
    "text, name",
    [("digits", "digits"), ("my net-2", "my_net_2"), ("3x", "network_3x"), ("", "network"), ("\u00e9", "network")],
)
def test_names_in_c(text, name):
    assert identifier(text) == name

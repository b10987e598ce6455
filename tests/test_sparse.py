"""A SparseNetwork says what its dense matrices say, trims without changing, and trusts no file."""

import io
import json
import os
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from tinygsp import sparse
from tinygsp.sparse import Meta, ModelFileError, SparseLayer, SparseNetwork

f32 = np.float32
ACTIVATIONS = {"silu": lambda x: x / (1 + np.exp(-x)), "relu": lambda x: x * (x > 0)}


def layer(shape, connections, bias):
    """connections : [(row, col, weight), ...]"""
    row, col, weight = zip(*connections) if connections else ((), (), ())
    return SparseLayer(shape, np.array(row, np.int32), np.array(col, np.int32), np.array(weight, f32),
                       np.array(bias, f32))


def small(**meta):
    """4 inputs, 3 units, 2 outputs. Input 2 and unit 1 are not read; one weight is an explicit zero."""
    first = layer((4, 3), [(0, 0, 1.5), (3, 0, -2), (1, 1, 0.5), (1, 2, 1), (3, 2, 0)], [0.25, 0, -1])
    second = layer((3, 2), [(0, 0, 2), (2, 0, -1), (2, 1, 3)], [0, 0.5])
    options = {"divisor": 255.0, "mean": 0.25, "std": 0.5, "class_names": ("a", "b"), "input_shape": (2, 2)}
    return SparseNetwork([first, second], Meta(**{**options, **meta}))


def random_network(seed, activation="silu"):
    """Sparse enough for dead units, constant units and chains of them; one weight in ten is zero."""
    rng = np.random.default_rng(seed)
    sizes = [6, 5, 5, 4, 3]
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        row, col = np.nonzero(rng.random((n_in, n_out)) < 0.3)
        weight = rng.normal(0, 1, row.size) * (rng.random(row.size) < 0.9)
        bias = rng.normal(0, 1, n_out) * (rng.random(n_out) < 0.5)
        layers.append(SparseLayer((n_in, n_out), row.astype(np.int32), col.astype(np.int32), weight.astype(f32),
                                  bias.astype(f32)))
    return SparseNetwork(layers, Meta(activation, class_names=("a", "b", "c"), input_shape=(6,)))


def dense_scores(network, values):
    """The same function in float64, connection by connection."""
    m = network.meta
    x = (values.astype(np.float64) / m.divisor - m.mean) / m.std
    for k, part in enumerate(network.layers):
        y = np.tile(part.bias.astype(np.float64), (len(x), 1))
        for row, col, weight in zip(part.row, part.col, part.weight):
            y[:, col] += x[:, row] * float(weight)
        x = y if k == len(network.layers) - 1 else ACTIVATIONS[m.activation](y)
    return x


def inputs(n, n_in, dtype):
    rng = np.random.default_rng(n)
    return rng.integers(256, size=(n, n_in)).astype(np.uint8) if dtype == np.uint8 else rng.normal(
        100, 100, (n, n_in)).astype(dtype)


# --- use ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["silu", "relu"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_scores_are_the_dense_ones(activation, dtype):
    network, values = small(activation=activation), inputs(20, 4, dtype)
    scores = network.scores(values)
    assert scores.dtype == f32 and scores.shape == (20, 2)
    assert np.allclose(scores, dense_scores(network, values), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_random_networks(seed):
    network = random_network(seed)
    values = np.random.default_rng(seed).normal(size=(10, 6))
    assert np.allclose(network.scores(values), dense_scores(network, values), rtol=1e-5, atol=1e-5)


def test_scores_by_hand():
    """x = (value - 1) / 2: values 3 and 5 become 1 and 2, hidden relu(2 + 1) = 3 and relu(-2) = 0."""
    first, second = layer((2, 2), [(0, 0, 2), (1, 1, -1)], [1, 0]), layer((2, 1), [(0, 0, 10), (1, 0, 7)], [-4])
    network = SparseNetwork([first, second], Meta("relu", mean=1.0, std=2.0, class_names=("y",)))
    assert network.scores(np.array([[3, 5]], np.uint8)).tolist() == [[26]]


def test_scores_without_connections_are_the_biases():
    network = SparseNetwork([layer((3, 2), [], [1, -1])], Meta(class_names=("a", "b")))
    assert network.scores(np.ones((2, 3), np.uint8)).tolist() == [[1, -1]] * 2
    assert network.scores(np.ones((0, 3), np.uint8)).shape == (0, 2)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 5), (1, 2, 2)])
def test_scores_want_rows_of_inputs(shape):
    with pytest.raises(ValueError, match=r"expected \(n, 4\)"):
        small().scores(np.zeros(shape, np.uint8))


def test_predict_classes():
    network, values = small(), inputs(50, 4, np.uint8)
    scores, proba = network.scores(values), network.predict_proba(values)
    assert network.predict(values).tolist() == [int(b > a) for a, b in scores]
    assert 0 < network.predict(values).sum() < 50
    assert np.allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-6) and np.all(proba >= 0)
    assert np.allclose(np.log(proba[:, 1] / proba[:, 0]), scores[:, 1] - scores[:, 0], rtol=1e-3, atol=1e-3)


def test_regression():
    network, values = small(task="regression"), inputs(9, 4, np.float32)
    assert np.array_equal(network.predict(values), network.scores(values))
    with pytest.raises(ValueError, match="regression"):
        network.predict_proba(values)


# --- what is in it ------------------------------------------------------------------------------------------


def test_count_and_report():
    network = small()
    assert network.total == 4 * 3 + 3 + 3 * 2 + 2 == 23
    assert network.count() == (4 + 2) + (3 + 1)  # the explicit zero is no parameter
    assert network.density == 10 / 23
    assert network.report() == [
        {"n_in": 4, "n_out": 3, "total": 15, "kept_weights": 4, "kept_biases": 2, "inputs": 3},
        {"n_in": 3, "n_out": 2, "total": 8, "kept_weights": 3, "kept_biases": 1, "inputs": 2},
    ]


def test_used_inputs():
    assert [u.tolist() for u in small().used_inputs()] == [[0, 1, 3], [0, 2]]


def test_reaches_by_hand():
    assert small().reaches().tolist() == [[True, False], [True, True], [False, False], [True, False]]


def paths(network, unit, k=0):
    """All outputs that some path of nonzero weights leads to from an input of layer k."""
    if k == len(network.layers):
        return {unit}
    part = network.layers[k]
    found = [paths(network, c, k + 1) for r, c, w in zip(part.row, part.col, part.weight) if r == unit and w != 0]
    return set().union(*found)


@pytest.mark.parametrize("seed", range(8))
def test_reaches_is_every_path(seed):
    network = random_network(seed)
    reaches = network.reaches()
    assert reaches.shape == (6, 3) and reaches.dtype == bool
    assert [set(np.flatnonzero(row)) for row in reaches] == [paths(network, i) for i in range(6)]


# --- trim ---------------------------------------------------------------------------------------------------


def arrays(network):
    return [getattr(part, name) for part in network.layers for name in ("row", "col", "weight", "bias")]


def same(a, b):
    return a.meta == b.meta and all(
        x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True))


@pytest.mark.parametrize("activation", ["silu", "relu"])
@pytest.mark.parametrize("seed", range(12))
def test_trim_keeps_the_function(seed, activation):
    network = random_network(seed, activation)
    before = [a.copy() for a in arrays(network)]
    trimmed = network.trim()
    values = np.random.default_rng(seed).normal(size=(30, 6))
    assert np.allclose(trimmed.scores(values), dense_scores(network, values), rtol=1e-4, atol=1e-5)
    assert trimmed.count() < network.count()
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays(network)))  # the original is untouched
    assert [part.shape for part in trimmed.layers] == [part.shape for part in network.layers]
    assert same(trimmed, trimmed.trim())
    for part, following in zip(trimmed.layers, trimmed.layers[1:]):
        assert set(following.row) == set(part.col)  # every unit is fed and read
        assert set(np.flatnonzero(part.bias)) <= set(following.row)
    assert all(np.all(part.weight != 0) for part in trimmed.layers)


def test_random_networks_have_something_to_trim():
    """Chains need two layers of constant units: some seed above must have a unit only constants feed."""
    def constant(network):
        dead = [set(range(p.n_out)) - set(p.col[p.weight != 0]) for p in network.layers]
        return [u for p, d in zip(network.layers[1:], dead) for u in set(p.col) if set(p.row[p.col == u]) <= d]
    assert any(constant(random_network(seed)) for seed in range(12))


def test_trim_drops_unread_units():
    trimmed = small().trim()
    assert [u.tolist() for u in trimmed.used_inputs()] == [[0, 1, 3], [0, 2]]
    assert trimmed.layers[0].col.tolist() == [0, 0, 2] and trimmed.layers[0].weight.tolist() == [1.5, -2, 1]
    assert trimmed.count() == small().count() - 1


def test_trim_drops_a_chain_of_unread_units():
    first = layer((2, 2), [(0, 0, 1), (1, 1, 1)], [1, 1])
    second = layer((2, 2), [(0, 0, 1), (1, 1, 1)], [1, 1])
    third = layer((2, 1), [(0, 0, 1)], [0])
    trimmed = SparseNetwork([first, second, third], Meta(class_names=("y",))).trim()
    assert [part.row.tolist() for part in trimmed.layers] == [[0], [0], [0]]
    assert [part.bias.tolist() for part in trimmed.layers] == [[1, 0], [1, 0], [0]]


def test_trim_folds_a_chain_of_constant_units():
    """Unit 1 is always relu(2) = 2, so unit 1 of the next layer relu(3 * 2 - 1) = 5, and the output gains 20."""
    first = layer((1, 2), [(0, 0, 1)], [0, 2])
    second = layer((2, 2), [(0, 0, 1), (1, 1, 3)], [0, -1])
    third = layer((2, 1), [(0, 0, 1), (1, 0, 4)], [0.5])
    trimmed = SparseNetwork([first, second, third], Meta("relu", class_names=("y",))).trim()
    assert [part.weight.tolist() for part in trimmed.layers] == [[1], [1], [1]]
    assert [part.bias.tolist() for part in trimmed.layers] == [[0, 0], [0, 0], [20.5]]
    assert trimmed.count() == 4


def test_trim_folds_what_a_zero_weight_fed():
    network = SparseNetwork([layer((1, 1), [(0, 0, 0)], [3]), layer((1, 1), [(0, 0, 2)], [1])],
                            Meta("relu", class_names=("y",)))
    trimmed = network.trim()
    assert [part.row.size for part in trimmed.layers] == [0, 0]
    assert trimmed.layers[0].bias.tolist() == [0] and trimmed.layers[1].bias.tolist() == [7]


# --- the model file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [small(), small(task="regression", activation="relu", dataset="x"),
                                     random_network(0), random_network(1).trim(),
                                     SparseNetwork([layer((3, 2), [], [1, 0])], Meta(class_names=("a", "b")))])
def test_save_and_load(network, tmp_path):
    path = tmp_path / "model.npz"
    network.save(path)
    assert path.read_bytes() == network.to_bytes()
    for p in (path, str(path)):
        loaded = SparseNetwork.load(p)
        assert same(network, loaded) and [a.shape for a in network.layers] == [b.shape for b in loaded.layers]
        assert loaded.to_bytes() == network.to_bytes()


def test_bytes_do_not_depend_on_the_clock(monkeypatch):
    content = small().to_bytes()
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert small().to_bytes() == content
    assert small(mean=0.5).to_bytes() != content


def test_numpy_reads_it_without_pickle(tmp_path):
    small().save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        content = dict(file)
    names = {f"layer{k}_{name}" for k in (0, 1) for name in ("shape", "row", "col", "weight", "bias")}
    assert content.keys() == names | {"meta"}
    assert json.loads(content["meta"].tobytes())["format"] == 1
    assert content["layer0_shape"].tolist() == [4, 3] and content["layer1_weight"].tolist() == [2, -1, 3]


def test_a_failing_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    small().save(path)
    old = path.read_bytes()

    def replace_fails(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", replace_fails)
    with pytest.raises(OSError, match="disk full"):
        small(mean=0.75).save(path)
    assert path.read_bytes() == old and os.listdir(tmp_path) == ["model.npz"]


# --- files that are not models ------------------------------------------------------------------------------


def rejects(path, match=None):
    """load raises ModelFileError, in one line that names the file and says `match`."""
    with pytest.raises(ModelFileError, match=match) as caught:
        SparseNetwork.load(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def content(**changes):
    """The arrays of a good file, with some replaced; None takes one out."""
    with np.load(io.BytesIO(small().to_bytes())) as file:
        found = {**file, **changes}
    return {name: array for name, array in found.items() if array is not None}


def meta_array(**changes):
    meta = {**json.loads(content()["meta"].tobytes()), **changes}
    return as_bytes(json.dumps({name: value for name, value in meta.items() if value is not ...}))


def as_bytes(text):
    return np.frombuffer(text.encode(), np.uint8)


def npy(shape, data=b"", descr="<f4", header=None):
    """A .npy member whose header says what it likes."""
    header = header or repr({"descr": descr, "fortran_order": False, "shape": shape})
    header = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def with_member(path, name, data):
    """A good file with the member `name` replaced, or added, by these bytes."""
    old = zipfile.ZipFile(io.BytesIO(small().to_bytes()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info, old.read(info))
        new.writestr(name, data)


def test_what_the_helpers_write_is_good(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, **content(meta=meta_array()))
    assert same(SparseNetwork.load(path), small())
    with_member(path, "layer1_bias.npy", npy((2,), np.array([0, 0.5], f32).tobytes()))
    assert same(SparseNetwork.load(path), small())


def test_no_file(tmp_path):
    rejects(tmp_path / "nothing.npz", "No such file")


def test_a_folder(tmp_path):
    rejects(tmp_path, "cannot be read")


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x03\x04", b"\x93NUMPY" * 100, bytes(5000)])
def test_not_a_zip_file(tmp_path, data):
    path = tmp_path / "model.npz"
    path.write_bytes(data)
    rejects(path, "expected a .npz file of plain numbers")


def test_truncated(tmp_path):
    path, whole = tmp_path / "model.npz", small().to_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        rejects(path)


@pytest.mark.filterwarnings("ignore")  # of NumPy and zipfile, about odd headers
def test_flipped_byte(tmp_path):
    """Wherever it is: an error that names the file, or a byte that means nothing, such as the date of a member."""
    network = SparseNetwork([layer((2, 1), [(0, 0, 1.5)], [1])], Meta(class_names=("y",)))
    path, whole = tmp_path / "model.npz", network.to_bytes()
    found, wrong = 0, {}
    for place in range(0, len(whole), 2):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1, 8, 255)[place // 2 % 3]]) + whole[place + 1:])
        try:
            if not same(SparseNetwork.load(path), network):
                wrong[place] = "another network"
        except ModelFileError as error:
            found += str(error).startswith(f"{path}: ")
        except Exception as error:
            wrong[place] = repr(error)
    assert not wrong and found > len(whole) / 4


def test_flipped_byte_in_the_data(tmp_path):
    """In the middle of each compressed member there is no byte without a meaning."""
    path, whole = tmp_path / "model.npz", small().to_bytes()
    for info in zipfile.ZipFile(io.BytesIO(whole)).infolist():
        start = info.header_offset + 30 + int.from_bytes(whole[info.header_offset + 26:][:2], "little")
        start += int.from_bytes(whole[info.header_offset + 28:][:2], "little")
        place = start + info.compress_size // 2
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1:])
        rejects(path)


@pytest.mark.parametrize("name", sorted(content()))
def test_missing_member(tmp_path, name):
    path = tmp_path / "model.npz"
    np.savez(path, **content(**{name: None}))
    rejects(path, name.removesuffix("_shape"))


@pytest.mark.parametrize("name", ["extra", "layer2_row", "layer0_gate"])
def test_extra_member(tmp_path, name):
    path = tmp_path / "model.npz"
    np.savez(path, **content(**{name: np.zeros(3, f32)}))
    rejects(path, f"unexpected array {name}")


def test_member_that_is_no_array(tmp_path):
    path = tmp_path / "model.npz"
    with_member(path, "readme.txt", b"hello")
    rejects(path, "readme.txt")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_member(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(small().to_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("layer1_bias.npy", npy((2,), bytes(8)))
    rejects(path, "repeated member 'layer1_bias.npy'")


i32, i64 = np.int32, np.int64
BAD_ARRAYS = {
    "weight of float64": ("layer0_weight", np.ones(5), "float64"),
    "weight of other byte order": ("layer0_weight", np.ones(5, ">f4"), "layer0_weight"),
    "row of int64": ("layer0_row", np.zeros(5, i64), "int64"),
    "shape of int32": ("layer0_shape", np.array([4, 3], i32), "layer0_shape"),
    "shape of three": ("layer0_shape", np.array([4, 3, 1]), "layer0_shape"),
    "shape of zero": ("layer0_shape", np.array([4, 0]), "layer0_shape"),
    "negative shape": ("layer0_shape", np.array([-4, 3]), "layer0_shape"),
    "huge shape": ("layer0_shape", np.array([2**62, 3], i64), "layer0_shape"),
    "empty shape": ("layer0_shape", np.zeros(0, i64), "layer0_shape"),
    "objects": ("layer0_weight", np.array([None] * 5), "layer0_weight"),
    "structs": ("layer0_weight", np.zeros(5, [("a", "<f4")]), "layer0_weight"),
    "text": ("layer0_weight", np.array(["1"] * 5), "layer0_weight"),
    "short weight": ("layer0_weight", np.ones(4, f32), "layer0_weight"),
    "long col": ("layer0_col", np.zeros(6, i32), "layer0_col"),
    "short bias": ("layer0_bias", np.zeros(2, f32), "layer0_bias"),
    "2-D weight": ("layer0_weight", np.ones((5, 1), f32), "layer0_weight"),
    "0-D weight": ("layer0_weight", np.ones((), f32), "layer0_weight"),
    "2-D meta": ("meta", np.zeros((2, 2), np.uint8), "meta"),
    "negative row": ("layer0_row", np.array([0, 3, 1, 1, -1], i32), "outside"),
    "negative col": ("layer0_col", np.array([0, 0, 1, 2, -1], i32), "outside"),
    "large row": ("layer0_row", np.array([0, 3, 1, 1, 4], i32), "outside"),
    "large col": ("layer0_col", np.array([0, 0, 1, 2, 3], i32), "outside"),
    "repeated connection": ("layer0_row", np.array([0, 0, 1, 1, 3], i32), "twice"),
    "NaN weight": ("layer0_weight", np.array([1, 2, np.nan, 4, 5], f32), "not finite"),
    "infinite weight": ("layer0_weight", np.array([1, 2, -np.inf, 4, 5], f32), "not finite"),
    "NaN bias": ("layer1_bias", np.array([np.nan, 0], f32), "not finite"),
    "layers that do not chain": ("layer1_shape", np.array([5, 2], i64), "3 outputs but layer1 has 5 inputs"),
    "meta of int8": ("meta", np.zeros(3, np.int8), "meta"),
    "empty meta": ("meta", np.zeros(0, np.uint8), "meta"),
    "meta not JSON": ("meta", as_bytes("{'format': 1}"), "JSON"),
    "meta not UTF-8": ("meta", np.full(9, 0xFF, np.uint8), "JSON"),
    "meta a list": ("meta", as_bytes("[1, 2]"), "JSON"),
    "meta a number": ("meta", as_bytes("1"), "JSON"),
    "meta nested deep": ("meta", as_bytes("[" * 200_000), "JSON"),
}


@pytest.mark.parametrize("name, array, match", BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_bad_array(tmp_path, name, array, match):
    path = tmp_path / "model.npz"
    np.savez_compressed(path, **content(**{name: array}))
    rejects(path, match)


def test_fortran_order(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, **content(layer0_weight=np.asfortranarray(np.ones((5, 2), f32))))
    rejects(path, "layer0_weight")


BAD_META = [
    {"format": 2}, {"format": "1"}, {"format": None}, {"format": ...},
    {"activation": "tanh"}, {"activation": 3}, {"activation": None}, {"activation": ["silu"]}, {"activation": {}},
    {"task": "ranking"}, {"task": None}, {"task": ["regression"]}, {"divisor": 0}, {"divisor": float("nan")},
    {"divisor": float("inf")}, {"divisor": "x"}, {"divisor": None}, {"divisor": [1]}, {"divisor": 10**400},
    {"std": 0.0}, {"std": float("nan")}, {"std": "x"}, {"mean": float("inf")}, {"mean": {}},
    {"class_names": ["a"]}, {"class_names": ["a", "b", "c"]}, {"class_names": None}, {"class_names": 2},
    {"class_names": ...}, {"input_shape": 4}, {"input_shape": ["x"]}, {"input_shape": [float("inf")]},
    {"surprise": 1},
]


@pytest.mark.parametrize("changes", BAD_META, ids=str)
def test_bad_meta(tmp_path, changes):
    path = tmp_path / "model.npz"
    np.savez(path, **content(meta=meta_array(**changes)))
    rejects(path, "meta|format|activation|task|divisor|class names")


HEADERS = ["", "{", "[" * 100, "(" * 100, "{'shape': (5,)}", "{[]: 1}",
           "{'descr': '<f4', 'fortran_order': 0, 'shape': 5}",
           "\x00" * 9, "'''", "  x\n y", "1" * 90, "{'descr': 'nonsense', 'fortran_order': False, 'shape': (5,)}"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("header", HEADERS)
def test_bad_header(tmp_path, header):
    path = tmp_path / "model.npz"
    with_member(path, "layer0_weight.npy", npy(None, bytes(20), header=header or " "))
    rejects(path)


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"\x93NUMPY\x02\x00" + bytes(200), b"\x93NUMPY\x01\x00\xff\xff{",
                                  npy((5,), bytes(19)), npy((5,), bytes(21)), npy((-5,)), npy((5,), descr="|V0"),
                                  npy((5,), bytes(20), descr="|O"), npy((2**70,))])
def test_bad_member(tmp_path, data):
    path = tmp_path / "model.npz"
    with_member(path, "layer0_weight.npy", data)
    rejects(path)


def peak_while_rejecting(path, match):
    tracemalloc.start()
    try:
        rejects(path, match)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_header_that_promises_too_much_takes_no_memory(tmp_path):
    path = tmp_path / "model.npz"
    with_member(path, "layer0_weight.npy", npy((2**33,), bytes(20)))  # 32 GiB
    assert peak_while_rejecting(path, "layer0_weight") < 2**20


def test_a_member_that_inflates_past_its_header_is_not_followed(tmp_path):
    path = tmp_path / "model.npz"
    with_member(path, "layer0_weight.npy", npy((5,), bytes(2**25)))
    assert path.stat().st_size < 2**17
    assert peak_while_rejecting(path, "layer0_weight.npy': it has 33554432 bytes, its header promises 20") < 2**21


def test_a_member_above_the_limit_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    monkeypatch.setattr(sparse, "MAX_MODEL_BYTES", 2**20)
    with_member(path, "layer0_weight.npy", npy((2**23,), bytes(2**25)))
    assert peak_while_rejecting(path, "33556138 bytes in all members, at most 1048576 are read") < 2**20


def test_encrypted_member(tmp_path):
    path, data = tmp_path / "model.npz", bytearray(small().to_bytes())
    data[6] |= 1  # general purpose flags of the first member, here and in the directory
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    rejects(path)

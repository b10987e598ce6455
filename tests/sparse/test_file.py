"""The model file: what is written is read back, and everything else is refused in one line."""

import io
import json
import os
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from helpers.hostile.files import network
from helpers.memory import peak_bytes
from helpers.nets import dense_scores, f32, layer, random_network, same_network, small

from tinygsp.sparse import Meta, ModelFileError, SparseNetwork, file


@pytest.mark.parametrize(
    "network",
    [
        small(),
        small(task="regression", activation="relu", dataset="x"),
        random_network(0),
        random_network(1).trim(),
        SparseNetwork([layer((3, 2), [], [1, 0])], Meta(class_names=("a", "b"))),
    ],
)
def test_save_and_load(network, tmp_path):
    path = tmp_path / "model.npz"
    network.save(path)
    assert path.read_bytes() == network.to_bytes()
    for p in (path, str(path)):
        loaded = SparseNetwork.load(p)
        assert same_network(network, loaded) and [a.shape for a in network.layers] == [b.shape for b in loaded.layers]
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


@pytest.mark.parametrize(
    "changes, what",
    [
        ({"class_names": ()}, "0 class names for 3 outputs"),
        ({"std": 0.0}, "std is 0.0; expected a number above 0"),
        ({"mean": float("nan")}, "mean is nan"),
        ({"class_names": (1, 2, 3)}, "class_names"),
        ({"input_shape": (5,)}, r"input_shape is \(5,\) for 6 inputs"),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path, changes, what):
    good = network(0)
    path = tmp_path / "model.npz"
    with pytest.raises(ValueError, match=what):
        SparseNetwork(good.layers, replace(good.meta, **changes)).save(path)
    assert not path.exists()


def test_a_network_of_default_meta_is_refused_when_it_is_saved():
    with pytest.raises(ValueError, match="0 class names for 3 outputs"):
        SparseNetwork(network(0).layers, Meta()).to_bytes()


def test_a_weight_that_is_not_finite_is_not_written():
    first, second = network(0).layers
    bad = SparseNetwork([replace(first, weight=first.weight * f32(np.nan)), second], network(0).meta)
    with pytest.raises(ModelFileError, match="layer0_weight or layer0_bias has a value that is not finite"):
        bad.to_bytes()


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
    assert same_network(SparseNetwork.load(path), small())
    with_member(path, "layer1_bias.npy", npy((2,), np.array([0, 0.5], f32).tobytes()))
    assert same_network(SparseNetwork.load(path), small())


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
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1, 8, 255)[place // 2 % 3]]) + whole[place + 1 :])
        try:
            if not same_network(SparseNetwork.load(path), network):
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
        start = info.header_offset + 30 + int.from_bytes(whole[info.header_offset + 26 :][:2], "little")
        start += int.from_bytes(whole[info.header_offset + 28 :][:2], "little")
        place = start + info.compress_size // 2
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
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


# --- names and a scale of each input --------------------------------------------------------------------------

COLUMNS = {
    "divisor": 1.0, "mean": (0.0, 1e6, -3.5, 0.1), "std": (1.0, 1e5, 0.0, 1e-9), "input_shape": (4,), "bent": (1,),
    "input_names": ("age", "colour = red", "größe", "a, b"),
}  # fmt: skip


def test_a_network_of_columns_is_written_in_format_2(tmp_path):
    network, path = small(**COLUMNS), tmp_path / "model.npz"
    network.save(path)
    loaded = SparseNetwork.load(path)
    assert same_network(network, loaded) and loaded.meta.mean == COLUMNS["mean"]
    with np.load(path) as file:
        assert json.loads(file["meta"].tobytes())["format"] == 2


@pytest.mark.parametrize("changes", [{"input_names": tuple("abcd")}, {"mean": (0.0,) * 4, "std": (1.0,) * 4}], ids=str)
def test_what_needs_format_2(changes):
    with np.load(io.BytesIO(small(**changes).to_bytes())) as file:
        assert json.loads(file["meta"].tobytes())["format"] == 2


CATEGORIES = (("colour", ("blue", "red"), 0.0, False), ("age", None, 40.5, True))
NAMES = ("age", "colour = red", "age is missing", "size")


def test_categories_need_format_3(tmp_path):
    network, path = small(**COLUMNS | {"input_names": NAMES, "columns": CATEGORIES}), tmp_path / "model.npz"
    network.save(path)
    loaded = SparseNetwork.load(path)
    assert same_network(network, loaded) and loaded.meta.columns == CATEGORIES
    with np.load(path) as file:
        meta = json.loads(file["meta"].tobytes())
    assert meta["format"] == 3 and meta["columns"][0] == ["colour", ["blue", "red"], 0.0, False]
    np.savez(path, **content(meta=as_bytes(json.dumps(meta))))
    assert SparseNetwork.load(path).meta.columns == CATEGORIES


BAD_TEXTS = (["blue", "green"], ["blue", "red", "red"], [], ["blue", 3], ["blue", ["red"]], ["bl\nue", "red"], "red")
BAD_COLUMNS = [
    3, {}, ..., [3], [[]], [["colour", ["red"], 0.0]], [["red", None, 0.0, False, 1]], [["age", None, 0.0, False]] * 2,
    *([["colour", texts, 0.0, False]] for texts in (*BAD_TEXTS, ["b" * 300, "red"], {"red": 1})),
    [[["colour"], ["blue", "red"], 0.0, False]], [["size", None, 40.5, True]], [["weight", None, 40.5, False]],
    [["age", None, float("nan"), True]], [["age", None, "40", True]], [["age", None, 40.5, 1]],
]  # fmt: skip


@pytest.mark.parametrize("columns", BAD_COLUMNS, ids=str)
def test_bad_categories(tmp_path, columns):
    meta = {"format": 3, **vars(small(**COLUMNS | {"input_names": NAMES}).meta), "columns": columns}
    text = json.dumps({name: value for name, value in meta.items() if value is not ...})
    np.savez(tmp_path / "model.npz", **content(meta=as_bytes(text)))
    rejects(tmp_path / "model.npz", "column|meta")


def test_the_scores_of_columns():
    network = small(**COLUMNS)
    values = np.random.default_rng(0).normal([0, 1e6, 9, 0.1], [1, 1e5, 1, 1e-9], (200, 4))
    x = network.meta.scaled(values)
    assert (x[:, 2] == 0).all()
    plain = small(divisor=1.0, mean=0.0, std=1.0, input_shape=(4,))
    assert np.allclose(network.scores(values), dense_scores(plain, x), rtol=1e-4, atol=1e-5)
    row = network.runner(np.float64)(values[:1], out := np.empty((1, 2), f32))
    assert row is out and np.array_equal(row, network.scores(values)[:1])


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": [0, 0, 0]},
        {"mean": [0, 0, 0, "x"]},
        {"mean": [0, 0, 0, 1e40]},
        {"std": [1, 1, 1, -1]},
        {"std": [1, 1, 1]},
        {"std": 1.0},
        {"bent": [4]},
        {"bent": [0.5]},
        {"bent": ...},
        {"input_names": ["a"]},
        {"input_names": ["a", "a", "b", "c"]},
        {"input_names": ["a", "b", "c", 4]},
        {"input_names": ["a", "b", "c", "d" * 300]},
        {"input_names": ...},
        {"format": 1},
        {"format": 2},
        {"format": 4},
    ],
    ids=str,
)
def test_bad_columns(tmp_path, changes):
    path, meta = tmp_path / "model.npz", {"format": 3, **vars(small(**COLUMNS).meta), **changes}
    text = json.dumps({name: value for name, value in meta.items() if value is not ...})
    np.savez(path, **content(meta=as_bytes(text)))
    rejects(path, "meta|format|mean|std|bent|name")


BAD_META = [
    {"format": 2},
    {"format": 3},
    {"format": 0},
    {"format": "1"},
    {"format": None},
    {"format": ...},
    {"activation": "tanh"},
    {"activation": 3},
    {"activation": None},
    {"activation": ["silu"]},
    {"activation": {}},
    {"task": "ranking"},
    {"task": None},
    {"task": ["regression"]},
    {"divisor": 0},
    {"divisor": float("nan")},
    {"divisor": float("inf")},
    {"divisor": "x"},
    {"divisor": None},
    {"divisor": [1]},
    {"divisor": 10**400},
    {"std": 0.0},
    {"std": float("nan")},
    {"std": "x"},
    {"mean": float("inf")},
    {"mean": {}},
    {"class_names": ["a"]},
    {"class_names": ["a", "b", "c"]},
    {"class_names": None},
    {"class_names": 2},
    {"class_names": ...},
    {"input_shape": 4},
    {"input_shape": ["x"]},
    {"input_shape": [float("inf")]},
    {"surprise": 1},
]


@pytest.mark.parametrize("changes", BAD_META, ids=str)
def test_bad_meta(tmp_path, changes):
    path = tmp_path / "model.npz"
    np.savez(path, **content(meta=meta_array(**changes)))
    rejects(path, "meta|format|activation|task|divisor|class names|mean|std")


HEADERS = [
    "",
    "{",
    "[" * 100,
    "(" * 100,
    "{'shape': (5,)}",
    "{[]: 1}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': 5}",
    "\x00" * 9,
    "'''",
    "  x\n y",
    "1" * 90,
    "{'descr': 'nonsense', 'fortran_order': False, 'shape': (5,)}",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("header", HEADERS)
def test_bad_header(tmp_path, header):
    path = tmp_path / "model.npz"
    with_member(path, "layer0_weight.npy", npy(None, bytes(20), header=header or " "))
    rejects(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x02\x00" + bytes(200),
        b"\x93NUMPY\x01\x00\xff\xff{",
        npy((5,), bytes(19)),
        npy((5,), bytes(21)),
        npy((-5,)),
        npy((5,), descr="|V0"),
        npy((5,), bytes(20), descr="|O"),
        npy((2**70,)),
    ],
)
def test_bad_member(tmp_path, data):
    path = tmp_path / "model.npz"
    with_member(path, "layer0_weight.npy", data)
    rejects(path)


def peak_while_rejecting(path, match):
    return peak_bytes(lambda: rejects(path, match))


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
    monkeypatch.setattr(file, "MAX_MODEL_BYTES", 2**20)
    with_member(path, "layer0_weight.npy", npy((2**23,), bytes(2**25)))
    assert peak_while_rejecting(path, "33556138 bytes in all members, at most 1048576 are read") < 2**20


def test_encrypted_member(tmp_path):
    path, data = tmp_path / "model.npz", bytearray(small().to_bytes())
    data[6] |= 1  # general purpose flags of the first member, here and in the directory
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    rejects(path)

"""Files from strangers and data of odd shapes: read as they are, or refused in one line, never believed."""

import io
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import soak_hostile as soak
import tinygsp
from tinygsp import files
from tinygsp.data import Dataset
from tinygsp.files import read_arrays
from tinygsp.layers import Layer, MaskedDense
from tinygsp.prune import Pruner, Settings
from tinygsp.sparse import Meta, ModelFileError, SparseNetwork

f32 = np.float32
MIB = 2**20
more = settings(deadline=None, max_examples=200, database=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture])


def put(folder, content):
    path = folder / "stranger"
    path.write_bytes(content)
    return path


def outcome(folder, reader, content):
    """"accepted" or "refused"; anything else is raised."""
    return soak.judge(put(folder, content), reader)[0]


def refusal(folder, reader, content):
    """The message of the reader's own error."""
    read, error = soak.READERS[reader]
    with pytest.raises(error) as caught:
        read(put(folder, content))
    return str(caught.value)


def peak_bytes(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# --- many files ---------------------------------------------------------------------------------------------


def test_two_thousand_spoiled_files():
    table, broken = soak.run(2000, seed=0, limits=False)
    assert not broken
    readers = {reader for reader, _ in table}
    assert readers == set(soak.READERS)
    for reader in readers:  # both happen, or nothing was tested
        for result in ("accepted", "refused"):
            assert sum(row[result] for (r, _), row in table.items() if r == reader) > 20


def test_the_soak_sees_broken_promises(monkeypatch):
    def foreign(path):
        raise KeyError("not the reader's own")

    def long(path):
        raise soak.StateError(f"{path}: {'x' * 1000}")

    for read in (foreign, long, lambda path: None, lambda path: {"a": np.array([None])}):
        monkeypatch.setitem(soak.READERS, "state", (read, soak.StateError))
        table, broken = soak.run(30, seed=0, limits=False)
        states = sum(sum(row[name] for name in ("accepted", "refused", "broken"))
                     for (reader, _), row in table.items() if reader == "state")
        assert len(broken) == states > 0


@pytest.mark.parametrize("reader", soak.GOOD)
def test_the_files_that_are_spoiled_are_good(tmp_path, reader):
    for content in soak.GOOD[reader]:
        assert outcome(tmp_path, reader, content) == "accepted"


# --- bombs, by name -----------------------------------------------------------------------------------------

REFUSALS = {
    "gzip bomb behind a small header": "too long, bytes go on after the 60",
    "gzip bomb as large as its header": "too large",
    "gzip bomb with plausible images": "may inflate 100 times",
    "gzip bomb of labels": "may inflate 100 times",
    "gzip header of 4 GiB": "too large",
    "plain header of 4 GiB": "too large",
    "header of 32 GiB": "header promises 34359738368",
    "header of 32 GiB, state": "header promises 34359738368",
    "header of sizes that overflow": "header promises 158456325028528675187087900672",
    "deflate bomb behind a small header": "at most 67108864 are read",
    "deflate bomb as large as its header": "at most 67108864 are read",
    "deflate bomb, state": "at most 67108864 are read",
    "deflate bomb listed as small": "Bad CRC-32",
    "deflate bomb listed as the size allowed": "its header promises 20",
    "deflate bomb in a meta": "meta, JSON as at most 1048576 uint8, is missing",
    "bzip2 bomb": "compression 12",
    "many members": "bytes long, at most 65536 are read",
    "nested meta": "meta is not JSON",
    "meta of many lists": "meta, JSON as at most 1048576 uint8, is missing",
    "meta of a long number": "meta is not JSON",
}
ALLOWED = {"gzip bomb of the size allowed", "deflate bomb of the size allowed", "large model"}


@pytest.mark.parametrize("name", sorted(soak.BOMBS.keys() - ALLOWED))
def test_bomb(tmp_path, name):
    reader, make = soak.BOMBS[name]
    assert REFUSALS[name] in refusal(tmp_path, reader, make())


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_as_much_as_is_allowed(tmp_path, name):
    reader, make = soak.BOMBS[name]
    assert outcome(tmp_path, reader, make()) == "accepted"


@pytest.mark.parametrize("name", ["header of 32 GiB", "deflate bomb listed as small", "bzip2 bomb", "many members",
                                  "deflate bomb as large as its header", "gzip bomb behind a small header",
                                  "gzip bomb with plausible images"])
def test_a_bomb_takes_no_memory(tmp_path, name):
    reader, make = soak.BOMBS[name]
    path = put(tmp_path, make())
    read, error = soak.READERS[reader]

    def work():
        with pytest.raises(error):
            read(path)

    assert peak_bytes(work) < 4 * MIB


# --- .npz files ---------------------------------------------------------------------------------------------


def saved(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("content", soak.GOOD["state"], ids=["stored", "compressed"])
def test_arrays_come_back(tmp_path, content):
    found = read_arrays(put(tmp_path, content), ValueError)
    assert found.keys() == soak.state().keys()
    for name, array in soak.state().items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert np.array_equal(found[name], array) and found[name].flags.writeable and found[name].flags.c_contiguous


@pytest.mark.parametrize("array, what", [
    (np.zeros((1, 1, 1, 1)), "at most 3-D"), (np.asfortranarray(np.ones((3, 2))), "C order"),
    (np.array(["a"]), "bool, int or float"), (np.array([None]), "bool, int or float"), (np.zeros(3, ">f8"), "float"),
    (np.zeros(2, complex), "float"), (np.zeros(2, [("a", "<f4")]), "float"), (np.zeros(2, "M8[s]"), "float"),
])
def test_arrays_that_are_not_plain_numbers(tmp_path, array, what):
    message = refusal(tmp_path, "state", soak.archive([("good.npy", soak.npy([1])), ("odd.npy", soak.npy(array))]))
    assert "member 'odd.npy': its header is not" in message and what in message


@pytest.mark.parametrize("start", [b"\x93NUMPY\2\0", b"\x93NUMPY\1\1", b"\x93NUMPZ\1\0", bytes(8)])
def test_the_magic_number_is_checked(tmp_path, start):
    """Though the header after it would be good."""
    content = start + soak.npy([1])[8:]
    assert "its header is not .npy version (1, 0)" in refusal(tmp_path, "state", soak.archive([("a.npy", content)]))


def test_a_long_header_is_read_whole(tmp_path):
    """Spaces may fill it up to 65,535 bytes; the numbers begin after all of them."""
    text = soak.npy_header((2,), "<f4")[10:-1] + b" " * 2000 + b"\n"
    content = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + np.array([1, 2], f32).tobytes()
    found = read_arrays(put(tmp_path, soak.archive([("a.npy", content)])), ValueError)
    assert found["a"].tolist() == [1, 2]


def test_a_bool_is_0_or_1(tmp_path):
    odd = soak.npy_header((3,), "|b1", b"\0\1\2")
    assert "neither 0 nor 1" in refusal(tmp_path, "state", soak.archive([("a.npy", odd)]))


def test_the_sum_of_all_members_is_bounded(tmp_path):
    path = put(tmp_path, saved(a=np.zeros(1000), b=np.zeros(1000)))
    size = 2 * (128 + 8000)
    assert read_arrays(path, ValueError, size).keys() == {"a", "b"}
    with pytest.raises(ValueError, match=f"{size} bytes in all members, at most {size - 1} are read"):
        read_arrays(path, ValueError, size - 1)


@pytest.mark.parametrize("name", ["../a.npy", "/a.npy", "b/a.npy", "a", ".npy", "a.npy/", "a\\b.npy", "é.npy",
                                  "a b.npy", "x" * 101 + ".npy", "a\n.npy"])
def test_names_are_plain(tmp_path, name):
    assert "unexpected member" in refusal(tmp_path, "state", soak.archive([(name, soak.npy([1]))]))


def test_names_are_unique(tmp_path):
    content = soak.archive([("a.npy", soak.npy([1])), ("a.npy", soak.npy([2]))])
    assert "repeated member 'a.npy'" in refusal(tmp_path, "state", content)


def test_members_lie_apart(tmp_path):
    """Two entries for one place: a few kilobytes could be counted, and inflated, a thousand times."""
    content = bytearray(soak.archive([("a.npy", soak.npy([1])), ("b.npy", soak.npy([2]))]))
    second = content.rindex(b"PK\1\2")
    content[second + 42:second + 46] = bytes(4)
    assert "'a.npy' and 'b.npy' overlap" in refusal(tmp_path, "state", bytes(content))


def test_a_large_list_of_members_is_not_read(tmp_path):
    """`zipfile` would read all of it, and make an object of every entry."""
    entry = b"PK\1\2" + bytes(42)
    listing = entry * 1500
    end = b"PK\5\6" + bytes(8) + len(listing).to_bytes(4, "little") + bytes(6)
    assert f"{len(listing)} bytes long, at most {files.MAX_DIRECTORY}" in refusal(tmp_path, "state", listing + end)


def test_zip64_and_comments_are_not_read(tmp_path):
    good = soak.archive([("a.npy", soak.npy([1]))])
    locator = b"PK\6\7" + bytes(16)
    for odd in (good[:-2] + b"\5\0hello", good[:-2] + b"\5\0", good[:-22] + locator + good[-22:], good + b"x",
                good[:-1], b"PK\5\6"):
        assert "where a plain zip file has it" in refusal(tmp_path, "state", odd)
    assert outcome(tmp_path, "state", b"PK\5\6" + bytes(18)) == "accepted"  # a zip file of nothing


@pytest.mark.parametrize("reader", soak.READERS)
def test_no_file_and_a_folder(tmp_path, reader):
    read, error = soak.READERS[reader]
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(error, match="cannot be read"):
            read(path)


# --- model files --------------------------------------------------------------------------------------------


def model(**changes):
    """A good model file with some fields of its meta changed."""
    members = dict(soak.members_of(soak.GOOD["model"][0]))
    text = json.dumps({"format": 1, **vars(soak.network(0).meta), **changes})
    members["meta.npy"] = soak.npy(np.frombuffer(text.encode(), np.uint8))
    return soak.archive(list(members.items()))


@pytest.mark.parametrize("name, value", [
    ("class_names", [1, 2, 3]), ("class_names", ["a", "b", None]), ("class_names", "abc"), ("class_names", ["a", "b"]),
    ("class_names", ["a", "b", "\x1b[31m"]), ("class_names", ["a", "b", "\ud800"]), ("class_names", ["a", "b", "c\n"]),
    ("input_shape", [2, 4]), ("input_shape", [-2, -3]), ("input_shape", [6.0]), ("input_shape", [1, 1, 2, 3]),
    ("input_shape", [True, 6]), ("input_shape", None), ("dataset", 3), ("dataset", ["x"]), ("mean", "0"), ("std", True),
    ("divisor", -1), ("divisor", 1e-40), ("activation", "tanh"), ("task", 0), ("format", 2), ("format", True), ("x", 1),
])
def test_meta_is_checked(tmp_path, name, value):
    expected = "JSON object" if name == "x" else name.partition("_")[0]
    assert expected in refusal(tmp_path, "model", model(**{name: value}))


@pytest.mark.parametrize("name", ["activation", "task", "dataset", "mean", "format"])
def test_meta_is_complete(tmp_path, name):
    """No default stands in for what a file does not say."""
    members = dict(soak.members_of(soak.GOOD["model"][0]))
    fields = {"format": 1, **vars(soak.network(0).meta)}
    del fields[name]
    members["meta.npy"] = soak.npy(np.frombuffer(json.dumps(fields).encode(), np.uint8))
    assert "JSON object of" in refusal(tmp_path, "model", soak.archive(list(members.items())))


def test_a_model_has_a_layer(tmp_path):
    meta = dict(soak.members_of(soak.GOOD["model"][0]))["meta.npy"]
    assert "layer0_shape is missing" in refusal(tmp_path, "model", soak.archive([("meta.npy", meta)]))


@pytest.mark.parametrize("changes, what", [
    ({"class_names": ()}, "0 class names for 3 outputs"), ({"std": 0.0}, "std is '0.0'"),
    ({"mean": float("nan")}, "mean is 'nan'"), ({"class_names": (1, 2, 3)}, "class_names"),
    ({"input_shape": (5,)}, r"input_shape is \(5,\) for 6 inputs"),
])
def test_what_could_not_be_read_is_not_written(tmp_path, changes, what):
    network = soak.network(0)
    path = tmp_path / "model.npz"
    with pytest.raises(ValueError, match=what):
        SparseNetwork(network.layers, replace(network.meta, **changes)).save(path)
    assert not path.exists()


def test_a_network_of_default_meta_is_refused_when_it_is_saved():
    with pytest.raises(ValueError, match="0 class names for 3 outputs"):
        SparseNetwork(soak.network(0).layers, Meta()).to_bytes()


def test_a_weight_that_is_not_finite_is_not_written():
    first, second = soak.network(0).layers
    bad = SparseNetwork([replace(first, weight=first.weight * f32(np.nan)), second], soak.network(0).meta)
    with pytest.raises(ModelFileError, match="layer0_weight or layer0_bias has a value that is not finite"):
        bad.to_bytes()


# --- what nobody thought of ---------------------------------------------------------------------------------


@more
@given(st.sampled_from(sorted(soak.READERS)), st.binary(max_size=300))
def test_any_bytes(tmp_path, reader, content):
    assert outcome(tmp_path, reader, content) == "refused" or content[:4] in (b"PK\5\6", b"\0\0\x08\1", b"\0\0\x08\3")


@more
@given(st.sampled_from(sorted(soak.READERS)), st.data())
def test_any_patch(tmp_path, reader, data):
    """A good file with a few pieces replaced."""
    content = bytearray(data.draw(st.sampled_from(soak.GOOD[reader])))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        content[start:start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    outcome(tmp_path, reader, bytes(content))


@more
@given(hnp.arrays(st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(), hnp.array_dtypes()),
                  hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
def test_any_array(tmp_path, array):
    """It comes back equal, or it was none of plain numbers."""
    content = soak.archive([("a.npy", soak.npy(array))])
    plain = array.dtype.kind in "biuf" and array.dtype.itemsize <= 8 and array.dtype.byteorder in "<=|"
    c_order = array.flags.c_contiguous  # NumPy writes Fortran order only for what is not C order too
    if plain and c_order and array.ndim <= 3:
        found = read_arrays(put(tmp_path, content), ValueError)["a"]
        assert found.dtype == array.dtype and found.shape == array.shape and found.tobytes() == array.tobytes()
    else:
        assert outcome(tmp_path, "state", content) == "refused"


@more
@given(st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 6), min_size=3, max_size=3), st.integers(0, 250))
def test_any_sizes(tmp_path, sizes, n):
    content = soak.idx(np.zeros((n, 1, 1), np.uint8), sizes)
    fits = 0 < np.prod(sizes, dtype=object) == n
    assert outcome(tmp_path, "images", content) == ("accepted" if fits else "refused")


@more
@given(st.sampled_from(list(vars(Meta())) + ["format", "x"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=5))
def test_any_meta(tmp_path, name, value):
    outcome(tmp_path, "model", model(**{name: value}))


@more
@given(st.sampled_from(["row", "col", "weight", "bias", "shape"]), st.integers(0, 1), st.data())
def test_any_numbers_in_a_model(tmp_path, name, k, data):
    """What is accepted has every index in range and every weight finite."""
    members = dict(soak.members_of(soak.GOOD["model"][0]))
    member = f"layer{k}_{name}.npy"
    good = soak.array_of(members[member])
    elements = st.integers(-1, 7) if good.dtype.kind == "i" else hnp.from_dtype(good.dtype)
    members[member] = soak.npy(data.draw(hnp.arrays(good.dtype, good.shape, elements=elements)))
    path = put(tmp_path, soak.archive(list(members.items())))
    if soak.judge(path, "model")[0] == "accepted":
        for layer in SparseNetwork.load(path).layers:
            places = list(zip(layer.row.tolist(), layer.col.tolist()))
            assert len(set(places)) == len(places)
            assert all(0 <= i < layer.n_in and 0 <= j < layer.n_out for i, j in places)
            assert np.isfinite(layer.weight).all() and np.isfinite(layer.bias).all()


# --- data of odd shapes -------------------------------------------------------------------------------------

JIT = not numba.config.DISABLE_JIT  # compiled loops run as Python are a thousand times slower
TINY = Settings(density=0.1, hidden=(6,), epochs=3, dense_epochs=1, finetune_epochs=2, batch_size=16)


def pictures(n=40, pixels=12, classes=3, labels=None, x=None):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % classes if labels is None else np.asarray(labels)
    x = rng.integers(256, size=(n, pixels)).astype(np.uint8) if x is None else x
    part = slice(0, max(1, n // 4))
    return Dataset("odd", x, labels, x[part], labels[part], x[part], labels[part], task="classification", n_out=classes,
                   class_names=tuple(str(k) for k in range(classes)), input_shape=(1, pixels), divisor=255.0, mean=0.5,
                   std=0.3)


SHAPES = {
    "16,000 pixels": (pictures(pixels=16_000 if JIT else 160), 0.01 if JIT else 0.1),
    "one pixel": (pictures(pixels=1), 0.9),
    "two classes": (pictures(classes=2), 0.2),
    "1,000 classes": (pictures(classes=1000), 0.5),
    "classes missing from training": (pictures(classes=10, labels=np.repeat([0, 7], 20)), 0.5),
    "one training image": (pictures(n=1), 0.5),
    "constant pixels": (pictures(x=np.full((40, 12), 200, np.uint8)), 0.5),
    "black pixels": (pictures(x=np.zeros((40, 12), np.uint8)), 0.5),
}


@pytest.mark.filterwarnings("ignore:overflow encountered in scalar")  # of uint32, on purpose, when not compiled
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dataset, density", SHAPES.values(), ids=SHAPES)
def test_odd_data_is_pruned(tmp_path, dataset, density):
    pruner = Pruner(dataset, replace(TINY, density=density))
    records = list(pruner.run())
    assert len(records) == 6 and all(np.isfinite(r["loss"]) and 0 <= r["val_accuracy"] <= 1 for r in records)
    network = pruner.network
    assert network.count() <= pruner.budget
    network.save(tmp_path / "model.npz")
    again = SparseNetwork.load(tmp_path / "model.npz")
    assert np.array_equal(again.scores(dataset.test_x), network.scores(dataset.test_x))
    assert again.scores(dataset.test_x).shape == (len(dataset.test_x), dataset.n_out)


def test_a_class_without_pictures_is_never_chosen_for_long():
    """Its score is pushed down by every picture of another class."""
    dataset = pictures(n=200, classes=4, labels=np.tile([0, 3], 100))
    pruner = Pruner(dataset, replace(TINY, density=0.9, dense_epochs=5))
    list(pruner.run())
    assert set(pruner.network.predict(dataset.train_x)) <= {0, 3}


@pytest.mark.parametrize("W, gate", [
    (np.zeros((3, 2), f32), np.zeros((2, 3), f32)), (np.zeros((3, 2), f32).T, np.zeros((2, 3), f32)),
    (np.zeros((2, 3), f32), np.zeros((2, 6), f32)[:, ::2]),
], ids=["shapes", "order of W", "order of gate"])
def test_a_layer_wants_contiguous_arrays_of_one_shape(W, gate):
    with pytest.raises(ValueError, match="expected two C-contiguous arrays of one shape"):
        MaskedDense(W, gate)


def test_a_plain_layer_changes_nothing():
    layer, x = Layer(), np.ones((2, 3))
    layer.sample(0)
    assert layer.forward(x) is x and layer.backward(x) is x and layer.params == layer.grads == {}


def test_a_finished_run_cannot_go_on():
    pruner = Pruner(pictures(), replace(TINY, density=0.5, epochs=1, finetune_epochs=1))
    list(pruner.run())
    with pytest.raises(ValueError, match="all 3 epochs are done"):
        pruner.train_epoch()


# --- machines of odd kinds ----------------------------------------------------------------------------------


def run_kernels(folder, **changes):
    """Call a compiled function of the copy of the library in `folder`, in a process of its own."""
    code = ("from tinygsp import kernels; import numpy as np; print(kernels.__file__); "
            "best = np.empty(1, np.int64); kernels.row_argmax(np.array([[1, 3, 2]], np.float32), best); print(best[0])")
    hidden = ("NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT", "XDG_CACHE_HOME", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env={**environment, **changes}, text=True,
                          capture_output=True, timeout=300)


@pytest.fixture
def locked(tmp_path):
    """A copy of the library whose caches cannot be written, not even by an administrator: a file is in the way."""
    package = tmp_path / "install" / "tinygsp"
    shutil.copytree(Path(tinygsp.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__pycache__").write_text("not a folder")
    return package.parent


@pytest.mark.skipif(sys.platform == "win32", reason="the user's cache folder is not told by the environment")
def test_an_install_that_cannot_be_written_uses_the_users_cache(locked, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    done = run_kernels(locked, HOME=str(home))
    where, best = done.stdout.split()
    assert Path(where).parent == locked / "tinygsp" and best == "1", done.stderr
    assert list(home.rglob("*.nbi")), "no cache in the home folder"


def test_a_cache_folder_may_be_named(locked, tmp_path):
    home = tmp_path / "home"
    home.write_text("not a folder")  # nothing can be written there either
    done = run_kernels(locked, HOME=str(home), NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert done.stdout.split()[1:] == ["1"], done.stderr
    assert list((tmp_path / "cache").rglob("*.nbi"))

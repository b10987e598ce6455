"""Files that may come from anybody: read as they are, or refused in one line, in little time and memory."""

import json

import numpy as np
import pytest
from helpers.hostile.bombs import BOMBS, MIB
from helpers.hostile.files import GOOD, archive, array_of, members_of, network, npy
from helpers.hostile.judge import READERS, StateError, judge, run
from helpers.hostile.outcome import outcome, put, refusal
from helpers.idx import idx_bytes
from helpers.memory import peak_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygsp.sparse import Meta, SparseNetwork

more = settings(
    deadline=None, max_examples=200, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# --- many files -----------------------------------------------------------------------------------------------


def test_two_thousand_spoiled_files():
    table, broken = run(2000, seed=0, limits=False)
    assert not broken
    readers = {reader for reader, _ in table}
    assert readers == set(READERS)
    for reader in readers:  # both happen, or nothing was tested
        for result in ("accepted", "refused"):
            assert sum(row[result] for (r, _), row in table.items() if r == reader) > 20


def test_the_soak_sees_broken_promises(monkeypatch):
    def foreign(path):
        raise KeyError("not the reader's own")

    def long(path):
        raise StateError(f"{path}: {'x' * 1000}")

    for read in (foreign, long, lambda path: None, lambda path: {"a": np.array([None])}):
        monkeypatch.setitem(READERS, "state", (read, StateError))
        table, broken = run(30, seed=0, limits=False)
        states = sum(
            sum(row[name] for name in ("accepted", "refused", "broken"))
            for (reader, _), row in table.items()
            if reader == "state"
        )
        assert len(broken) == states > 0


@pytest.mark.parametrize("reader", GOOD)
def test_the_files_that_are_spoiled_are_good(tmp_path, reader):
    for content in GOOD[reader]:
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
    "deflate bomb in a meta": "meta, JSON as at most 4194304 uint8, is missing",
    "bzip2 bomb": "compression 12",
    "many members": "bytes long, at most 65536 are read",
    "nested meta": "meta is not JSON",
    "meta of many lists": "meta, JSON as at most 4194304 uint8, is missing",
    "meta of a long number": "meta is not JSON",
}
ALLOWED = {"gzip bomb of the size allowed", "deflate bomb of the size allowed", "large model"}


@pytest.mark.parametrize("name", sorted(BOMBS.keys() - ALLOWED))
def test_bomb(tmp_path, name):
    reader, make = BOMBS[name]
    assert REFUSALS[name] in refusal(tmp_path, reader, make())


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_as_much_as_is_allowed(tmp_path, name):
    reader, make = BOMBS[name]
    assert outcome(tmp_path, reader, make()) == "accepted"


@pytest.mark.parametrize(
    "name",
    [
        "header of 32 GiB",
        "deflate bomb listed as small",
        "bzip2 bomb",
        "many members",
        "deflate bomb as large as its header",
        "gzip bomb behind a small header",
        "gzip bomb with plausible images",
    ],
)
def test_a_bomb_takes_no_memory(tmp_path, name):
    reader, make = BOMBS[name]
    path = put(tmp_path, make())
    read, error = READERS[reader]

    def work():
        with pytest.raises(error):
            read(path)

    assert peak_bytes(work) < 4 * MIB


@pytest.mark.parametrize("reader", READERS)
def test_no_file_and_a_folder(tmp_path, reader):
    read, error = READERS[reader]
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(error, match="cannot be read"):
            read(path)


# --- model files ----------------------------------------------------------------------------------------------


def meta_of_format_1():
    """The meta of a good model file, as a dict."""
    meta = vars(network(0).meta)
    return {"format": 1, **{name: value for name, value in meta.items() if name not in ("input_names", "bent")}}


def model(**changes):
    """A good model file with some fields of its meta changed."""
    members = dict(members_of(GOOD["model"][0]))
    text = json.dumps({**meta_of_format_1(), **changes})
    members["meta.npy"] = npy(np.frombuffer(text.encode(), np.uint8))
    return archive(list(members.items()))


@pytest.mark.parametrize(
    "name, value",
    [
        ("class_names", [1, 2, 3]),
        ("class_names", ["a", "b", None]),
        ("class_names", "abc"),
        ("class_names", ["a", "b"]),
        ("class_names", ["a", "b", "\x1b[31m"]),
        ("class_names", ["a", "b", "\ud800"]),
        ("class_names", ["a", "b", "c\n"]),
        ("input_shape", [2, 4]),
        ("input_shape", [-2, -3]),
        ("input_shape", [6.0]),
        ("input_shape", [1, 1, 2, 3]),
        ("input_shape", [True, 6]),
        ("input_shape", None),
        ("dataset", 3),
        ("dataset", ["x"]),
        ("mean", "0"),
        ("std", True),
        ("divisor", -1),
        ("divisor", 1e-40),
        ("activation", "tanh"),
        ("task", 0),
        ("format", 3),
        ("format", True),
        ("x", 1),
    ],
)
def test_meta_is_checked(tmp_path, name, value):
    expected = "JSON object" if name == "x" else name.partition("_")[0]
    assert expected in refusal(tmp_path, "model", model(**{name: value}))


@pytest.mark.parametrize("name", ["activation", "task", "dataset", "mean", "format"])
def test_meta_is_complete(tmp_path, name):
    """No default stands in for what a file does not say."""
    members = dict(members_of(GOOD["model"][0]))
    fields = meta_of_format_1()
    del fields[name]
    members["meta.npy"] = npy(np.frombuffer(json.dumps(fields).encode(), np.uint8))
    assert "JSON object of" in refusal(tmp_path, "model", archive(list(members.items())))


def test_a_model_has_a_layer(tmp_path):
    meta = dict(members_of(GOOD["model"][0]))["meta.npy"]
    assert "layer0_shape is missing" in refusal(tmp_path, "model", archive([("meta.npy", meta)]))


# --- files of chance ------------------------------------------------------------------------------------------


@more
@given(st.sampled_from(sorted(READERS)), st.binary(max_size=300))
def test_any_bytes(tmp_path, reader, content):
    assert outcome(tmp_path, reader, content) == "refused" or content[:4] == b"PK\5\6" or content[:2] == b"\0\0"


@more
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_any_patch(tmp_path, reader, data):
    """A good file with a few pieces replaced."""
    content = bytearray(data.draw(st.sampled_from(GOOD[reader])))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    outcome(tmp_path, reader, bytes(content))


@more
@given(st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 6), min_size=3, max_size=3), st.integers(0, 250))
def test_any_sizes(tmp_path, sizes, n):
    content = idx_bytes(np.zeros((n, 1, 1), np.uint8), sizes)
    fits = 0 < np.prod(sizes, dtype=object) == n
    assert outcome(tmp_path, "images", content) == ("accepted" if fits else "refused")


@more
@given(
    st.sampled_from(list(vars(Meta())) + ["format", "x"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=5,
    ),
)
def test_any_meta(tmp_path, name, value):
    outcome(tmp_path, "model", model(**{name: value}))


@more
@given(st.sampled_from(["row", "col", "weight", "bias", "shape"]), st.integers(0, 1), st.data())
def test_any_numbers_in_a_model(tmp_path, name, k, data):
    """What is accepted has every index in range and every weight finite."""
    members = dict(members_of(GOOD["model"][0]))
    member = f"layer{k}_{name}.npy"
    good = array_of(members[member])
    elements = st.integers(-1, 7) if good.dtype.kind == "i" else hnp.from_dtype(good.dtype)
    members[member] = npy(data.draw(hnp.arrays(good.dtype, good.shape, elements=elements)))
    path = put(tmp_path, archive(list(members.items())))
    if judge(path, "model")[0] == "accepted":
        for layer in SparseNetwork.load(path).layers:
            places = list(zip(layer.row.tolist(), layer.col.tolist()))
            assert len(set(places)) == len(places)
            assert all(0 <= i < layer.n_in and 0 <= j < layer.n_out for i, j in places)
            assert np.isfinite(layer.weight).all() and np.isfinite(layer.bias).all()

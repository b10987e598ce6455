"""What a well-formed file says is bounded: names, shapes and sizes, so that nothing later takes memory by shape."""

import json
import time

import numpy as np
import pytest
from helpers.hostile.files import archive, members_of, npy
from helpers.hostile.outcome import put
from helpers.hostile.use import use_network
from helpers.memory import peak_bytes
from helpers.nets import f32, layer, small

from tinygsp.sparse import Meta, ModelFileError, SparseNetwork, file

MIB = 2**20


def model(sizes, connections=(), **fields):
    """A model file of layers of these sizes with the given connections [(layer, row, col), ...]."""
    members = {}
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        own = [(row, col) for which, row, col in connections if which == k]
        arrays = {
            "shape": np.array([n_in, n_out]),
            "row": np.array([row for row, _ in own], np.int32),
            "col": np.array([col for _, col in own], np.int32),
            "weight": np.ones(len(own), f32),
            "bias": np.zeros(n_out, f32),
        }
        members |= {f"layer{k}_{name}.npy": npy(array) for name, array in arrays.items()}
    names = [str(j) for j in range(sizes[-1])]
    meta = {"format": 1, "class_names": names, "input_shape": [sizes[0]], "activation": "silu", "divisor": 1.0,
            "mean": 0.0, "std": 1.0, "task": "classification", "dataset": "x", **fields}  # fmt: skip
    members["meta.npy"] = npy(np.frombuffer(json.dumps(meta).encode(), np.uint8))
    return archive(list(members.items()))


def refusal(tmp_path, content):
    """The line with which a file is refused, without the name of the file."""
    path = put(tmp_path, content)
    with pytest.raises(ModelFileError) as caught:
        SparseNetwork.load(path)
    assert str(caught.value).startswith(f"{path}: ") and str(caught.value).isprintable()
    line = str(caught.value).removeprefix(f"{path}: ")
    assert len(line) <= 300
    return line


def test_what_the_helper_writes_is_good(tmp_path):
    network = SparseNetwork.load(put(tmp_path, model([4, 3, 2], [(0, 1, 2), (1, 2, 1)])))
    assert network.reaches().sum() == 1 and network.meta.class_names == ("0", "1")


@pytest.mark.parametrize("sizes, what", [
    ([2**18, 1], "262,145 inputs, units and outputs together; at most 262,144"),
    ([784, 2**17, 2**17, 10], "262,938 inputs, units and outputs together; at most 262,144"),
    ([2**18 + 1, 1], "layer0_shape is [262145, 1], expected two int64 from 1 to 262144"),
    ([2, 4097], "4,097 outputs; at most 4,096"),
    ([4097, 4096], "4,097 inputs times 4,096 outputs; at most 16,777,216 pairs"),
    ([3] * 66, "65 layers; at most 64"),
])  # fmt: skip
def test_sizes_beyond_the_limits(tmp_path, sizes, what):
    assert what in refusal(tmp_path, model(sizes))


@pytest.mark.parametrize("sizes", [[2**18 - 1, 1], [784, 2**17, 2**17 - 794, 10], [2, 4096], [4096, 4096], [3] * 65])
def test_sizes_at_the_limits(tmp_path, sizes):
    assert len(SparseNetwork.load(put(tmp_path, model(sizes))).layers) == len(sizes) - 1


@pytest.mark.parametrize("names, what", [
    (["a"], "1 class names for 2 outputs"), (["a"] * 100_000, "100000 class names for 2 outputs"), ([], "0 class "),
    (["a", "b" * 201], "has 201 letters; at most 200 are allowed"), (["a", "$" * 10_000], "has 10000 letters"),
    (["a", "\U0001f600" * 2000], "letters; at most 200"), (["a", "\n"], "cannot be printed"),
    (["a", "\x07" * 500], "cannot be printed"), (["a", "\u202e"], "cannot be printed"),
])  # fmt: skip
def test_class_names_are_bounded(tmp_path, names, what):
    assert what in refusal(tmp_path, model([3, 2], class_names=names))


@pytest.mark.parametrize("names", [["$", "\\frac{1}{"], ["", " "], ["x" * 200, "字"], ["</script>", "<!--"]])
def test_class_names_that_are_odd_and_allowed(tmp_path, names):
    assert SparseNetwork.load(put(tmp_path, model([3, 2], class_names=names))).meta.class_names == tuple(names)


def test_all_class_names_together_are_bounded(tmp_path):
    good = model([3, 400], class_names=["x" * 163] * 400)
    assert len(SparseNetwork.load(put(tmp_path, good)).meta.class_names) == 400
    assert "have 65600 letters; at most 65536" in refusal(tmp_path, model([3, 400], class_names=["x" * 164] * 400))


@pytest.mark.parametrize("shape", [
    [5], [2, 2], [1, 1, 7], [1, 1, 2, 3], [0], [-6], [-2, -3], [6, 0], [10**4000], [10**400, 10**400], [1] * 5000,
    [2**31, 2**33],
])  # fmt: skip
def test_shapes_that_do_not_fit(tmp_path, shape):
    assert "for 6 inputs; expected sizes whose product is 6" in refusal(tmp_path, model([6, 2], input_shape=shape))


@pytest.mark.parametrize("shape", [[], [6], [2, 3], [1, 6], [6, 1], [1, 2, 3]])
def test_shapes_that_fit(tmp_path, shape):
    """An empty one says nothing."""
    assert SparseNetwork.load(put(tmp_path, model([6, 2], input_shape=shape))).meta.input_shape == tuple(shape)


def test_a_name_of_a_data_set_is_bounded(tmp_path):
    assert SparseNetwork.load(put(tmp_path, model([6, 2], dataset="x" * 4096))).meta.dataset == "x" * 4096
    assert "expected a text of at most 4096 letters" in refusal(tmp_path, model([6, 2], dataset="x" * 4097))


@pytest.mark.parametrize("field", [name for name in vars(Meta()) if name not in file.NEW])
@pytest.mark.parametrize("value", [
    "x" * 100_000, ["\n" * 5000] * 50, {"a" * 9000: "b" * 9000}, [[[[[[[["x"]]]]]]]] * 1000, 10**4000,
    "\x07" * 9000, [10**4000] * 3, [["x" * 900]],
], ids=range(8))  # fmt: skip
def test_a_line_is_short_whatever_the_file_holds(tmp_path, field, value):
    refusal(tmp_path, model([6, 2], **{field: value}))


@pytest.mark.parametrize("version, advice", [
    (0, ""), (-1, ""), (file.FORMAT + 1, "; update tinygsp"), (10**300, "; update tinygsp"), ("1", ""), (1.0, ""),
    (True, ""), (None, ""),
])  # fmt: skip
def test_formats_that_are_not_known(tmp_path, version, advice):
    line = refusal(tmp_path, model([6, 2], format=version))
    assert line.startswith("format is ") and line.endswith(advice) and ("update" in line) == bool(advice)


@pytest.mark.parametrize("inputs", [1, 3])
def test_layers_that_do_not_chain(tmp_path, inputs):
    """More inputs than the layer before has outputs, and fewer."""
    content = model([4, 2]), model([inputs, 1])
    first, second = (dict(members_of(each)) for each in content)
    second = {name.replace("layer0", "layer1"): data for name, data in second.items()}
    merged = archive(list({**first, **second}.items()))
    assert f"layer0 has 2 outputs but layer1 has {inputs} inputs" in refusal(tmp_path, merged)


# --- what a network of hostile sizes takes ----------------------------------------------------------------------

TEN = [(0, 3, 50_000), (0, 9, 50_000), (0, 9, 7), (1, 50_000, 1), (1, 50_000, 59_999), (1, 7, 3), (1, 8, 4), (2, 1, 0),
       (2, 59_999, 9), (2, 3, 9)]  # fmt: skip


def test_ten_connections_between_sixty_thousand_units(tmp_path):
    """Reading it and asking everything takes a few megabytes, where one dense matrix would take fourteen gigabytes."""
    path = put(tmp_path, model([784, 60_000, 60_000, 10], TEN))
    use_network(SparseNetwork.load(path))  # compiled by now
    started = time.process_time()
    assert peak_bytes(lambda: use_network(SparseNetwork.load(path))) < 16 * MIB
    assert time.process_time() - started < 5
    network = SparseNetwork.load(path)
    assert np.argwhere(network.reaches()).tolist() == [[3, 0], [3, 9], [9, 0], [9, 9]]
    assert [part["kept_weights"] for part in network.report()] == [3, 4, 3]
    assert [part.row.size for part in network.trim().layers] == [3, 3, 3]


@pytest.mark.parametrize("empty", [0, 1, 2])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_layer_without_connections(tmp_path, empty, task):
    """The first, one in between, or the last: everything can still be asked."""
    connections = [(k, 0, 0) for k in range(3) if k != empty] + [(k, 1, 0) for k in range(3) if k != empty]
    network = SparseNetwork.load(put(tmp_path, model([4, 3, 2, 2], connections, task=task)))
    use_network(network)
    assert not network.reaches().any() and network.trim().reaches().shape == (4, 2)


def test_no_connections_at_all(tmp_path):
    network = SparseNetwork.load(put(tmp_path, model([4, 3, 2])))
    use_network(network)
    assert network.count() == 0


def test_scales_of_columns_that_are_whole_numbers(tmp_path):
    """As JSON of somebody else may have them."""
    fields = {"format": 2, "mean": [0, 1, 2], "std": [1, 2, 0], "bent": [1], "input_names": ["a", "b", "c"]}
    network = SparseNetwork.load(put(tmp_path, model([3, 1], [(0, 0, 0), (0, 1, 0), (0, 2, 0)], **fields)))
    use_network(network)
    assert network.scores([[4, 5, 6]])[0, 0] == pytest.approx(4 + np.arcsinh(2))


# --- parts of a matrix ------------------------------------------------------------------------------------------


def test_a_part_of_a_layer_is_that_of_the_matrix(rng):
    row, col = np.nonzero(rng.random((7, 5)) < 0.5)
    own = layer((7, 5), list(zip(row, col, rng.normal(size=row.size))), np.zeros(5))
    for rows, cols in ([[0, 3, 6], [1, 4]], [[], [2]], [[2], []], [range(7), range(5)]):
        rows, cols = np.array(rows, int), np.array(cols, int)
        for dtype in (f32, np.float64):
            found = own.part(rows, cols, dtype)
            assert found.dtype == dtype and np.array_equal(found, own.dense()[np.ix_(rows, cols)])


@pytest.mark.parametrize("block", [1, 100, 2**24])
def test_reaches_piece_by_piece(monkeypatch, rng, block):
    """Twenty outputs, as bits of three bytes, one byte at a time."""
    from tinygsp.sparse import reach

    monkeypatch.setattr(reach, "BLOCK", block)
    row, col = np.nonzero(rng.random((9, 20)) < 0.1)
    second = layer((9, 20), [(r, c, 1) for r, c in zip(row, col)], np.zeros(20))
    first = layer((5, 9), [(0, 1, 1), (0, 2, 1), (1, 3, 1), (2, 8, 0), (4, 0, 1)], np.zeros(9))
    network = SparseNetwork([first, second], Meta())
    assert np.array_equal(network.reaches(), (first.dense() != 0).astype(int) @ (second.dense() != 0) > 0)


def test_small_is_within_the_limits(tmp_path):
    small().save(tmp_path / "model.npz")
    use_network(SparseNetwork.load(tmp_path / "model.npz"))

"""Files whose format is right in every byte and that are hostile in what they say: functions of rng -> bytes."""

import json

import numpy as np

from helpers.hostile.checkpoints import CHECKPOINTS
from helpers.hostile.files import archive, f32, npy

# --- model files ------------------------------------------------------------------------------------------------

LEVELS = [1, 2, 3, 10, 784, 4096, 4097, 60_000, 2**16, 2**17, 2**18, 2**18 + 1, 2**20, 2**24, 2**31 - 1, 2**40, 2**62]


def model(rng, sizes, connections, weights=None, **fields):
    """A model file of levels of these sizes, with so many random connections a layer at most."""
    members = {}
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        count = min(int(connections), n_in * n_out)
        index = np.unique(rng.integers(min(n_in * n_out, 2**62), size=count))
        row, col = (a.astype(np.int32) for a in np.divmod(index, n_out))
        weight = rng.normal(size=row.size) if weights is None else rng.choice(weights, row.size)
        bias = np.zeros(min(n_out, 2**22), f32)
        bias[: min(n_out, 9)] = rng.normal(size=min(n_out, 9)) if weights is None else rng.choice(weights)
        arrays = {"shape": np.array([n_in, n_out]), "row": row, "col": col, "weight": weight.astype(f32), "bias": bias}
        members |= {f"layer{k}_{name}.npy": npy(array) for name, array in arrays.items()}
    names = [str(j) for j in range(min(sizes[-1], 2**17))]
    meta = {
        "format": 1,
        "activation": str(rng.choice(["silu", "relu"])),
        "task": str(rng.choice(["classification", "regression"])),
        "divisor": 255.0,
        "mean": 0.13,
        "std": 0.31,
        "class_names": names,
        "input_shape": [sizes[0]],
        "dataset": "mnist",
        **fields,
    }
    members["meta.npy"] = npy(np.frombuffer(json.dumps(meta).encode(), np.uint8))
    return archive(list(members.items()))


def few(rng):
    """Sizes of a small network."""
    return [int(n) for n in rng.integers(1, 12, rng.integers(2, 5))]


def levels_of_any_size(rng):
    """A few connections between levels that may be huge."""
    sizes = [int(n) for n in rng.choice(LEVELS, rng.integers(2, 5))]
    if rng.random() < 0.5:
        sizes[-1] = int(rng.integers(1, 20))
    return model(rng, sizes, 10)


def levels_at_the_limit(rng):
    """As many inputs, units and outputs as are allowed, or one more."""
    rest = 2**18 - 784 - 10 + int(rng.integers(-1, 2))
    cut = int(rng.integers(1, rest))
    return model(rng, [784, cut, rest - cut, 10], rng.choice([10, 1000]))


def many_connections(rng):
    """Tens of thousands of connections between tens of thousands of units: no matrix can hold them."""
    side = int(rng.choice([2000, 6000, 20_000, 60_000]))
    return model(rng, [side, side, int(rng.integers(1, 20))], rng.choice([5_000, 50_000]))


def many_outputs(rng):
    """Up to the largest number of outputs, and of inputs times outputs."""
    n_out = int(rng.choice([255, 1000, 4095, 4096, 4097]))
    return model(rng, [int(rng.choice([2**24 // n_out, 2**12, 50])), n_out], 5000)


def layers_without_connections(rng):
    """Some layers have none."""
    sizes = few(rng)
    content = model(rng, sizes, rng.choice([0, 0, 3]))
    if rng.random() < 0.5:  # only the last one has none
        return model(rng, [*few(rng), 1, 2], 0 if rng.random() < 0.2 else 1)
    return content


def many_layers(rng):
    """Fifty to a hundred layers, each full or nearly so: numbers of paths with a hundred digits."""
    sizes = [int(rng.integers(1, 6))] * int(rng.choice([50, 63, 64, 65, 66, 100]))
    return model(rng, sizes, 100)


def many_paths(rng):
    """Full layers: 10**9 paths and more."""
    return model(rng, [int(rng.integers(20, 60))] * int(rng.integers(3, 9)), 4000)


def numbers_at_the_ends(rng):
    """Weights as large and as small as float32 has them, zeros of both signs, and a scaling as odd."""
    numbers = [3e38, -3e38, 1e-45, -1e-45, 0.0, -0.0, 1.0, 1e20, -1e20, 1e-20]
    scaling = {name: float(rng.choice([1.0, 1e29, 1e-29, 9.9e29, 1e30, 1e-30])) for name in ("divisor", "mean", "std")}
    return model(rng, few(rng), 30, numbers, **scaling)


def odd_names(rng):
    """Class names for which a figure, a page or a terminal must be careful; long ones, and many."""
    sizes = few(rng)
    kinds = ["7", "cat", "$", "$\\frac{1}{", "\\", "{", "_^", "%", "", " ", "</script>", "<!--", "é", "字"]
    kinds += ["\u202e", "\n", "a\0", "e\u0301", "x" * 200, "x" * 201, "字" * 200, "x" * 20_000, "$" * 100_000, "@DATA@"]
    count = sizes[-1] if rng.random() < 0.8 else int(rng.choice([0, 1, 5000, 100_000]))
    kinds = kinds[: int(rng.choice([12, len(kinds)]))]
    names, room = [kinds[i] for i in rng.integers(len(kinds), size=count)], 500_000
    for j, name in enumerate(names):  # the JSON may have a megabyte or two
        room -= len(name)
        names[j] = name if room > 0 else "7"
    return model(rng, sizes, 20, class_names=names)


def odd_shapes(rng):
    """Shapes of an input that fit its size in another way, or do not."""
    n_in = int(rng.choice([1, 6, 12, 64]))
    shapes = [[], [n_in], [1, n_in], [n_in, 1], [1, 1, n_in], [2, n_in // 2], [2, 3, n_in // 6], [n_in + 1], [10**4000],
              [10**400, 10**400], [2**31, 2**33], [1] * 500, [0], [-1, -n_in], [1, 1, 1, n_in]]  # fmt: skip
    return model(rng, [n_in, 5, 3], 12, input_shape=shapes[rng.integers(len(shapes))])


def odd_texts(rng):
    """A name of a data set of any length."""
    texts = ["", "x" * 4096, "x" * 4097, "x" * 500_000, "a\nb", "\ud800", "../../etc", "字" * 4096, "$" * 1000]
    return model(rng, few(rng), 12, dataset=texts[rng.integers(len(texts))])


def odd_columns(rng):
    """Names, scales and categories of the inputs, as formats 2 and 3 have them: too few, too many, of other kinds."""
    n_in = int(rng.choice([1, 6, 300, 20_000]))
    numbers = [1.0, 0.0, -0.0, 1e29, -1e29, 1e-29, 1e-31, 1e31, -1.0, 3, None, "1", True]
    numbers = numbers[: int(rng.choice([2, 6, len(numbers)]))]
    names = ["x1", "$", "", " ", "\n", "\u202e", "x" * 200, "x" * 201, "字", "</script>"]

    def column(values, count):
        return [values[i] for i in rng.integers(len(values), size=count)]

    count = n_in if rng.random() < 0.8 else int(rng.choice([0, 1, n_in + 1, 50_000]))
    unique = [f"{name}{j}" for j, name in enumerate(column(names[:4], count))]
    fields = {
        "mean": column(numbers, count) if rng.random() < 0.8 else 0.5,
        "std": column(numbers, count) if rng.random() < 0.8 else 2.0,
        "bent": column([0, n_in - 1] if rng.random() < 0.8 else [-1, n_in, 10**9], rng.integers(4)),
        "input_names": column(names, count) if rng.random() < 0.3 else unique if rng.random() < 0.7 else [],
    }
    version = int(rng.choice([1, 2, 2, 2, 3, 3, 4]))
    if version >= 3:
        texts = [None, column(names, int(rng.choice([0, 1, 2, 3, 1000]))), [3], [names], "x1", {}]
        fields["columns"] = [
            [*column(names, 1), texts[rng.integers(len(texts))], *column(numbers, 1), bool(rng.random() < 0.5)]
            for _ in range(int(rng.choice([0, 1, 1, 2, 5000])))
        ]
    return model(rng, [n_in, 5, 3], 12, format=version, **fields)


QUICK = [
    layers_without_connections,
    many_layers,
    many_paths,
    numbers_at_the_ends,
    odd_columns,
    odd_names,
    odd_shapes,
    odd_texts,
]
SLOW = [levels_of_any_size, levels_at_the_limit, many_connections, many_outputs]  # seconds each, so one in twenty
WELL_FORMED = {"model": QUICK * 12 + SLOW, "checkpoint": CHECKPOINTS}

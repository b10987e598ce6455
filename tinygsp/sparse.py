"""SparseNetwork: what is left when pruning is done, a network of a few hundred numbers.

It knows its connections, its biases and how to scale an input, and nothing of gates or training. This is where
parameters are counted, and where the model file is written and read. Lesson 10 ends with one, lesson 11 reads it.
"""

import functools
import io
import json
import math
from dataclasses import dataclass, replace

import numpy as np

from tinygsp import kernels
from tinygsp.files import read_arrays, write_atomic
from tinygsp.gates import sigmoid, softmax

FORMAT = 1
ACTIVATIONS = {"silu": lambda x: x * sigmoid(x), "relu": lambda x: np.maximum(x, 0)}
BLOCK = 128  # samples that go through the network together: their numbers fit the second-level cache
MAX_MODEL_BYTES = 2**26  # of all arrays in a model file: far above any pruned network, far below a bomb
MAX_META_BYTES = 2**20  # of its JSON: a thousand class names of a thousand letters


class ModelFileError(ValueError):
    """A model file that is missing, damaged or not a model; one line says what and what would be right."""


@dataclass(frozen=True, eq=False)
class SparseLayer:
    """y_j = bias_j + sum of weight_e * x_row_e over the connections e with col_e = j.

    shape  : (n_in, n_out)      size of the layer it came from
    row    : (k,) int32         input of each connection, in [0, n_in)
    col    : (k,) int32         output of each connection, in [0, n_out)
    weight : (k,) float32
    bias   : (n_out,) float32   zero where it was pruned
    """

    shape: tuple
    row: np.ndarray
    col: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    @property
    def n_in(self):
        return self.shape[0]

    @property
    def n_out(self):
        return self.shape[1]

    @property
    def total(self):
        return self.n_in * self.n_out + self.n_out

    @property
    def kept_weights(self):
        return int(np.count_nonzero(self.weight))

    @property
    def kept_biases(self):
        return int(np.count_nonzero(self.bias))

    def dense(self):
        """The weights as a (n_in, n_out) matrix."""
        W = np.zeros(self.shape, self.weight.dtype)
        W[self.row, self.col] = self.weight
        return W

    def select(self, keep):
        """The same layer with only the connections where keep (k,) bool is true."""
        return replace(self, row=self.row[keep], col=self.col[keep], weight=self.weight[keep])


@dataclass(frozen=True)
class Meta:
    """What a network must know besides its numbers. The input is x = (value / divisor - mean) / std."""

    activation: str = "silu"  # after every layer but the last
    task: str = "classification"  # or "regression"
    divisor: float = 1.0
    mean: float = 0.0
    std: float = 1.0
    class_names: tuple = ()
    input_shape: tuple = ()
    dataset: str = ""


class SparseNetwork:
    """A stack of SparseLayers with an activation between them.

    layers : of SparseLayer, each n_out equal to the next n_in
    meta   : Meta
    """

    def __init__(self, layers, meta):
        self.layers = tuple(layers)
        self.meta = meta

    # --- use ---

    def scores(self, values):
        """Outputs for raw inputs: values (n, n_in), uint8 pixels or floats -> (n, n_out) float32."""
        return self.runner(values.dtype)(values)

    def runner(self, dtype=np.uint8, block=BLOCK):
        """A function from values (n, n_in) of `dtype` to scores (n, n_out) float32, with its memory set up once.

        With block=1 and `out`, a (1, n_out) float32 array to write to, it scores one image after another and
        allocates nothing: `run(image.reshape(1, -1), out)`.
        """
        nodes = self.nodes
        dtype = np.dtype(dtype) if np.dtype(dtype) in (np.uint8, np.float32) else np.dtype(np.float32)
        raw = np.empty((nodes["inputs"].size, block), dtype)
        z = np.empty((nodes["inputs"].size + nodes["bias"].size, block), np.float32)
        graph = nodes["inputs"], nodes["starts"], nodes["sources"], nodes["weights"], nodes["bias"]
        options = nodes["hidden"], self.meta.activation == "silu", raw, z
        n_in, n_out = self.layers[0].n_in, self.layers[-1].n_out

        def run(values, out=None):
            if values.ndim != 2 or values.shape[1] != n_in:
                raise ValueError(f"values has shape {values.shape}: expected (n, {n_in})")
            scores = np.empty((len(values), n_out), np.float32) if out is None else out
            kernels.network_scores(np.ascontiguousarray(values, dtype), *graph, *options, scores)
            return scores

        return run

    @functools.cached_property
    def nodes(self):
        """The network as one list of nodes, inputs first, for `kernels.network_scores`, as a dict of its arguments.

        The scaling of the input moves into the first layer: w * ((v / d - m) / s) = (w / (d s)) * v - w m / s.
        """
        m, used = self.meta, self.used_inputs()
        read = [*used, np.arange(self.layers[-1].n_out)]  # the units of each layer that somebody reads
        place = np.cumsum([0, *(len(u) for u in read)])  # of the first of them in the list
        sources, weights, bias, fan_in = [], [], [], []
        for k, layer in enumerate(self.layers):
            W, b = layer.weight.astype(np.float64), layer.bias.astype(np.float64)
            if k == 0:
                b = b - np.bincount(layer.col, W, layer.n_out) * (m.mean / m.std)
                W = W / (m.divisor * m.std)
            keep = np.isin(layer.col, read[k + 1])
            keep = np.flatnonzero(keep)[np.argsort(layer.col[keep], kind="stable")]
            sources.append(place[k] + np.searchsorted(read[k], layer.row[keep]))
            weights.append(W[keep])
            bias.append(b[read[k + 1]])
            fan_in.append(np.bincount(layer.col[keep], minlength=layer.n_out)[read[k + 1]])
        return {
            "inputs": used[0].astype(np.uint32),
            "starts": np.append(0, np.cumsum(np.concatenate(fan_in))),
            "sources": np.concatenate(sources).astype(np.uint32),
            "weights": np.concatenate(weights).astype(np.float32),
            "bias": np.concatenate(bias).astype(np.float32),
            "hidden": int(place[-2] - place[1]),
        }

    def predict(self, values):
        """Most probable class of each input (n,) int64; for a regression the outputs themselves (n, n_out)."""
        scores = self.scores(values)
        if self.meta.task != "classification":
            return scores
        best = np.empty(len(scores), np.int64)
        kernels.row_argmax(scores, best)
        return best

    def predict_proba(self, values):
        """Class probabilities (n, n_out): the softmax of the scores."""
        if self.meta.task != "classification":
            raise ValueError(f"predict_proba needs a classification network, this one is a {self.meta.task}")
        return softmax(self.scores(values))

    # --- what is in it ---

    def used_inputs(self):
        """For each layer the sorted inputs that some connection reads: used pixels first, then units."""
        return [np.unique(layer.row) for layer in self.layers]

    @property
    def total(self):
        """All weights and biases of the network it came from."""
        return sum(layer.total for layer in self.layers)

    def count(self):
        """Nonzero weights plus nonzero biases: the one number every table of this project means by `kept`."""
        return sum(layer.kept_weights + layer.kept_biases for layer in self.layers)

    @property
    def density(self):
        return self.count() / self.total

    def report(self):
        """One dict a layer: n_in, n_out, total, kept_weights, kept_biases, inputs (how many are read)."""
        return [
            {
                "n_in": layer.n_in,
                "n_out": layer.n_out,
                "total": layer.total,
                "kept_weights": layer.kept_weights,
                "kept_biases": layer.kept_biases,
                "inputs": len(used),
            }
            for layer, used in zip(self.layers, self.used_inputs())
        ]

    def reaches(self):
        """(n_in, n_out) bool: whether any path of connections leads from an input to an output."""
        reached = np.eye(self.layers[0].n_in, dtype=bool)
        for layer in self.layers:
            reached = (reached @ (layer.dense() != 0).astype(np.float32)) > 0
        return reached

    def trim(self):
        """The same function with fewer numbers: drop what no output can see, fold what never changes.

        A unit nobody reads is dropped with its connections. A unit without inputs has the constant value
        act(bias); the next layer takes that into its bias. Both can uncover more of their kind, so repeat.
        Weights that are exactly zero go first.
        """
        layers = [layer.select(layer.weight != 0) for layer in self.layers]
        act = ACTIVATIONS[self.meta.activation]
        before = None
        while before != (before := sum(layer.row.size + np.count_nonzero(layer.bias) for layer in layers)):
            for k in range(len(layers) - 1):
                layer, following = layers[k], layers[k + 1]
                constant = ~np.isin(following.row, layer.col)  # connections that start at a unit without inputs
                bias = following.bias.copy()
                np.add.at(
                    bias, following.col[constant], act(layer.bias)[following.row[constant]] * following.weight[constant]
                )
                layers[k + 1] = replace(following.select(~constant), bias=bias)
                read = np.isin(np.arange(layer.n_out), layers[k + 1].row)
                layers[k] = replace(layer.select(read[layer.col]), bias=np.where(read, layer.bias, 0))
        return SparseNetwork(layers, self.meta)

    # --- the model file ---

    def to_bytes(self):
        """The content of a model file: a compressed .npz that NumPy reads without pickle. The same network
        gives the same bytes.

        For each layer K = 0, 1, ...: layerK_shape (2,), layerK_row (k,), layerK_col (k,), layerK_weight (k,),
        layerK_bias (n_out,); and meta, JSON as uint8.
        """
        meta = {"format": FORMAT, **vars(self.meta)}
        arrays = {"meta": np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)}
        for k, layer in enumerate(self.layers):
            arrays[f"layer{k}_shape"] = np.array(layer.shape, np.int64)
            for name, dtype in ARRAYS.items():
                arrays[f"layer{k}_{name}"] = getattr(layer, name).astype(dtype)
        from_arrays(arrays)  # raises on what could not be read back, such as a weight that is not finite
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    def save(self, path):
        """Write the model file `path`, whole or not at all."""
        write_atomic(path, self.to_bytes())

    @classmethod
    def load(cls, path):
        """Read a model file. Everything in it is checked; anything wrong raises ModelFileError."""
        arrays = read_arrays(path, ModelFileError, MAX_MODEL_BYTES)
        try:
            return from_arrays(arrays)
        except ModelFileError as error:
            raise ModelFileError(f"{path}: {error}") from error


def is_number(value):
    return type(value) in (int, float) and abs(value) < 1e30  # not true for NaN


def is_list_of(kind, value):
    return type(value) is list and all(type(v) is kind for v in value)


ARRAYS = {"row": np.int32, "col": np.int32, "weight": np.float32, "bias": np.float32}
META = {  # what each field of the JSON in `meta` must be
    "format": (f"version {FORMAT}", lambda v: type(v) is int and v == FORMAT),
    "activation": (" or ".join(ACTIVATIONS), lambda v: v in list(ACTIVATIONS)),
    "task": ("classification or regression", lambda v: v in ["classification", "regression"]),
    "divisor": ("a number above 0", lambda v: is_number(v) and v > 1e-30),
    "mean": ("a finite number", is_number),
    "std": ("a number above 0", lambda v: is_number(v) and v > 1e-30),
    "class_names": ("a list of printable texts", lambda v: is_list_of(str, v) and all(map(str.isprintable, v))),
    "input_shape": ("at most three sizes", lambda v: is_list_of(int, v) and len(v) <= 3 and all(s > 0 for s in v)),
    "dataset": ("a text", lambda v: type(v) is str),
}


def from_arrays(arrays):
    """A SparseNetwork from the arrays of a model file, each checked against the format."""
    for name, array in arrays.items():
        if array.ndim != 1:
            raise ModelFileError(f"{name} has shape {array.shape}, expected one dimension")
    meta = read_meta(arrays)
    names = {"meta"}
    layers = []
    while f"layer{len(layers)}_shape" in arrays:
        prefix = f"layer{len(layers)}_"
        names |= {prefix + name for name in ("shape", *ARRAYS)}
        if missing := sorted(names - arrays.keys()):
            raise ModelFileError(f"{missing[0]} is missing")
        layers.append(read_layer(arrays, prefix))
    if extra := sorted(arrays.keys() - names):
        raise ModelFileError(f"unexpected array {extra[0]}")
    if not layers:
        raise ModelFileError("layer0_shape is missing")
    for k, (a, b) in enumerate(zip(layers, layers[1:])):
        if a.n_out != b.n_in:
            raise ModelFileError(f"layer{k} has {a.n_out} outputs but layer{k + 1} has {b.n_in} inputs")
    n_in, n_out = layers[0].n_in, layers[-1].n_out
    if len(meta.class_names) != n_out:
        raise ModelFileError(f"{len(meta.class_names)} class names for {n_out} outputs")
    if meta.input_shape and math.prod(meta.input_shape) != n_in:
        raise ModelFileError(f"input_shape is {meta.input_shape} for {n_in} inputs")
    return SparseNetwork(layers, meta)


def read_layer(arrays, prefix):
    shape = arrays[prefix + "shape"]
    if shape.dtype != np.int64 or shape.shape != (2,) or shape.min() < 1 or shape.max() > 2**24:
        raise ModelFileError(f"{prefix}shape is {shape[:3].tolist()}, expected two int64 from 1 to {2**24}")
    n_in, n_out = (int(s) for s in shape)
    got = {name: arrays[prefix + name] for name in ARRAYS}
    for name, dtype in ARRAYS.items():
        length = n_out if name == "bias" else got["row"].size
        if got[name].dtype != dtype or got[name].size != length:
            found = f"{got[name].dtype} ({got[name].size},)"
            raise ModelFileError(f"{prefix}{name} is {found}, expected {np.dtype(dtype)} ({length},)")
    for name, size in (("row", n_in), ("col", n_out)):
        if got[name].size and not 0 <= got[name].min() <= got[name].max() < size:
            raise ModelFileError(f"{prefix}{name} has an index outside [0, {size})")
    if not (np.isfinite(got["weight"]).all() and np.isfinite(got["bias"]).all()):
        raise ModelFileError(f"{prefix}weight or {prefix}bias has a value that is not finite")
    places = got["row"].astype(np.int64) * n_out + got["col"]
    places.sort()
    if (places[1:] == places[:-1]).any():
        raise ModelFileError(f"{prefix}row and {prefix}col name a connection twice")
    return SparseLayer((n_in, n_out), **got)


def read_meta(arrays):
    if "meta" not in arrays or arrays["meta"].dtype != np.uint8 or arrays["meta"].size > MAX_META_BYTES:
        raise ModelFileError(f"meta, JSON as at most {MAX_META_BYTES} uint8, is missing")
    try:
        meta = json.loads(arrays["meta"].tobytes())
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"meta is not JSON ({error})") from error
    if type(meta) is not dict or meta.keys() != META.keys():
        raise ModelFileError(f"meta is not a JSON object of {', '.join(META)}")
    for name, (expected, holds) in META.items():
        if not holds(meta[name]):
            raise ModelFileError(f"{name} is {str(meta[name])[:100]!r}, expected {expected}")
    del meta["format"]
    return Meta(**{name: tuple(value) if type(value) is list else value for name, value in meta.items()})

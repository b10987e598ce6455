"""SparseNetwork: what is left when pruning is done, a network of a few hundred numbers.

It knows its connections, its biases and how to scale an input, and nothing of gates or training. This is where
parameters are counted, and where the model file is written and read. Lesson 10 ends with one, lesson 11 reads it.
"""

import io
import json
import math
import zipfile
from dataclasses import dataclass, replace

import numpy as np

from tinygsp.files import write_atomic
from tinygsp.gates import sigmoid, softmax

FORMAT = 1
ACTIVATIONS = {"silu": lambda x: x * sigmoid(x), "relu": lambda x: np.maximum(x, 0)}
MAX_MODEL_BYTES = 2**28  # of one array in a model file: far above any pruned network, far below a bomb


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

    layers : list of SparseLayer, each n_out equal to the next n_in
    meta   : Meta
    """

    def __init__(self, layers, meta):
        self.layers = list(layers)
        self.meta = meta

    # --- use ---

    def scores(self, values):
        """Outputs for raw inputs: values (n, n_in), uint8 pixels or floats -> (n, n_out) float32."""
        if values.ndim != 2 or values.shape[1] != self.layers[0].n_in:
            raise ValueError(f"values has shape {values.shape}: expected (n, {self.layers[0].n_in})")
        m = self.meta
        used = self.used_inputs()
        x = (values[:, used[0]].astype(np.float32) / np.float32(m.divisor) - np.float32(m.mean)) / np.float32(m.std)
        for k, layer in enumerate(self.layers):
            last = k == len(self.layers) - 1
            units = np.arange(layer.n_out) if last else used[k + 1]  # outputs somebody reads
            x = x @ layer.dense()[np.ix_(used[k], units)] + layer.bias[units]
            if not last:
                x = ACTIVATIONS[m.activation](x)
        return x

    def predict(self, values):
        """Most probable class of each input (n,) int64; for a regression the outputs themselves (n, n_out)."""
        scores = self.scores(values)
        return scores.argmax(axis=1) if self.meta.task == "classification" else scores

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
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    def save(self, path):
        """Write the model file `path`, whole or not at all."""
        write_atomic(path, self.to_bytes())

    @classmethod
    def load(cls, path):
        """Read a model file. Everything in it is checked; anything wrong raises ModelFileError."""
        try:
            with zipfile.ZipFile(path) as archive:
                arrays = read_arrays(archive)
            return from_arrays(arrays)
        except OSError as error:
            raise ModelFileError(f"{path}: cannot be read ({error.strerror or error})") from error
        except ModelFileError as error:
            raise ModelFileError(f"{path}: {error}") from error
        except Exception as error:  # zip, zlib and header parsers fail in a dozen ways on a damaged file
            raise ModelFileError(f"{path}: not a model file, or damaged ({error})") from error


ARRAYS = {"row": np.int32, "col": np.int32, "weight": np.float32, "bias": np.float32}


def read_arrays(archive):
    """{name: array} of every .npy member of a zip archive; sizes are checked before memory is taken."""
    arrays = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name == member.filename or name in arrays:
            raise ModelFileError(f"unexpected or repeated member {member.filename!r}")
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            if version != (1, 0):
                raise ModelFileError(f"{name} is in .npy version {version}, expected (1, 0)")
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            size = math.prod(shape) * dtype.itemsize
            if dtype.hasobject or fortran or len(shape) != 1 or not 0 <= size <= MAX_MODEL_BYTES:
                raise ModelFileError(f"{name} is {dtype} {shape}, expected one dimension of plain numbers")
            content = file.read(size + 1)
            if len(content) != size:
                raise ModelFileError(f"{name} has {len(content)} bytes, its header promises {size}")
        arrays[name] = np.frombuffer(content, dtype)
    return arrays


def from_arrays(arrays):
    """A SparseNetwork from the arrays of a model file, each checked against the format."""
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
    if len(meta.class_names) != layers[-1].n_out:
        raise ModelFileError(f"{len(meta.class_names)} class names for {layers[-1].n_out} outputs")
    return SparseNetwork(layers, meta)


def read_layer(arrays, prefix):
    shape = arrays[prefix + "shape"]
    if shape.dtype != np.int64 or shape.shape != (2,) or shape.min() < 1 or shape.max() > 2**24:
        raise ModelFileError(f"{prefix}shape is {shape.tolist()}, expected two sizes of at least 1")
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
    if np.unique(places).size != places.size:
        raise ModelFileError(f"{prefix}row and {prefix}col name a connection twice")
    return SparseLayer((n_in, n_out), **got)


def read_meta(arrays):
    if "meta" not in arrays or arrays["meta"].dtype != np.uint8:
        raise ModelFileError("meta, JSON as uint8, is missing")
    try:
        meta = json.loads(arrays["meta"].tobytes())
        version = meta.pop("format")
        if version != FORMAT:
            raise ModelFileError(f"format version {version!r}, this library reads version {FORMAT}")
        meta["class_names"] = tuple(str(name) for name in meta["class_names"])
        meta["input_shape"] = tuple(int(size) for size in meta["input_shape"])
        for name in ("divisor", "mean", "std"):
            meta[name] = float(meta[name])
        meta = Meta(**meta)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"meta is not the JSON it should be ({error!r})") from error
    if meta.activation not in list(ACTIVATIONS):
        raise ModelFileError(f"activation {meta.activation!r}, expected one of {', '.join(ACTIVATIONS)}")
    if meta.task not in ("classification", "regression"):
        raise ModelFileError(f"task {meta.task!r}, expected classification or regression")
    numbers = np.array([meta.divisor, meta.mean, meta.std], np.float64)
    if not (np.abs(numbers) < 1e30).all() or not (numbers[[0, 2]] > 1e-30).all():
        raise ModelFileError(f"divisor, mean, std are {numbers}: expected finite numbers, divisor and std above 0")
    return meta

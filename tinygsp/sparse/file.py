"""The model file: a .npz of plain numbers, read with nothing but NumPy and checked in full.

For each layer K = 0, 1, ...: layerK_shape (2,), layerK_row (k,), layerK_col (k,), layerK_weight (k,), layerK_bias
(n_out,); and `meta`, JSON as uint8 with the fields of Meta and the version of the format.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tinygsp.data.files import read_arrays
from tinygsp.sparse.layer import ACTIVATIONS, Meta, SparseLayer

FORMAT = 1
MAX_MODEL_BYTES = 2**26  # of all arrays in a model file: far above any pruned network, far below a bomb
MAX_META_BYTES = 2**20  # of its JSON: a thousand class names of a thousand letters
ARRAYS = {"row": np.int32, "col": np.int32, "weight": np.float32, "bias": np.float32}


class ModelFileError(ValueError):
    """A model file that is missing, damaged or not a model. One line: what is wrong, what would be right."""


def model_bytes(layers: Sequence[SparseLayer], meta: Meta) -> bytes:
    """The content of a model file; the same network gives the same bytes.

    Raises ModelFileError if `read_model` would refuse it, for example because a weight is not finite.
    """
    text = json.dumps({"format": FORMAT, **vars(meta)}, sort_keys=True)
    arrays = {"meta": np.frombuffer(text.encode(), np.uint8)}
    for k, layer in enumerate(layers):
        arrays[f"layer{k}_shape"] = np.array(layer.shape, np.int64)
        for name, dtype in ARRAYS.items():
            arrays[f"layer{k}_{name}"] = getattr(layer, name).astype(dtype)
    _check_model(arrays)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def read_model(path: str | os.PathLike) -> tuple[list[SparseLayer], Meta]:
    """Read a model file and check everything in it; whatever is wrong raises ModelFileError."""
    arrays = read_arrays(path, ModelFileError, MAX_MODEL_BYTES)
    try:
        return _check_model(arrays)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error


# --- layers -------------------------------------------------------------------------------------------------


def _check_model(arrays: dict[str, np.ndarray]) -> tuple[list[SparseLayer], Meta]:
    """The layers and the meta of the arrays of a model file, each checked against the format."""
    for name, array in arrays.items():
        if array.ndim != 1:
            raise ModelFileError(f"{name} has shape {array.shape}, expected one dimension")
    meta = _check_meta(arrays)
    names = {"meta"}
    layers = []
    while f"layer{len(layers)}_shape" in arrays:
        prefix = f"layer{len(layers)}_"
        names |= {prefix + name for name in ("shape", *ARRAYS)}
        if missing := sorted(names - arrays.keys()):
            raise ModelFileError(f"{missing[0]} is missing")
        layers.append(_check_layer(arrays, prefix))
    if extra := sorted(arrays.keys() - names):
        raise ModelFileError(f"unexpected array {extra[0]}")
    if not layers:
        raise ModelFileError("layer0_shape is missing")
    for k, (a, b) in enumerate(pairwise(layers)):
        if a.n_out != b.n_in:
            raise ModelFileError(f"layer{k} has {a.n_out} outputs but layer{k + 1} has {b.n_in} inputs")
    n_in, n_out = layers[0].n_in, layers[-1].n_out
    if len(meta.class_names) != n_out:
        raise ModelFileError(f"{len(meta.class_names)} class names for {n_out} outputs")
    if meta.input_shape and math.prod(meta.input_shape) != n_in:
        raise ModelFileError(f"input_shape is {meta.input_shape} for {n_in} inputs")
    return layers, meta


def _check_layer(arrays: dict[str, np.ndarray], prefix: str) -> SparseLayer:
    """The layer whose arrays have names that start with `prefix`."""
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
    index = got["row"].astype(np.int64) * n_out + got["col"]  # of each connection in the full matrix
    index.sort()
    if (index[1:] == index[:-1]).any():
        raise ModelFileError(f"{prefix}row and {prefix}col name a connection twice")
    return SparseLayer((n_in, n_out), **got)


# --- meta ---------------------------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e30  # false for NaN


def _is_list_of(kind: type, value: Any) -> bool:
    return type(value) is list and all(type(v) is kind for v in value)


META = {  # what each field of the JSON in `meta` must be
    "format": (f"version {FORMAT}", lambda v: type(v) is int and v == FORMAT),
    "activation": (" or ".join(ACTIVATIONS), lambda v: v in list(ACTIVATIONS)),
    "task": ("classification or regression", lambda v: v in ["classification", "regression"]),
    "divisor": ("a number above 0", lambda v: _is_number(v) and v > 1e-30),
    "mean": ("a finite number", _is_number),
    "std": ("a number above 0", lambda v: _is_number(v) and v > 1e-30),
    "class_names": ("a list of printable texts", lambda v: _is_list_of(str, v) and all(map(str.isprintable, v))),
    "input_shape": ("at most three sizes", lambda v: _is_list_of(int, v) and len(v) <= 3 and all(s > 0 for s in v)),
    "dataset": ("a text", lambda v: type(v) is str),
}


def _check_meta(arrays: dict[str, np.ndarray]) -> Meta:
    """The Meta in the array `meta`; every field must be there, because no default is right for all."""
    if "meta" not in arrays or arrays["meta"].dtype != np.uint8 or arrays["meta"].size > MAX_META_BYTES:
        raise ModelFileError(f"meta, JSON as at most {MAX_META_BYTES} uint8, is missing")
    try:
        meta = json.loads(arrays["meta"].tobytes())
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"meta is not JSON ({error})") from error
    if type(meta) is not dict or meta.keys() != META.keys():
        raise ModelFileError(f"meta is not a JSON object of {', '.join(META)}")
    for name, (expected, is_right) in META.items():
        if not is_right(meta[name]):
            raise ModelFileError(f"{name} is {str(meta[name])[:100]!r}, expected {expected}")
    del meta["format"]
    return Meta(**{name: tuple(value) if type(value) is list else value for name, value in meta.items()})

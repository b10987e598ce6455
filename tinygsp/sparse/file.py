"""The model file: a .npz of plain numbers, read with nothing but NumPy and checked in full.

Whatever a file holds, it is read or refused with one line of at most 300 characters after its name, and a network that
was read is small enough for all that this library does with it (`data/limits.py`).

For each layer K = 0, 1, ...: layerK_shape (2,), layerK_row (k,), layerK_col (k,), layerK_weight (k,), layerK_bias
(n_out,); and `meta`, JSON as uint8 with the fields of Meta and the version of the format. Format 2 adds names of the
inputs and a scale of each, format 3 the categories of columns. A network is written in the oldest format that can hold
it, so that older versions read what they know.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygsp.data.columns import check_columns
from tinygsp.data.files import read_arrays
from tinygsp.data.limits import (
    MAX_DATASET,
    MAX_META_BYTES,
    MAX_UNITS,
    TASKS,
    check_input_shape,
    check_names,
    check_sizes,
    is_number,
    is_scale,
    shown,
)
from tinygsp.data.scaling import check_input_names, check_scaling, is_columnwise
from tinygsp.sparse.layer import ACTIVATIONS, Meta, SparseLayer, check_chain

FORMAT = 3  # the newest; see NEW
MAX_MODEL_BYTES = 2**26  # of all arrays in a model file: far above any pruned network, far below a bomb
ARRAYS = {"row": np.int32, "col": np.int32, "weight": np.float32, "bias": np.float32}


class ModelFileError(ValueError):
    """A model file that is missing, damaged or not a model. One line: what is wrong, what would be right."""


def model_bytes(layers: Sequence[SparseLayer], meta: Meta) -> bytes:
    """The content of a model file; the same network gives the same bytes.

    Raises ModelFileError if `read_model` would refuse it, for example because a weight is not finite.
    """
    version = 3 if meta.columns else 2 if meta.input_names or is_columnwise(meta) else 1
    fields = {name: value for name, value in vars(meta).items() if NEW.get(name, 1) <= version}
    text = json.dumps({"format": version, **fields}, sort_keys=True)
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
    try:
        check_chain(layers)
    except ValueError as error:
        raise ModelFileError(str(error)) from error
    check_sizes([layers[0].n_in, *(layer.n_out for layer in layers)], ModelFileError)
    check_names(meta.class_names, layers[-1].n_out, ModelFileError)
    if meta.input_shape:
        check_input_shape(meta.input_shape, layers[0].n_in, ModelFileError)
    check_scaling(meta, layers[0].n_in, ModelFileError)
    check_input_names(meta.input_names, layers[0].n_in, ModelFileError)
    check_columns(meta.columns, meta.input_names, ModelFileError)
    return layers, meta


def _check_layer(arrays: dict[str, np.ndarray], prefix: str) -> SparseLayer:
    """The layer whose arrays have names that start with `prefix`."""
    shape = arrays[prefix + "shape"]
    if shape.dtype != np.int64 or shape.shape != (2,) or shape.min() < 1 or shape.max() > MAX_UNITS:
        raise ModelFileError(f"{prefix}shape is {shown(shape[:3].tolist())}, expected two int64 from 1 to {MAX_UNITS}")
    n_in, n_out = (int(s) for s in shape)
    got = {name: arrays[prefix + name] for name in ARRAYS}
    for name, dtype in ARRAYS.items():
        length = n_out if name == "bias" else got["row"].size
        if got[name].dtype != dtype or got[name].size != length:
            found = f"{got[name].dtype} ({got[name].size},)"
            raise ModelFileError(f"{prefix}{name} is {found}, expected {np.dtype(dtype)} ({length},)")
    try:
        layer = SparseLayer((n_in, n_out), **got)
    except ValueError as error:
        raise ModelFileError(f"{prefix}{error}") from error
    if not (np.isfinite(got["weight"]).all() and np.isfinite(got["bias"]).all()):
        raise ModelFileError(f"{prefix}weight or {prefix}bias has a value that is not finite")
    index = got["row"].astype(np.int64) * n_out + got["col"]  # of each connection in the full matrix
    index.sort()
    if (index[1:] == index[:-1]).any():
        raise ModelFileError(f"{prefix}row and {prefix}col name a connection twice")
    return layer


# --- meta ---------------------------------------------------------------------------------------------------


def _is_list_of(kind: type, value: Any) -> bool:
    return type(value) is list and all(type(v) is kind for v in value)


def _is_number_or_list(value: Any) -> bool:
    return is_number(value) or (type(value) is list and all(map(is_number, value)))


def _is_list_of_columns(value: Any) -> bool:
    """Whether it is nested as columns are; `check_columns` looks at the rest."""
    return _is_list_of(list, value) and all(
        len(c) == 4 and (c[1] is None or _is_list_of(str, c[1])) and list not in map(type, (c[0], c[2], c[3]))
        for c in value
    )


META = {  # what each field of the JSON in `meta` must be; names, shape and scale are checked with the layers
    "format": (f"version 1 to {FORMAT}", lambda v: type(v) is int and 1 <= v <= FORMAT),
    "activation": (" or ".join(ACTIVATIONS), lambda v: v in list(ACTIVATIONS)),
    "task": (" or ".join(TASKS), lambda v: v in TASKS),
    "divisor": ("a number above 0", is_scale),
    "mean": ("a finite number or a list of them", _is_number_or_list),
    "std": ("a number above 0 or a list of them", _is_number_or_list),
    "class_names": ("a list of texts", lambda v: _is_list_of(str, v)),
    "input_shape": ("a list of whole numbers", lambda v: _is_list_of(int, v)),
    "dataset": (f"a text of at most {MAX_DATASET} letters", lambda v: type(v) is str and len(v) <= MAX_DATASET),
    "input_names": ("a list of texts", lambda v: _is_list_of(str, v)),
    "bent": ("a list of whole numbers", lambda v: _is_list_of(int, v)),
    "columns": ("a list of [name, categories or null, median, indicator]", _is_list_of_columns),
}
NEW = {"input_names": 2, "bent": 2, "columns": 3}  # the format that added a field; all others have been there from 1


def _check_meta(arrays: dict[str, np.ndarray]) -> Meta:
    """The Meta in the array `meta`; every field must be there, because no default is right for all."""
    if "meta" not in arrays or arrays["meta"].dtype != np.uint8 or arrays["meta"].size > MAX_META_BYTES:
        raise ModelFileError(f"meta, JSON as at most {MAX_META_BYTES} uint8, is missing")
    try:
        meta = json.loads(arrays["meta"].tobytes())
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"meta is not JSON ({error})") from error
    is_known = type(meta) is dict and type(meta.get("format")) is int
    version = meta["format"] if is_known and meta["format"] > 0 else FORMAT
    fields = {name for name in META if NEW.get(name, 1) <= version}
    if type(meta) is not dict or "format" not in meta:
        raise ModelFileError(f"meta is not a JSON object of {', '.join(META)}")
    if is_known and 1 <= meta["format"] <= FORMAT and meta.keys() != fields:
        raise ModelFileError(f"meta is not a JSON object of {', '.join(name for name in META if name in fields)}")
    for name, (expected, is_right) in META.items():
        if name in fields and not is_right(meta.get(name)):
            newer = name == "format" and is_known and meta["format"] > FORMAT
            raise ModelFileError(f"{name} is {shown(meta.get(name))}, expected {expected}" + "; update tinygsp" * newer)
    del meta["format"]
    return Meta(**meta)  # which makes tuples of the lists

"""ONNX: the network for ONNX Runtime and other runtimes, written byte by byte, without the onnx package.

An ONNX file is one message of Protocol Buffers: a list of fields, each a key, number * 8 + type, and a value. Only two
types occur here: whole numbers (type 0), in groups of seven bits, and bytes with their length before them (type 2):
texts, arrays and messages within messages. The numbers of the fields stand in onnx.proto of the ONNX project.

    values (n, n_in) -> Gather the inputs that are read -> Cast -> Gemm -> Sigmoid, Mul or Relu -> ... -> Gemm
    outputs: scores (n, n_out) float32 and, of a classification, label (n,) int64 by ArgMax
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from tinygsp.sparse.export.program import Program

OPSET, IR_VERSION = 13, 7  # of the operators; of the file format: read by ONNX Runtime since 1.6
NUMBERS = {"float32": 1, "uint8": 2, "int64": 7, "bool": 9, "float64": 11}  # TensorProto.DataType
TYPES = {np.dtype(name): number for name, number in NUMBERS.items()}
INT_ATTRIBUTE = 2  # AttributeProto.AttributeType


def write(program: Program, comment: Sequence[str]) -> bytes:
    """The file."""
    p = program
    kind = np.uint8 if p.reads_bytes else np.float32
    inputs, layers = p.matrices()
    arrays = {"inputs": inputs.astype(np.int64)}
    nodes = [node("Gather", ["values", "inputs"], "gathered", axis=1)]
    if p.columns is None:
        nodes.append(node("Cast", ["gathered"], "x0", to=TYPES[np.dtype(np.float32)]))
    else:
        arrays |= {"mean": p.columns.mean, "factor": p.columns.factor, "bent": p.columns.bent}
        nodes += [
            node("Cast", ["gathered"], "precise", to=TYPES[np.dtype(np.float64)]),
            node("Sub", ["precise", "mean"], "centred"),
            node("Mul", ["centred", "factor"], "scaled"),
            node("Cast", ["scaled"], "straight", to=TYPES[np.dtype(np.float32)]),
            node("Asinh", ["straight"], "curved"),
            node("Where", ["bent", "curved", "straight"], "x0"),
        ]
    for k, (W, bias) in enumerate(layers):
        arrays |= {f"W{k}": W, f"b{k}": bias}
        if k == len(layers) - 1:
            nodes.append(node("Gemm", [f"x{k}", f"W{k}", f"b{k}"], "scores"))
            break
        nodes.append(node("Gemm", [f"x{k}", f"W{k}", f"b{k}"], f"z{k}"))
        if p.activation == "silu":
            nodes.append(node("Sigmoid", [f"z{k}"], f"s{k}"))
            nodes.append(node("Mul", [f"z{k}", f"s{k}"], f"x{k + 1}"))
        else:
            nodes.append(node("Relu", [f"z{k}"], f"x{k + 1}"))
    outputs = [tensor_info("scores", np.float32, p.n_out)]
    if p.task == "classification":
        nodes.append(node("ArgMax", ["scores"], "label", axis=1, keepdims=0))
        outputs.append(tensor_info("label", np.int64))
    graph = b"".join(
        [
            *(field(1, n) for n in nodes),
            field(2, "network"),
            *(field(5, tensor(name, array)) for name, array in arrays.items()),
            field(11, tensor_info("values", kind, p.n_in)),
            *(field(12, output) for output in outputs),
        ]
    )
    how = f'How to use it: onnxruntime.InferenceSession(file).run(None, {{"values": (n, {p.n_in}) {np.dtype(kind)}}}).'
    opset = f"Operators of ONNX, opset {OPSET}."
    return b"".join(
        [
            field(1, IR_VERSION),
            field(2, "tinygsp"),
            field(6, "\n".join([*comment, opset, how])),
            field(7, graph),
            field(8, field(2, OPSET)),
            field(14, field(1, "class_names") + field(2, json.dumps(p.class_names))),
        ]
    )


# --- messages -----------------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    """A whole number >= 0 in groups of seven bits, the lowest first; all but the last have the high bit set."""
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a message: a whole number, or a text or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def node(operator: str, inputs: Sequence[str], output: str, **attributes: int) -> bytes:
    """A NodeProto: an operator with the names of what it reads and of what it makes; all attributes are integers."""
    parts = [field(1, name) for name in inputs] + [field(2, output), field(3, output), field(4, operator)]
    for name, value in attributes.items():
        parts.append(field(5, field(1, name) + field(3, value) + field(20, INT_ATTRIBUTE)))
    return b"".join(parts)


def tensor(name: str, array: np.ndarray) -> bytes:
    """A TensorProto: an array of numbers, lowest byte first."""
    content = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    shape = b"".join(field(1, size) for size in array.shape)
    return shape + field(2, TYPES[array.dtype]) + field(8, name) + field(9, content)


def tensor_info(name: str, kind: type, *sizes: int) -> bytes:
    """A ValueInfoProto of an array (n, *sizes), where n is the number of samples."""
    shape = field(1, field(2, "n")) + b"".join(field(1, field(1, size)) for size in sizes)
    return field(1, name) + field(2, field(1, field(1, TYPES[np.dtype(kind)]) + field(2, shape)))

"""A Python module that needs NumPy only: the lists of a Program, and a dozen lines that use them."""

from __future__ import annotations

from collections.abc import Sequence

from tinygsp.sparse.export.comment import number_lines
from tinygsp.sparse.export.program import Program

CODE = '''\
import numpy as np

CLASSES = {classes}
INPUTS = [  # the inputs that are read
{inputs}
]
{columns}# Of each layer: shape, then row, column and weight of each connection, and the biases.
LAYERS = [
{layers}
]


def scores(values):
    """{what} of inputs (n, {n_in}) or of one ({n_in},): (n, {n_out}) or ({n_out},) float32."""
    values = np.asarray(values)
    if values.ndim not in (1, 2) or values.shape[-1] != {n_in}:
        raise ValueError(f"values has shape {{values.shape}}: expected (n, {n_in})")
    x = {x}
    for k, (shape, row, col, weight, bias) in enumerate(LAYERS):
        W = np.zeros(shape, np.float32)
        W[row, col] = weight
        x = x @ W + np.array(bias, np.float32)
        if k < len(LAYERS) - 1:
            {activation}
    return x
'''
SILU = "x = x / (1 + np.exp(-np.maximum(x, -80)))  # SiLU; exp(80) is still a float32"
COLUMNS = """\
# How each of them is scaled: mean and factor, and whether asinh follows.
MEAN = [
{mean}
]
FACTOR = [
{factor}
]
BENT = [
{bent}
]
"""
PREDICT = '''\


def predict(values):
    """The class of each input, a number; CLASSES has their names."""
    return scores(values).argmax(axis=-1)
'''


def write(program: Program, comment: Sequence[str]) -> str:
    """The module, as text."""
    classes = program.task == "classification"
    use = "predict(values) and scores(values)" if classes else "scores(values)"
    lines = [*comment, "", f"How to use it: save it as network.py, import network, and call {use}.", ""]
    inputs, layers = program.matrices()
    written = []
    for W, bias in layers:
        row, col = W.nonzero()
        numbers = [list(map(str, values.tolist())) for values in (row, col)]
        numbers += [list(map(str, values)) for values in (W[row, col], bias)]
        lists = "".join(f"    [\n{number_lines(values)}\n    ],\n" for values in numbers)
        written.append(f"    ({W.shape},\n{lists}    ),")
    columns, x = "", "values[..., INPUTS].astype(np.float32)"
    if c := program.columns:
        lists = {"mean": c.mean, "factor": c.factor, "bent": c.bent}
        columns = COLUMNS.format(**{name: number_lines(list(map(repr, v.tolist()))) for name, v in lists.items()})
        x = "(values[..., INPUTS].astype(np.float64) - MEAN) * FACTOR\n    x = np.where(BENT, np.arcsinh(x), x)"
        x += ".astype(np.float32)"
    code = CODE.format(
        columns=columns,
        x=x,
        classes="(" + "".join(f"{name!a}, " for name in program.class_names) + ")",
        inputs=number_lines(list(map(str, inputs.tolist()))),
        layers="\n".join(written),
        what="Scores" if classes else "Values",
        n_in=program.n_in,
        n_out=program.n_out,
        activation=SILU if program.activation == "silu" else "x = np.maximum(x, 0)",
    )
    return "".join(f"# {line}".rstrip() + "\n" for line in lines) + code + (PREDICT if classes else "")

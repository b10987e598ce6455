"""Exports: a pruned network as one self-contained file that needs nothing of this library.

    c      C99, for a microcontroller or any other program;  int8: in fixed point
    onnx   for ONNX Runtime and other runtimes
    numpy  a Python module that needs NumPy only
    js     a JavaScript module, for a browser or Node.js
    json   the model file as text, for a reader in any language

`program.py` turns a network into the short lists that all but JSON write out; `comment.py` writes what stands at the
top of each file. Then there is one small file for each format. `python -m tinygsp.export` is the command.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from tinygsp.sparse.export.comment import comment_lines
from tinygsp.sparse.export.program import ExportError, identifier, make_program

if TYPE_CHECKING:
    from tinygsp.sparse.network import SparseNetwork

__all__ = ["FORMATS", "ExportError", "export", "identifier"]

FORMATS = ("c", "onnx", "numpy", "js", "json")  # each is a file of this folder


def export(
    network: SparseNetwork,
    to: str,
    *,
    int8: bool = False,
    main: bool = False,
    name: str = "network",
    notes: Sequence[str] = (),
    samples: tuple[np.ndarray, np.ndarray] | None = None,
) -> bytes:
    """Write a network in another language; returns the content of the file, text in UTF-8 or, for onnx, binary.

    to      : one of FORMATS
    int8    : C only: weights of 8 bits and whole-number arithmetic, for inputs that are bytes or columns of a table
    main    : C only: add a program that reads samples from standard input and prints a class for each
    name    : C only: how the names of the functions begin
    notes   : lines to add to the comment at the top, such as the accuracy
    samples : for int8: ((n, n_in) inputs, (n,) classes or (n, n_out) targets) to measure what fixed point costs; the
              comment says it

    Raises ExportError, a ValueError, if the network cannot be written so, and ModelFileError if it could not be saved.
    """
    if to not in FORMATS:
        raise ExportError(f"format {to!r} is unknown; known are {', '.join(FORMATS)}")
    for option, is_on in (("int8", int8), ("main", main)):
        if is_on and to != "c":
            raise ExportError(f"{option} is an option of C, and the format is {to}; leave it out, or take c")
    network.to_bytes()  # what could not be saved is not exported either
    writer = import_module(f"{__name__}.{to}")
    if to == "json":
        return writer.write(network, comment_lines(network, notes)).encode()
    program = make_program(network)
    if to != "c":
        content = writer.write(program, comment_lines(network, notes))
        return content if isinstance(content, bytes) else content.encode()
    if not int8:
        return writer.write(program, comment_lines(network, notes), identifier(name), main).encode()
    from tinygsp.sparse.export.fixed import cost_lines, fix

    fixed = fix(program)
    notes = [*notes, *cost_lines(network, fixed, samples)]
    return writer.write(program, comment_lines(network, notes), identifier(name), main, fixed).encode()

"""The comment at the top of an export: what it computes, its inputs, classes and accuracy. Names in it are harmless."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinygsp.sparse.network import SparseNetwork

WIDTH = 100
MAX_NAMED = 200  # inputs whose names are listed
MARKS = ("*/", "/*", "</", "<!", "-->", "??")  # these end or begin something in C, JavaScript or HTML


def comment_lines(network: SparseNetwork, notes: Sequence[str]) -> list[str]:
    """The lines of the comment, without the marks of a language, in ASCII; how to call it is added by each format."""
    meta = network.meta
    sizes = [network.layers[0].n_in, *(layer.n_out for layer in network.layers)]
    what = f"A pruned neural network, {'-'.join(map(str, sizes))}, of {network.count()} parameters, made by tinygsp."
    n_in = f"{sizes[0]} {'input' if sizes[0] == 1 else 'inputs'}"
    inputs = f"Inputs: {n_in}, as they are; the scaling is part of the numbers below."
    if meta.divisor == 255:
        shape = " x ".join(map(str, meta.input_shape)) or str(sizes[0])
        inputs = f"Inputs: {n_in}, bytes from 0 to 255, an image of {shape} row by row; they are scaled inside."
    read = network.used_inputs()[0]
    reads = f"It reads {len(read)} of them"
    if meta.input_names:
        named = [f"{j} = {plain(meta.input_names[j])}" for j in read[:MAX_NAMED]]
        reads += ", counted from 0: " + ", ".join([*named, *["..."] * (len(read) > MAX_NAMED)])
    if meta.task == "classification":
        outputs = f"Outputs: {sizes[-1]} scores; the highest is the class, the first of equal ones."
        names = "Classes: " + ", ".join(f"{k} = {plain(name)}" for k, name in enumerate(meta.class_names))
    else:
        outputs = f"Outputs: {sizes[-1]} values."
        names = "Their names: " + ", ".join(plain(name) for name in meta.class_names)
    lines = [what, inputs, f"{reads}.", outputs, names, *([f"Data set: {plain(meta.dataset)}"] if meta.dataset else [])]
    return wrapped([*lines, *map(plain, notes)])


def wrapped(lines: Sequence[str]) -> list[str]:
    """The lines, those that are too long cut at blanks, or within a word that is longer than a line."""
    return [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ") or [""]]


def plain(text: str) -> str:
    """A text for a comment: one line of ASCII, in which nothing ends the comment or the script that it stands in."""
    text = text.encode("unicode_escape").decode("ascii")
    for mark in MARKS:
        while mark in text:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


def number_lines(numbers: Sequence[str]) -> str:
    """Numbers, written already, as lines of at most WIDTH letters with commas between them."""
    return textwrap.fill(", ".join(numbers), WIDTH, initial_indent="    ", subsequent_indent="    ")

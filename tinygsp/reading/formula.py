"""Write a network down as a formula, one line for each output, as Python or as LaTeX. Used in lesson 11."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tinygsp.reading.pathways import path_counts
from tinygsp.sparse import SparseNetwork

MAX_FORMULA = 200  # paths of a network that is written as a formula


def formulas(network: SparseNetwork, digits: int = 9, latex: bool = False, limit: int = MAX_FORMULA) -> list[str]:
    """Write the expression of each output: n_out strings.

    digits : significant digits of every number; 9 give back each float32 exactly
    latex  : for a document; otherwise Python, with the raw inputs x1, x2, ... and a function silu or relu

    A unit that several others read is written out each time, so a network of more than `limit` paths is refused with a
    ValueError.
    """
    count = path_counts(network).sum()
    if count > limit:
        raise ValueError(f"the network has {count:,.0f} paths; a formula is written for at most {limit:,}")
    name = network.meta.activation
    opening, closing = (f"\\operatorname{{{name}}}\\left(", "\\right)") if latex else (f"{name}(", ")")
    terms = _scaled_inputs(network, digits, latex)
    for k, layer in enumerate(network.layers):
        parts = [[] for _ in range(layer.n_out)]
        for i, j, weight in zip(layer.row, layer.col, layer.weight):
            parts[j].append((weight, terms[i]))
        for j, bias in enumerate(layer.bias):
            parts[j].append((bias, None))
        terms = [sum_of(part, digits, latex) for part in parts]
        if k < len(network.layers) - 1:
            terms = [opening + term + closing for term in terms]
    return terms


def _scaled_inputs(network: SparseNetwork, digits: int, latex: bool) -> list[str]:
    """Write (x / divisor - mean) / std for each input x, or only x where the scaling changes nothing."""
    m = network.meta
    names = [f"x_{{{i + 1}}}" if latex else f"x{i + 1}" for i in range(network.layers[0].n_in)]
    if (m.divisor, m.mean, m.std) == (1, 0, 1):
        return names
    quotient = "\\frac{{{}}}{{{}}}" if latex else "(({})/{})"
    shift = f" {'-' if m.mean > 0 else '+'} {number(abs(m.mean), digits, latex)}"
    return [
        quotient.format(f"{x}/{number(m.divisor, digits, latex)}{shift}", number(m.std, digits, latex)) for x in names
    ]


def sum_of(parts: Iterable[tuple[float, str | None]], digits: int, latex: bool) -> str:
    """Write a sum: "2*x1 - 3" of [(2, "x1"), (-3, None)]. A term with the factor zero is left out."""
    times = " \\, " if latex else "*"
    text = "".join(
        f" {'-' if factor < 0 else '+'} {number(abs(factor), digits, latex)}{times + term if term else ''}"
        for factor, term in parts
        if factor != 0
    )
    return text[3:] if text.startswith(" +") else "-" + text[3:] if text else "0"


def number(value: float | np.floating, digits: int, latex: bool) -> str:
    """Write a number with this many significant digits; a power of ten in LaTeX as 1 \\cdot 10^{-6}."""
    text = f"{value:.{digits}g}"
    if latex and "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa} \\cdot 10^{{{int(exponent)}}}"
    return text

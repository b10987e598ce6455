"""Write a network down as a formula, one line for each output, as Python or as LaTeX. Used in lesson 13.

A formula is about raw inputs, in their own units and by their own names: where each column has a scale of its own, it
moves into the weights and biases of the first layer.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence

import numpy as np

from tinygsp.data.scaling import is_columnwise
from tinygsp.reading.pathways import count_paths, leading_on
from tinygsp.sparse import SparseLayer, SparseNetwork

MAX_FORMULA = 200  # paths of a network that is written as a formula
FUNCTIONS = ("silu", "relu", "asinh")  # that a formula may use
LATEX = {c: f"\\{c}" for c in "&%$#_{} "} | {  # characters with a meaning of their own
    "\\": "\\backslash ", "^": "\\hat{}", "~": "\\sim ",
}  # fmt: skip


def formulas(network: SparseNetwork, digits: int = 9, latex: bool = False, limit: int = MAX_FORMULA) -> list[str]:
    """Write the expression of each output: n_out strings.

    digits : significant digits of every number; 9 give back each float32 exactly
    latex  : for a document; otherwise Python, and what SymPy reads, with the raw inputs by their names, made into
             `identifiers`, or x1, x2, ..., and functions silu or relu, and asinh for columns with very long tails

    A unit that several others read is written out each time, so a network of more than `limit` paths is refused with a
    ValueError; so is one of many constant units, which are read along other paths.
    """
    if (count := count_paths(network)) > limit:
        raise ValueError(f"the network has {count:,.0f} paths; a formula is written for at most {limit:,}")
    if (count := count_terms(network)) > (limit + network.layers[-1].n_out) * (len(network.layers) + 1):
        raise ValueError(f"the formula of the network would have {count:,.0f} numbers; trim the network first")
    name = network.meta.activation
    opening, closing = (f"\\operatorname{{{name}}}\\left(", "\\right)") if latex else (f"{name}(", ")")
    layers, last = leading_on(network), len(network.layers) - 1
    inputs = np.unique(layers[0].row).tolist()
    if is_columnwise(network.meta):
        layers = [_in_raw_units(layers[0], network), *layers[1:]]
        terms = _raw_inputs(network, inputs, digits, latex)
    else:
        terms = _scaled_inputs(network, inputs, digits, latex)
    for k, layer in enumerate(layers):
        units = np.unique(layers[k + 1].row) if k < last else np.arange(layer.n_out)
        parts = {j: [] for j in units.tolist()}
        for i, j, weight in zip(layer.row.tolist(), layer.col.tolist(), layer.weight):
            parts[j].append((weight, terms[i]))
        for j, part in parts.items():
            part.append((layer.bias[j], None))
        terms = {j: sum_of(part, digits, latex) for j, part in parts.items()}
        if k < last:
            terms = {j: opening + term + closing for j, term in terms.items()}
    return list(terms.values())


def count_terms(network: SparseNetwork) -> float:
    """Count the inputs and biases in the formulas of all outputs together."""
    terms = np.ones(network.layers[0].n_in)  # in what is written for each unit
    for layer in leading_on(network):
        terms = np.bincount(layer.col, terms[layer.row], layer.n_out) + (layer.bias != 0)
    return float(terms.sum())


def _scaled_inputs(network: SparseNetwork, inputs: Iterable[int], digits: int, latex: bool) -> dict[int, str]:
    """Write (x / divisor - mean) / std for each of these inputs x, or only x where the scaling changes nothing."""
    m, names = network.meta, _names(network, inputs, latex)
    if (m.divisor, m.mean, m.std) == (1, 0, 1):
        return names
    quotient = "\\frac{{{}}}{{{}}}" if latex else "(({})/{})"
    shift = f" {'-' if m.mean > 0 else '+'} {number(abs(m.mean), digits, latex)}"
    divisor, std = (number(value, digits, latex) for value in (m.divisor, m.std))
    return {i: quotient.format(f"{x}/{divisor}{shift}", std) for i, x in names.items()}


def _in_raw_units(layer: SparseLayer, network: SparseNetwork) -> SparseLayer:
    """The first layer with the scale of each column in its weights and biases: w (v / d - m) / s = (w/(d s)) v - w m/s.

    Columns with very long tails keep theirs, inside of the asinh.
    """
    m = network.meta
    mean, std = (np.array(numbers, np.float64)[layer.row] for numbers in (m.mean, m.std))
    is_line = ~np.isin(layer.row, m.bent)
    weight = layer.weight * np.where(is_line, np.divide(1 / m.divisor, std, out=np.zeros_like(std), where=std > 0), 1)
    constant = np.bincount(layer.col, np.where(is_line, weight * mean * m.divisor, 0), layer.n_out)
    return SparseLayer(layer.shape, layer.row, layer.col, weight, layer.bias - constant)


def _raw_inputs(network: SparseNetwork, inputs: Iterable[int], digits: int, latex: bool) -> dict[int, str]:
    """Write each of these inputs by its name; one with a very long tail as asinh((x - median) / spread)."""
    m, terms = network.meta, _names(network, inputs, latex)
    for i in terms.keys() & set(m.bent):
        middle, spread = m.mean[i] * m.divisor, number(m.std[i] * m.divisor, digits, latex)
        part = f"{terms[i]} {'-' if middle > 0 else '+'} {number(abs(middle), digits, latex)}"
        quotient = f"\\frac{{{part}}}{{{spread}}}" if latex else f"({part})/{spread}"
        terms[i] = f"\\operatorname{{asinh}}\\left({quotient}\\right)" if latex else f"asinh({quotient})"
    return terms


def _names(network: SparseNetwork, inputs: Iterable[int], latex: bool) -> dict[int, str]:
    """How a formula calls each of these inputs."""
    names = network.meta.input_names
    if not names:
        return {i: f"x_{{{i + 1}}}" if latex else f"x{i + 1}" for i in inputs}
    if latex:
        return {i: f"\\mathrm{{{''.join(LATEX.get(c, c) for c in names[i])}}}" for i in inputs}
    unique = identifiers(names)
    return {i: unique[i] for i in inputs}


def identifiers(names: Sequence[str]) -> list[str]:
    """Make every name one that Python and SymPy take for a variable, each different: "mean radius" -> "mean_radius"."""
    found, taken = [], set(FUNCTIONS)
    for name in names:
        word = re.sub(r"\W+", "_", name).strip("_") or "x"
        if not word.isidentifier() or keyword.iskeyword(word):
            word = f"x_{word}"
        unique, n = word, 2
        while unique in taken:
            unique, n = f"{word}_{n}", n + 1
        taken.add(unique)
        found.append(unique)
    return found


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

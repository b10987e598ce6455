"""Compiled loops over 32 samples side by side: those that a finished network predicts with, and one that transposes.

A pixel of 32 images is one vector of 32 bytes, a unit one of 32 floats, and a connection one multiply-add of such
vectors. But images lie in memory one after another, so they are transposed first, 16 pixels of 32 images at a time in
registers; that takes a quarter of the time of reading pixel by pixel.

Numba has no such vectors. So a few steps are written for its compiler, LLVM, which knows them on every machine. Each
stands here twice: a `build_...` makes its instructions, and its twin in NumPy says what it does. What calls them is in
this file too, because numba's cache does not see a change in another one. `sparse/runner.py` and
`training/inputs.py` use it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from tinygsp.nn.compile import jit_with

LANES = 32  # samples side by side
WINDOW = 16  # neighbouring inputs that are transposed together
MAGIC = 1.5 * 2.0**23  # x + MAGIC - MAGIC is x rounded, and the low bits of x + MAGIC are that whole number
LOG2E, LN2 = 1.4426950408889634, 0.6931471805599453
FACTORS = (1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1)  # of the Taylor polynomial of exp, before the first, 1 / 720

# Sums are not reassociated, so that a sample has the same scores wherever it stands.
jit = jit_with(fastmath={"contract", "nsz"}, error_model="numpy")

f32 = np.float32
I32, I64 = ir.IntType(32), ir.IntType(64)
FLOATS = ir.VectorType(ir.FloatType(), LANES)
FUSED = ("contract", "nsz")  # a product and the sum that takes it may be one instruction


# --- instructions of LLVM -----------------------------------------------------------------------------------


class Rows(NamedTuple):
    """An array in memory, for LLVM."""

    pointer: ir.Value
    number: ir.Type  # of its numbers
    width: ir.Value  # length of its last axis

    def vector(self, builder: ir.IRBuilder, place: ir.Value, size: int) -> ir.Value:
        """A pointer to the `size` numbers from this place on, as one vector."""
        return builder.bitcast(self.at(builder, place), ir.VectorType(self.number, size).as_pointer())

    def at(self, builder: ir.IRBuilder, place: ir.Value) -> ir.Value:
        """A pointer to the number at this place."""
        return builder.gep(self.pointer, [place])


def in_llvm(build: Callable) -> Callable[[Callable], Callable]:
    """A decorator: compiled loops run the instructions that `build` makes; without the compiler the twin below it runs.

    build(builder, ...) has the arguments of the twin: arrays as Rows, integers of 64 bits, floats of 32.
    """

    def typed(typing: Any, *arguments: types.Type) -> tuple:
        kinds = [types.intp if isinstance(kind, types.Integer) else kind for kind in arguments]

        def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
            build(builder, *(as_rows(context, builder, kind, value) for kind, value in zip(signature.args, values)))
            return context.get_dummy_value()

        return types.void(*kinds), generate

    typed.__signature__ = inspect.signature(build)  # numba takes the names of the arguments from here

    def choose(twin: Callable) -> Callable:
        if config.DISABLE_JIT:
            return twin
        compiled = intrinsic(typed)
        compiled.py_func = twin  # as of a function that numba compiles
        return compiled

    return choose


def as_rows(context: Any, builder: ir.IRBuilder, kind: types.Type, value: ir.Value) -> Rows | ir.Value:
    """The Rows of an array; any other argument as it is."""
    if not isinstance(kind, types.Array):
        return value
    array = context.make_array(kind)(context, builder, value)
    return Rows(array.data, context.get_data_type(kind.dtype), cgutils.unpack_tuple(builder, array.shape)[-1])


def constant(number: float) -> ir.Constant:
    """A vector with this number in every lane."""
    return ir.Constant(FLOATS, [float(f32(number))] * LANES)


def spread(builder: ir.IRBuilder, number: ir.Value) -> ir.Value:
    """A vector with this number, known when it runs, in every lane."""
    nothing = ir.Constant(FLOATS, ir.Undefined)
    return shuffle(builder, builder.insert_element(nothing, number, I32(0)), nothing, [0] * LANES)


def shuffle(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, order: Iterable[int]) -> ir.Value:
    """A vector of the numbers at these places of `a` and, behind it, `b`."""
    order = list(order)
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(order)), order))


# --- the steps --------------------------------------------------------------------------------------------


def build_transpose(
    builder: ir.IRBuilder, values: Rows, first: ir.Value, column: ir.Value, raw: Rows, row: ir.Value, place: ir.Value
) -> None:
    """Two times 16 samples are the halves of 16 vectors; four rounds of interleaving transpose both halves."""

    def sample(i: int) -> ir.Value:
        start = builder.add(builder.mul(builder.add(first, I64(i)), values.width), column)
        return builder.load(values.vector(builder, start, WINDOW), align=1)

    eight = WINDOW // 2
    pairs = [(i, LANES + i) for i in range(LANES)]  # places of what is interleaved: lane i of one vector and of another
    low, high = ([*pairs[k : k + eight], *pairs[WINDOW + k : WINDOW + k + eight]] for k in (0, eight))
    a = [shuffle(builder, sample(i), sample(WINDOW + i), range(LANES)) for i in range(WINDOW)]
    for _ in range(4):
        a = [shuffle(builder, x, y, sum(o, ())) for x, y in zip(a[:eight], a[eight:]) for o in (low, high)]
    for i, vector in enumerate(a):
        start = builder.add(builder.mul(builder.add(row, I64(i)), raw.width), place)
        builder.store(vector, raw.vector(builder, start, LANES), align=1)


@in_llvm(build_transpose)
def transpose(values: np.ndarray, first: int, column: int, raw: np.ndarray, row: int, place: int) -> None:
    """Copy 16 columns of 32 samples, from `first` and `column` on, to 16 rows of `raw`, from `row` and `place` on.

    values : (n, n_in);  raw : (k, m) of the same type; both C-contiguous
    """
    raw[row : row + WINDOW, place : place + LANES] = values[first : first + LANES, column : column + WINDOW].T


def build_weighted_sum(
    builder: ir.IRBuilder, x: Rows, sources: Rows, weights: Rows, first: ir.Value, last: ir.Value, bias: ir.Value,
    z: Rows, row: ir.Value,
) -> None:  # fmt: skip
    """The total stays in registers."""
    total = cgutils.alloca_once_value(builder, spread(builder, bias))
    with cgutils.for_range_slice(builder, first, last, I64(1), I64) as (e, _):
        place = builder.mul(builder.zext(builder.load(sources.at(builder, e)), I64), I64(LANES))
        source = builder.load(x.vector(builder, place, LANES), align=1)
        if isinstance(x.number, ir.IntType):
            source = builder.uitofp(source, FLOATS)
        product = builder.fmul(spread(builder, builder.load(weights.at(builder, e))), source, flags=FUSED)
        builder.store(builder.fadd(builder.load(total), product, flags=FUSED), total)
    builder.store(builder.load(total), z.vector(builder, builder.mul(row, I64(LANES)), LANES), align=1)


@in_llvm(build_weighted_sum)
def weighted_sum(
    x: np.ndarray, sources: np.ndarray, weights: np.ndarray, first: int, last: int, bias: f32, z: np.ndarray, row: int
) -> None:
    """z[row] = bias + the sum of weights[e] * x[sources[e]] over first <= e < last.

    x : (k, 32) bytes or float32;  sources : uint32 and weights : float32, (connections,);  z : (units, 32) float32
    """
    total = np.full(LANES, bias, f32)
    for e in range(first, last):
        total += weights[e] * x[sources[e]].astype(f32)
    z[row] = total


def build_silu(builder: ir.IRBuilder, z: Rows, row: ir.Value) -> None:
    """Line by line as the twin."""
    fused, c = {"flags": FUSED}, constant
    bits = ir.VectorType(I32, LANES)
    place = z.vector(builder, builder.mul(row, I64(LANES)), LANES)
    x = builder.load(place, align=1)
    y = builder.select(builder.fcmp_ordered(">", x, c(-80)), x, c(-80))
    y = builder.select(builder.fcmp_ordered("<", y, c(80)), y, c(80))
    t = builder.fadd(builder.fmul(y, c(-LOG2E), **fused), c(MAGIC), **fused)
    r = builder.fsub(builder.fmul(builder.fsub(t, c(MAGIC)), c(-LN2), **fused), y, **fused)
    p = c(1 / 720)
    for factor in FACTORS:
        p = builder.fadd(c(factor), builder.fmul(r, p, **fused), **fused)
    exponent = builder.shl(builder.bitcast(t, bits), ir.Constant(bits, [23] * LANES))
    e = builder.bitcast(builder.add(builder.bitcast(p, bits), exponent), FLOATS)
    builder.store(builder.fdiv(x, builder.fadd(c(1), e)), place, align=1)


@in_llvm(build_silu)
def silu(z: np.ndarray, row: int) -> None:
    """z[row] = x / (1 + exp(-x)) of x = z[row] (32,) float32: to 4e-7, or 5e-6 if nothing is fused, where |x| < 80.

    exp(-x) = 2^k exp(r) with |r| <= ln(2) / 2: a Taylor polynomial for exp(r), and k is added to its exponent's bits.
    """
    x = z[row]
    y = np.clip(x, f32(-80), f32(80))
    t = y * f32(-LOG2E) + f32(MAGIC)  # k in its low bits
    r = (t - f32(MAGIC)) * f32(-LN2) - y
    p = f32(1 / 720)
    for factor in FACTORS:
        p = f32(factor) + r * p
    e = (p.view(np.int32) + (t.view(np.int32) << 23)).view(f32)
    z[row] = x / (f32(1) + e)


def build_fetch(builder: ir.IRBuilder, values: Rows, place: ir.Value) -> None:
    """A hint to the processor, for reading (0), that it will be read once (1), as data (1)."""
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
    builder.call(prefetch, [builder.bitcast(values.at(builder, place), byte), I32(0), I32(1), I32(1)])


@in_llvm(build_fetch)
def fetch(values: np.ndarray, place: int) -> None:
    """Begin to bring the number at this place of a flat C-contiguous array into the cache; changes nothing."""


# --- whole arrays -------------------------------------------------------------------------------------------


@jit
def transpose_all(values: np.ndarray, raw: np.ndarray) -> None:
    """raw = values.T, overwritten. Twin: the same line in NumPy.

    values : (n, k);  raw : (k, n) of the same type; both C-contiguous
    """
    n, k = values.shape
    if n < LANES or k < WINDOW:
        for b in range(n):
            for i in range(k):
                raw[i, b] = values[b, i]
        return
    for first in range(0, n, LANES):
        sample = min(first, n - LANES)  # at the edges some are copied twice
        for column in range(0, k, WINDOW):
            row = min(column, k - WINDOW)
            transpose(values, sample, row, raw, row, sample)


# --- a finished network -------------------------------------------------------------------------------------


@jit
def through(
    values: np.ndarray, first: int, n: int, graph: tuple, is_silu: bool, raw: np.ndarray, z: np.ndarray
) -> None:
    """Compute every unit u for the n samples from `first` on, at most 32: z[u] are its values. See `network_scores`."""
    inputs, rows, windows, units, starts, sources, weights, bias, hidden = graph
    if n == LANES and windows.size:
        for k in range(windows.size):
            transpose(values, first, windows[k], raw, WINDOW * k, 0)
    else:
        for b in range(n):
            sample = values[first + b]
            for i in range(inputs.size):
                raw[rows[i], b] = sample[inputs[i]]
    # Meanwhile the next 32 samples come into the cache, a part with each unit, if a good part of them is read.
    width, line, place, end = values.shape[1], 64 // values.itemsize, 0, 0
    if 4 * WINDOW * windows.size >= width:
        place = (first + LANES) * width
        end = min(place + LANES * width, values.size)
    share = max(end - place, 0) // max(bias.size, 1) + line
    for u in range(bias.size):
        for number in range(place + u * share, min(place + (u + 1) * share, end), line):
            fetch(values, number)
        if u < units:
            weighted_sum(raw, sources, weights, starts[u], starts[u + 1], bias[u], z, u)
        else:
            weighted_sum(z, sources, weights, starts[u], starts[u + 1], bias[u], z, u)
        if u < hidden and is_silu:
            silu(z, u)
        elif u < hidden:
            zu = z[u]
            for b in range(zu.size):
                zu[b] = f32(0) if zu[b] < f32(0) else zu[b]


@jit
def network_scores(
    values: np.ndarray, graph: tuple, is_silu: bool, raw: np.ndarray, z: np.ndarray, scores: np.ndarray
) -> None:
    """A whole `sparse.SparseNetwork` in one pass over its inputs, 32 samples at a time, which stay inside the cache.

    Unit u is bias[u] plus the weighted sum of its sources, connections starts[u] to starts[u + 1].

    values : (n, n_in), C-contiguous;  scores : (n, n_out) float32, overwritten
    graph  : (inputs, rows, windows, units, starts, sources, weights, bias, hidden), as `sparse.nodes.graph_of` gives it
             inputs, rows : the columns that are read, and the row of `raw` that each is put in
             windows      : where the windows of 16 columns begin that are transposed there, if there are any
             units        : how many of them read `raw`; sources are rows of it, and for all others rows of z
             hidden       : how many units are not outputs
    is_silu : their activation is SiLU, else ReLU
    raw, z : (rows, 32) of the type of values and (units + 2, 32) float32, overwritten
    Twin: `sparse.plain.plain_scores`.
    """
    n, hidden = values.shape[0], graph[8]
    for first in range(0, n, LANES):
        part = scores[first : min(first + LANES, n)]
        through(values, first, part.shape[0], graph, is_silu, raw, z)
        for j in range(part.shape[1]):
            zj = z[hidden + j]
            for b in range(part.shape[0]):
                part[b, j] = zj[b]


@jit
def network_classes(
    values: np.ndarray, graph: tuple, is_silu: bool, raw: np.ndarray, z: np.ndarray, best: np.ndarray
) -> bool:
    """The column of each sample's highest score, the first if several are equal: best (n,) int64, overwritten.

    Returns whether the sum of each sample's scores is finite. Other arguments as in `network_scores`.
    Twin: `scores.argmax(axis=1)`.
    """
    n, hidden, units = values.shape[0], graph[8], z.shape[0] - 2
    column, total, is_finite = z[units], z[units + 1], True
    for first in range(0, n, LANES):
        part = best[first : min(first + LANES, n)]
        through(values, first, part.size, graph, is_silu, raw, z)
        top = z[hidden]
        for b in range(top.size):
            column[b], total[b] = f32(0), top[b]
        for j in range(1, units - hidden):
            zj = z[hidden + j]
            for b in range(zj.size):
                is_higher = zj[b] > top[b]
                column[b] = f32(j) if is_higher else column[b]
                top[b] = zj[b] if is_higher else top[b]
                total[b] += zj[b]
        for b in range(part.size):
            part[b] = np.int64(column[b])
            is_finite &= abs(total[b]) < f32(np.inf)
    return is_finite

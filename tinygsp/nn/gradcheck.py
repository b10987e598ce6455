"""Compare every backward pass that was written by hand with numerical gradients.

A wrong gradient rarely crashes; the network only learns a little worse. A well-known tutorial had a ReLU whose backward
tests `>= 0` on its own output, which is always true, and its tests passed, because none of them looked at a gradient.
So here every entry of every gradient is compared with central differences, in float64. Lesson 02 builds this file, the
lessons after it use it; read `layers.py` next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinygsp.nn.layers import Layer, Sequential


class GradientError(AssertionError):
    """A backward pass that disagrees with finite differences."""


def numerical_gradient(f: Callable[[], float], x: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Central differences (f(x + eps) - f(x - eps)) / (2 eps) for every entry of x, shaped like x.

    f : () -> float     reads x itself, not a copy; must be deterministic
    x : float64 array   each entry is moved in place, then restored to the bit, even if f raises
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        kind = getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"x is {kind}: finite differences need a float64 array, in float32 rounding hides them")
    gradient = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        value = x[place].copy()
        up, down = value + eps, value - eps
        try:
            x[place] = up
            f_up = f()
            x[place] = down
            gradient[place] = (f_up - f()) / (up - down)  # the distance really moved, after rounding
        finally:
            x[place] = value
    return gradient


def entry_errors(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Relative error of each entry: |a - b| / max(|a|, |b|, largest entry of both / 100, 0.001)."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise GradientError(f"shapes {a.shape} and {b.shape} differ: a gradient has the shape of what it belongs to")
    size = np.maximum(np.abs(a), np.abs(b))
    return np.abs(a - b) / np.maximum(size, max(size.max(initial=0) / 100, 1e-3))


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """The largest of the relative errors of the entries; NaN if any entry of a - b is NaN.

    Each entry is judged by its own size, so one wrong small entry is not hidden by large ones. Entries below 1/100
    of the largest, or below 0.001, are judged by that bound: finite differences are noise there. At a tolerance of
    1e-6 this still catches an absolute error of 1e-8 of the largest entry.
    """
    return float(entry_errors(a, b).max(initial=0))


def check_layer(
    layer: Layer | Sequential, x: np.ndarray, rng: np.random.Generator, tol: float = 1e-6, step: int | None = None
) -> None:
    """Compare dx and every gradient of a layer, or of a whole Sequential, with finite differences.

    The loss is sum(forward(x) * R) with a random R, so that no two outputs can exchange their errors.

    layer : float64 layer; gates must be soft (hard=False), for a hard gate has no finite differences
    x     : (n, n_in) float64, away from kinks such as x = 0 of a ReLU
    step  : int         call sample(step) before each forward: the noise stays, the gates follow their parameters

    dx is left out if needs_dx of the first layer is False. Raises GradientError, which names array and worst entry.
    """

    def forward() -> np.ndarray:
        if step is not None:
            layer.sample(step)
        return layer.forward(x)

    R = rng.normal(size=forward().shape)  # (n, n_out), is dL/dy
    layer.backward(R.copy())
    dx = layer.backward(R.copy())  # again: gradients that accumulate would double
    layers = getattr(layer, "layers", [layer])
    arrays = [(f"dx of {type(layer).__name__}", x, dx)] if getattr(layers[0], "needs_dx", True) else []
    for k, part in enumerate(layers):
        for name, param in part.params.items():
            arrays.append((f"d{name} of layer {k} ({type(part).__name__})", param, part.grads[name].copy()))
    for name, array, gradient in arrays:
        compare(name, gradient, numerical_gradient(lambda: float(np.sum(forward() * R)), array), tol)


def check_loss(
    loss_function: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]],
    y: np.ndarray,
    target: np.ndarray,
    tol: float = 1e-6,
) -> None:
    """Compare dy of `loss_function(y, target) -> (loss, dy)` with finite differences; raises GradientError."""
    dy = loss_function(y, target)[1]
    compare(f"dy of {loss_function.__name__}", dy, numerical_gradient(lambda: loss_function(y, target)[0], y), tol)


def compare(name: str, gradient: np.ndarray | None, numerical: np.ndarray, tol: float) -> None:
    """Raise GradientError, with the worst entry, unless all relative errors of a gradient are at most `tol`."""
    if gradient is None:
        raise GradientError(f"{name} is None: backward must return it")
    errors = entry_errors(gradient, numerical)
    if errors.size and not errors.max() <= tol:  # `not <=`, so that NaN fails too
        worst = tuple(int(i) for i in np.unravel_index(errors.argmax(), errors.shape))
        raise GradientError(
            f"{name}, entry {worst}: backward says {gradient[worst]:.9g}, finite differences say "
            f"{numerical[worst]:.9g}; relative error {errors[worst]:.2g}, tolerance {tol:g}"
        )

"""Find inputs that act as one, and maps that equal their mirror image.

If two inputs enter every unit in the same proportion, the network cannot tell them apart: it reads only their weighted
sum. In the toy problem these sums are the x1 - x2 and x3 + x4 of the functions behind the data. Built in lesson 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinygsp.data.scaling import is_columnwise
from tinygsp.reading.matrices import compact
from tinygsp.reading.pathways import chain
from tinygsp.sparse import SparseNetwork

MAX_GROUPED = 2000  # inputs that are compared, each with each


@dataclass(frozen=True, eq=False)
class Group:
    """Inputs that act as one: the network reads only sum_i ratio_i x_i.

    inputs : (k,) int    the strongest first
    ratios : (k,)        1 for the first; +1 means that their sum counts, -1 their difference. Of raw inputs x_i, in
                         their own units, where each has a scale of its own
    score  : float       least |cosine| between the weights of a member and those of the first input
    """

    inputs: np.ndarray
    ratios: np.ndarray
    score: float

    def text(self, names: Sequence[str]) -> str:
        """Write the sum with the names of all inputs: "x1 - 0.50 x2", in the order of the inputs.

        A ratio that is 1.00 to two digits is left out, and the signs are chosen so that the first one is +. A ratio
        that two digits do not show is written with three significant ones.
        """
        members = sorted(zip(self.inputs, self.ratios))
        sign, text = (1 if members[0][1] > 0 else -1), ""
        for i, ratio in members:
            digits = ".2f" if 0.1 <= abs(ratio) < 1000 else ".3g"
            factor = "" if f"{abs(ratio):.2f}" == "1.00" else f"{abs(ratio):{digits}} "
            text += f" {'+' if sign * ratio > 0 else '-'} {factor}{names[i]}"
        return text[3:]


def weighted_rows(network: SparseNetwork) -> np.ndarray:
    """Weigh the first-layer weights of each input in use by what their units weigh: (k, units).

    A unit weighs as much as its absolute path weight to all outputs, so that a difference between two inputs which
    hardly reaches the outputs hardly counts.
    """
    (first, _), *others = compact(network)
    return first * chain(np.abs(W) for W, _ in others).sum(axis=1) if others else first


def cosines(network: SparseNetwork) -> np.ndarray:
    """Compute the cosine of the angle between the `weighted_rows` of every two inputs in use: (k, k) in [-1, 1].

    Raises ValueError for more than MAX_GROUPED inputs.
    """
    k = len(network.used_inputs()[0])
    if k > MAX_GROUPED:
        raise ValueError(f"{k:,} inputs are used; at most {MAX_GROUPED:,} are compared with each other")
    rows = weighted_rows(network)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-300)
    return rows @ rows.T


def symmetric_groups(network: SparseNetwork, tolerance: float = 0.01) -> list[Group]:
    """Find the groups of at least two inputs that enter every unit of the first layer in the same proportion.

    tolerance : in [0, 1)  largest 1 - |cosine| between a member and the strongest input of its group

    If w_j = r w_i, unit by unit, then every unit reads x_i + r x_j, and the network can tell no more of the two than
    that sum. Rows are compared as `weighted_rows`. The strongest input takes all that are like it into its group, then
    the strongest of those that remain, and so on. Returns the largest group first.

    Raises ValueError for a tolerance outside [0, 1), and for more than MAX_GROUPED inputs in use.
    """
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance {tolerance}: expected a number in [0, 1)")
    used, rows, likeness = network.used_inputs()[0], weighted_rows(network), np.abs(cosines(network))
    length = np.linalg.norm(rows, axis=1)
    spread = np.array(network.meta.std)[used] if is_columnwise(network.meta) else np.ones(len(used))
    left, groups = length > 0, []
    for leader in np.argsort(-length, kind="stable"):
        members = np.flatnonzero(left & left[leader] & (likeness[leader] >= 1 - tolerance - 1e-12))
        members = members[np.argsort(-length[members], kind="stable")]
        left[members] = False
        if len(members) > 1:
            ratios = rows[members] @ rows[leader] / length[leader] ** 2
            ratios = ratios * spread[leader] / spread[members]
            groups.append(Group(used[members], ratios, float(likeness[leader, members].min())))
    return sorted(groups, key=lambda group: -len(group.inputs))


def blur(maps: np.ndarray, shape: tuple[int, int], width: float) -> np.ndarray:
    """Smooth maps (n_in, m) of images of this shape by a Gaussian with a standard deviation of `width` > 0 pixels.

    A pruned network reads few pixels. In smoothed maps, pixels that stand close by count as the same place.
    """
    kernels = [np.exp(-(np.subtract.outer(np.arange(size), np.arange(size)) ** 2) / (2 * width**2)) for size in shape]
    vertical, horizontal = (kernel / kernel.sum(axis=1).max() for kernel in kernels)
    images = maps.T.reshape(-1, *shape)
    return (vertical @ images @ horizontal).reshape(len(images), -1).T


def mirror_scores(maps: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Compare each map with its mirror image: (m, 2) cosines, for left-right and for up-down.

    maps  : (n_in, m)      one map a column, such as the importance for each class
    shape : (rows, cols)   of the image; rows * cols = n_in

    1 means equal, -1 equal with opposite sign, 0 nothing in common (or an empty map).
    """
    images = maps.T.reshape(-1, *shape)
    power = (images**2).sum(axis=(1, 2)).clip(1e-300)
    return np.stack([(images * np.flip(images, axis)).sum(axis=(1, 2)) / power for axis in (2, 1)], axis=1)

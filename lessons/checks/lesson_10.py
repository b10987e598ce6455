"""Checks of lesson 10, retire and compact."""

import numpy as np
from exercise import checker, same

from tinygsp.nn.gates import sigmoid


def once_in_an_epoch(opens_once, rng):
    gate, scale, steps = rng.normal(-2, 2, int(rng.integers(2, 8))), rng.uniform(0.3, 2), int(rng.integers(2, 40))
    p = sigmoid(gate / scale)
    slips = {
        "this is the probability to stay closed in all steps: take 1 minus it": (1 - p) ** steps,
        "this is the probability to be open in all steps": p**steps,
        "this is the expected number of steps with an open gate, which can be above 1": steps * p,
        "this is one step: multiply the probabilities to stay closed": p,
        "the scale of the noise is missing: P(open) = sigmoid(gate / scale)": 1 - (1 - sigmoid(gate)) ** steps,
        "the gate is divided by the scale, not multiplied": 1 - (1 - sigmoid(gate * scale)) ** steps,
    }
    same(opens_once(gate, scale, steps), 1 - (1 - p) ** steps, "P", f"scale {scale:.2f}, {steps} steps", slips)


def swept(live, sweeps, ins=True, outs=True):
    """What stays live after so many sweeps that look at inputs, outputs or both."""
    live = [matrix.copy() for matrix in live]
    for _ in range(sweeps):
        for into, out in zip(live, live[1:]):
            alive = (into.any(axis=0) | (not ins)) & (out.any(axis=1) | (not outs))
            into &= alive
            out &= alive[:, None]
    return live


def until_nothing_changes(close_all, rng):
    sizes = rng.integers(3, 7, 5)
    live = [rng.random((n, m)) < 0.28 for n, m in zip(sizes, sizes[1:])]
    right = swept(live, 4)
    slips = {
        "one sweep is not enough: what a sweep has closed may kill other units": swept(live, 1),
        "a unit that nothing reads is dead, too": swept(live, 4, outs=False),
        "a unit that reads nothing is dead, too": swept(live, 4, ins=False),
        "nothing was closed": live,
    }
    given = copies = [matrix.copy() for matrix in live]
    yours = close_all(copies)
    assert all((a == b).all() for a, b in zip(given, live)), "the arrays that you were given have changed: copy them"
    names = tuple(f"layer {k}" for k in range(4))
    wrong = {name: tuple(matrices) for name, matrices in slips.items()}
    shape = "-".join(map(str, sizes))
    same(yours, tuple(right), names, f"a network {shape}", wrong)


def momentum_in_place(hand_over, rng):
    numbers, k = rng.permutation(60), int(rng.integers(4, 12))
    old = np.sort(numbers[:k])
    new = rng.permutation(np.append(rng.choice(old, k - 2, replace=False), [*numbers[k : k + 2], 60]))
    velocity = rng.normal(size=k)
    by_number = dict(zip(old, velocity))
    at = np.minimum(np.searchsorted(old, new), k - 1)
    slips = {
        "connections that are new start at 0": velocity[at],
        "the order is that of new, not that of old": np.array([by_number.get(number, 0.0) for number in np.sort(new)]),
        "taken in the order of old: look up each number": np.resize(velocity, len(new)),
    }
    right = np.array([by_number.get(number, 0.0) for number in new])
    try:
        yours = hand_over(velocity.copy(), old.copy(), new.copy())
    except IndexError as error:
        hint = "does the answer look up a number beyond the last of old? It has no place there"
        raise AssertionError(f"{error}: {hint}") from None
    same(yours, right, "the velocity", f"{len(new)} connections", slips)


check = checker(once_in_an_epoch, until_nothing_changes, momentum_in_place)

"""The digest of arrays covers their names, types, shapes and numbers, and nothing else."""

import numpy as np
import pytest

from tinygsp import runs

GOOD = {"a": np.arange(6, dtype=np.int64), "b": np.ones((2, 3), np.float32)}


def test_the_digest_is_that_of_the_content():
    copies = {name: GOOD[name].copy() for name in reversed(GOOD)}
    assert np.array_equal(runs.digest(copies), runs.digest(GOOD)) and runs.digest(GOOD).shape == (32,)
    strided = {"a": np.repeat(GOOD["a"], 2)[::2], "b": np.asfortranarray(GOOD["b"])}
    assert np.array_equal(runs.digest(strided), runs.digest(GOOD))


@pytest.mark.parametrize("changes", [
    {"a": GOOD["a"].view(np.uint64)},  # the same bytes of another type,
    {"a": GOOD["a"].view(np.float64)},
    {"a": GOOD["a"].reshape(2, 3)},  # in another shape,
    {"b": GOOD["b"].reshape(3, 2)}, {"b": GOOD["b"].ravel()},
    {"a": GOOD["a"].view(np.int32)},  # and in both
    {"a": GOOD["a"] + 1}, {"b": -GOOD["b"]}, {"c": np.zeros(0)}, {"a": GOOD["a"][:5]},
])  # fmt: skip
def test_every_part_of_an_array_counts(changes):
    assert not np.array_equal(runs.digest({**GOOD, **changes}), runs.digest(GOOD))


def test_names_count():
    renamed = {"a": GOOD["a"], "c": GOOD["b"]}
    assert not np.array_equal(runs.digest(renamed), runs.digest(GOOD))
    swapped = {"a": GOOD["b"], "b": GOOD["a"]}
    assert not np.array_equal(runs.digest(swapped), runs.digest(GOOD))

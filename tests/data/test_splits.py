"""Splits and batches hold every sample once."""

import numpy as np
import pytest

from tinygsp.data import minibatches, split
from tinygsp.data.splits import shares


def test_split_is_disjoint_and_complete():
    train, val = split(60, 5, np.random.default_rng(0))
    assert len(train) == 55 and len(val) == 5
    assert sorted([*train, *val]) == list(range(60))
    assert list(val) != list(range(5)) and list(val) != list(range(55, 60))


def test_minibatches_visit_every_sample_once_in_a_new_order():
    rng = np.random.default_rng(0)
    first, second = list(minibatches(50, 16, rng)), list(minibatches(50, 16, rng))
    for epoch in (first, second):
        assert [len(batch) for batch in epoch] == [16, 16, 16, 2]
        assert all(batch.dtype == np.int64 for batch in epoch)
        assert sorted(np.concatenate(epoch)) == list(range(50))
    assert set(first[0]) not in [set(batch) for batch in second]  # not the same batches in another order
    again = list(minibatches(50, 16, np.random.default_rng(0)))
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(first))


def test_one_batch_may_hold_everything():
    assert [len(batch) for batch in minibatches(3, 100, np.random.default_rng(0))] == [3]


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batch_size_must_be_positive(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be at least 1, got {batch_size}"):
        minibatches(10, batch_size, np.random.default_rng(0))


@pytest.mark.parametrize("n, share, expected", [(100, 0.2, 20), (7, 0.2, 1), (2, 0.2, 1), (1, 0.2, 0), (50, 0.0, 0)])
def test_a_share_of_the_samples(n, share, expected):
    kept, apart = shares(n, share, 0)
    assert len(apart) == expected and sorted([*kept, *apart]) == list(range(n))
    assert np.array_equal(kept, np.sort(kept)) and np.array_equal(apart, np.sort(apart))


def test_a_share_of_each_class():
    labels = np.array(["a"] * 50 + ["b"] * 7 + ["c"] * 2 + ["d"])
    kept, apart = shares(60, 0.2, 0, labels)
    assert {name: int((labels[apart] == name).sum()) for name in "abcd"} == {"a": 10, "b": 1, "c": 1, "d": 0}
    assert sorted([*kept, *apart]) == list(range(60))
    assert not np.array_equal(apart, shares(60, 0.2, 1, labels)[1])
    assert np.array_equal(apart, shares(60, 0.2, 0, labels)[1]) and len(shares(60, 0.0, 0, labels)[1]) == 0

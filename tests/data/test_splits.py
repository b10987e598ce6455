"""Splits and batches hold every sample once."""

import numpy as np
import pytest

from tinygsp.data import minibatches, split


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

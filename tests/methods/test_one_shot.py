"""One cut: exactly the largest top of the ranking that fits the budget, and all epochs that are left to train it."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import SMALL, TOTAL
from helpers.trainers import above, begin, finished, is_fresh, kinds, largest_fit, live, same, trained, weights

from tinygsp.nn.layers import MaskedEdges

ONE_SHOT = ["magnitude", "random", "snip"]


@pytest.mark.parametrize("density", [1.0, 0.3, 0.1, 0.03, 5 / TOTAL])
@pytest.mark.parametrize("method", ONE_SHOT)
def test_one_cut_keeps_the_highest(method, density):
    """The cut is exactly the largest top of the ranking that, trimmed, fits the budget; the weights are not touched."""
    trainer, twin = (trained(method, replace(SMALL, density=density)) for _ in range(2))
    if method != "magnitude":
        assert not is_fresh(twin)
        twin.net.build(np.inf, twin.net.fresh_weights(0))
        assert is_fresh(twin)
    ranking = twin.method.scores(twin)
    assert all(values.dtype == np.float32 for values in ranking)
    expected = largest_fit(weights(twin), ranking, twin.budget, twin.net.meta)
    begin(trainer, "finetune")
    assert expected.count() <= trainer.budget and same(above(trainer, 0), expected)
    assert kinds(trainer) == [MaskedEdges] * 3 and not trainer.net.optimizer.state
    assert trainer.net.count_open() == expected.count() == live(trainer).sum()
    assert all(np.all(layer.params["gate"] == np.inf) for layer in trainer.net.layers)
    if density > 0.2:
        assert expected.count() > 0.9 * trainer.budget


@pytest.mark.parametrize("method", ONE_SHOT)
def test_the_survivors_have_all_the_epochs_that_are_left(method):
    trainer, records = finished(method)
    assert [(phase.name, phase.epochs) for phase in trainer.phases] == [("dense", 2), ("finetune", 9)]
    assert [r["phase"] for r in records] == ["dense"] * 2 + ["finetune"] * 9
    assert len({r["open_gates"] for r in records[2:]}) == 1
    assert all(r["noise"] == 0 for r in records)

"""random: a wiring that depends on the seed alone, drawn at the rates of the layers."""

import numpy as np
import pytest
from helpers.problems import TOTAL, images
from helpers.trainers import above, begin, is_fresh, same, trained, trainer_of, weights


def random_scores(seed):
    trainer = trainer_of("random", seed=seed)
    return trainer.method.scores(trainer)


def test_random_wiring_is_reproducible():
    first, again, other = random_scores(0), random_scores(0), random_scores(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other))
    assert all(np.isfinite(values).all() and values.min() > 0 for values in first)
    networks = []
    for seed in (0, 0, 1):
        trainer = trained("random", seed=seed)
        begin(trainer, "finetune")
        networks.append(above(trainer, 0))
    assert same(*networks[:2]) and networks[0].to_bytes() != networks[2].to_bytes()


def test_random_wiring_does_not_look_at_the_data():
    """...nor at what the dense phase learned."""
    data = images()
    others = images(train_x=data.train_x[::-1].copy(), train_y=data.train_y)
    first, second = trained("random"), trained("random", dataset=others)
    assert not np.array_equal(weights(first)[0], weights(second)[0])
    for trainer in (first, second):
        begin(trainer, "finetune")
    assert same(above(first, 0), above(second, 0)) and is_fresh(first)


@pytest.mark.parametrize("count", [40, 200])
def test_random_rates_of_the_layers(count):
    """Drawn one after the other without replacement at rates (n_in + n_out) / (n_in n_out), the biases as an input.

    The share of a layer that is drawn among the first `count` of all is then 1 - exp(-t rate), with one t for all.
    """
    shapes = [(37, 12), (13, 8), (9, 3)]
    sizes = np.array([a * b for a, b in shapes])
    rates = np.array([(a + b) / (a * b) for a, b in shapes])
    low, high = 0.0, 1e3
    for _ in range(100):
        t = (low + high) / 2
        low, high = (t, high) if np.sum(sizes * (1 - np.exp(-t * rates))) < count else (low, t)
    drawn, each = [], np.zeros(TOTAL)
    for seed in range(150):
        flat = np.concatenate([values.ravel() for values in random_scores(seed)])
        kept = flat >= np.sort(flat)[-count]
        drawn.append([part.sum() for part in np.split(kept, np.cumsum(sizes)[:-1])])
        each += kept
    drawn = np.array(drawn)
    assert np.all(drawn.sum(axis=1) == count)
    expected = sizes * (1 - np.exp(-t * rates))
    assert np.all(np.abs(drawn.mean(axis=0) - expected) < 5 * drawn.std(axis=0) / np.sqrt(150) + 0.01 * expected)
    p = np.repeat(expected / sizes, sizes)
    assert np.all(np.abs(each / 150 - p) < 5 * np.sqrt(p * (1 - p) / 150))  # and all places of a layer are equal

"""The result is the best network that was offered: by its validation score, then by how little it reads."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from helpers.nets import layer, random_network, same_network
from helpers.problems import SMALL, images
from helpers.runs import equal_states
from helpers.trainers import above, same, trainer_of

from tinygsp.sparse import Meta, SparseNetwork
from tinygsp.training.result import TIE, Result
from tinygsp.training.state import StateError

META = Meta(class_names=("a", "b"), input_shape=(4,))


def reading(*inputs):
    """A network of 4 inputs and 2 outputs whose first output reads the given inputs."""
    first = layer((4, 3), [(row, 0, 1.0) for row in inputs], [0, 0, 0])
    return SparseNetwork([first, layer((3, 2), [(0, 0, 1.0)], [0, 0.5])], META)


def result():
    return Result((4, 3, 2), META)


ONE, TWO, THREE = reading(0), reading(1, 2), reading(0, 1, 3)


@pytest.mark.parametrize("first, second, gain, kept", [
    (TWO, THREE, 2 * TIE, 1),  # clearly better, though it reads more
    (TWO, ONE, -2 * TIE, 0),  # clearly worse, though it reads less
    (TWO, THREE, 0.5 * TIE, 0), (TWO, ONE, -0.5 * TIE, 1),  # as good: the one that reads less
    (TWO, reading(0, 3), 0.5 * TIE, 1), (TWO, reading(0, 3), -0.5 * TIE, 0),  # as good and as simple: the score
    (TWO, reading(0, 3), 0.0, 0),  # and if that is equal as well, the earlier one
])  # fmt: skip
def test_which_of_two_is_kept(first, second, gain, kept):
    best = result()
    best.offer(first, 0.5)
    assert best.network is first and best.score == 0.5
    best.offer(second, 0.5 + gain)
    assert best.network is (first, second)[kept] and best.score == (0.5, 0.5 + gain)[kept]


def test_any_network_beats_none():
    best = result()
    assert best.network is None
    best.offer(THREE, -12.0)  # an R² can be as bad as that
    assert best.network is THREE


def test_state():
    best, other = result(), result()
    assert best.state() == {}
    best.offer(TWO, 0.25)
    state = best.state()
    assert state.keys() == {"network_score"} | {
        f"network{k}_{name}" for k in range(2) for name in ("row", "col", "weight", "bias")
    }
    other.restore(state)
    assert same_network(other.network, TWO) and other.score == 0.25
    equal_states(other.state(), best.state())
    state["network0_weight"][:] = 9
    assert same_network(other.network, TWO) and same_network(best.network, TWO)
    other.restore({})
    assert other.network is None
    other.offer(ONE, -1.0)
    assert other.network is ONE


def test_a_score_is_at_most_1():
    best = result()
    best.offer(TWO, 1.0)
    for score, is_good in ((1.0, True), (-7.0, True), (1.25, False)):
        state = best.state() | {"network_score": np.array(score)}
        with contextlib.nullcontext() if is_good else pytest.raises(StateError, match="network_score"):
            result().restore(state)


def test_state_of_a_network_of_many_layers():
    network = random_network(3).trim()
    best = Result((6, 5, 5, 4, 3), network.meta)
    best.offer(network, np.float64(0.5))
    other = Result((6, 5, 5, 4, 3), network.meta)
    other.restore(best.state())
    assert same_network(other.network, network)


def test_the_best_of_several_tries():
    """Judged on the validation split, the earlier one if equal; every try draws its own first weights."""
    settings = replace(SMALL, density=0.03, epochs=4, tries=3)
    noise = np.random.default_rng(5).integers(0, 90, (60, 36))
    noisy = images(val_x=np.clip(images().val_x + noise, 0, 255).astype(np.uint8))
    trainer, starts, networks = trainer_of(settings=settings, dataset=noisy), [], []
    build = trainer.net.build
    trainer.net.build = lambda *a: (build(*a), starts.append(trainer.net.layers[0].params["W"].copy()))
    for record in trainer.run():
        networks.append((record["phase"], record["val_accuracy"], above(trainer, 0).trim()))
    assert [n[0] for n in networks] == ["dense"] * 2 + (["search"] * 4 + ["finetune"] * 3) * 3
    ends = [networks[k][1:] for k in (8, 15, 22)]
    assert len({accuracy for accuracy, _ in ends}) > 1 and same(trainer.network, max(ends, key=lambda e: e[0])[1])
    assert trainer.result.score == max(accuracy for accuracy, _ in ends)
    assert len(starts) == 3  # one for each search
    assert not np.array_equal(starts[0], starts[1]) and not np.array_equal(starts[1], starts[2])

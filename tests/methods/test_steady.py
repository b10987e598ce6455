"""What l0 and vd have in common: fresh weights, noise that never fades, and a steered price."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import PRICED, SMALL, images
from helpers.trainers import begin, finished, is_fresh, live, phase_named, scores, spread, trained, trainer_of

from tinygsp import methods
from tinygsp.training import wiring

f32 = np.float32
STEADY = ["l0", "vd"]


@pytest.mark.parametrize("method", STEADY)
def test_learned_gates_keep_their_own_start_and_rate(method):
    """Whatever the method's own settings are: fresh weights, gates at a rate of 3."""
    trainer = trained(method, replace(PRICED, gate_lr=9.0))
    search = begin(trainer, "search")
    assert is_fresh(trainer)
    assert np.isclose(search.rates(0)["gate"], 3.0) and np.isclose(search.rates(1.0)["gate"], 0.3)


@pytest.mark.parametrize("method, start", [("l0", 3.0), ("vd", 8.0)])
def test_noisy_methods_begin_again_from_the_first_weights(method, start):
    trainer = trained(method, replace(SMALL, gate_start=0.4, tries=2))
    assert all(np.all(layer.params["gate"] == np.inf) for layer in trainer.net.layers)
    for attempt in (0, 1):
        begin(trainer, "search", attempt)
        assert is_fresh(trainer, attempt)
        assert all(np.all(layer.params["gate"] == start) for layer in trainer.net.layers)


@pytest.mark.parametrize("method", STEADY)
def test_the_noise_never_fades(method):
    trainer, seen = trainer_of(method, PRICED), []
    search, net = phase_named(trainer, "search"), trainer.net
    for record in trainer.run():
        assert record["noise"] == (1.0 if record["phase"] == "search" else 0.0)
        if record["phase"] == "search":
            x, outputs = trainer.feed.validation(net), []
            for step in (1, 1, 2):
                net.model.sample(step, search.noise(0.99))
                outputs.append(net.model.forward(x))
            assert np.array_equal(outputs[0], outputs[1])
            seen.append(np.abs(outputs[0] - outputs[2]).max())
    assert len(seen) == 8 and min(seen) > 1e-3


@pytest.mark.parametrize("method", STEADY)
def test_every_step_of_a_search_has_noise_and_a_price(method, monkeypatch):
    trainer, asked = trainer_of(method, PRICED), []
    kind = methods.find(method).layers[0]
    sample, penalty = kind.sample, kind.penalty
    monkeypatch.setattr(
        kind, "sample", lambda self, step, noise=1.0: (asked.append(("noise", noise)), sample(self, step, noise))[1]
    )
    monkeypatch.setattr(kind, "penalty", lambda self, price: (asked.append(("price", price)), penalty(self, price))[1])
    trainer.epoch = 2
    next(trainer.steps())
    assert asked[:3] == [("noise", 1.0)] * 3 and len(asked) == 6 and len(set(asked[3:])) == 1
    assert asked[3][0] == "price" and asked[3][1] > 0


@pytest.mark.parametrize("method", STEADY)
def test_the_price_brings_the_count_to_the_budget(method):
    records = [r for r in finished(method, PRICED)[1] if r["phase"] == "search"]
    assert records[0]["open_gates"] > 300 and 0.8 * 57 < records[-1]["open_gates"] < 1.2 * 57


@pytest.mark.parametrize("method", STEADY)
def test_the_price_begins_again_with_a_search(method):
    trainer = trained(method, PRICED)
    search = begin(trainer, "search")
    trainer.train_epoch()
    assert search.price > PRICED.price_start
    trainer.begin(search)
    assert search.price == PRICED.price_start


@pytest.mark.parametrize("steer", ["open", "drawn"])
@pytest.mark.parametrize("method", STEADY)
def test_noisy_methods_use_their_budget(method, steer):
    """A closed gate of L0 is exactly 0: what is missing from the budget in the end, no ranking can fill up."""
    trainer, _ = finished(method, replace(PRICED, epochs=16, steer=steer))
    assert 0.85 * 57 < trainer.network.count() <= 57


@pytest.mark.parametrize("method, lowest", [("l0", -3.0), ("vd", -2.0)])
def test_what_is_retired(method, lowest):
    """What is below the threshold, which does not move, and what then hangs on a dead unit."""
    trainer = trained(method, PRICED)
    search, net = begin(trainer, "search"), trainer.net
    values = np.linspace(-6, 1, 36 * 12).astype(f32).reshape(36, 12)  # the logits of the first layer's weights
    for layer in net.layers:
        layer.params["W"][:] = np.e
    layer = net.layers[0]
    layer.params["gate"][:-1] = values if method == "l0" else values - 5  # 3 - log alpha = 3 + gate + 2
    ranking = spread(trainer, lambda layer: layer.logits())
    assert np.allclose(ranking[: 36 * 12], values.ravel(), rtol=0, atol=1e-5)
    for r in (0.0, 0.99):
        search.close_gates(trainer, r, 1)
        assert np.array_equal(live(trainer), ranking >= lowest) and np.abs(ranking - lowest).min() > 1e-3
    wiring.close(net, [layer.logits() >= 1e3 for layer in net.layers])  # nothing is left
    assert not live(trainer).any()


@pytest.mark.parametrize("method", STEADY)
def test_a_network_of_nothing_still_answers(method):
    trainer = trained(method, PRICED)
    begin(trainer, "search")
    wiring.close(trainer.net, [layer.logits() >= 1e3 for layer in trainer.net.layers])
    assert not scores(trainer).any() and trainer.net.count_open() == 0
    assert scores(trainer).shape == (len(images().val_x), 3)

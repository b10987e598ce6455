"""The library's trainer beside a Run: random images and settings, and what tells the two apart. For lesson_15.py."""

from itertools import count, islice

import numpy as np

from tinygsp import data, methods
from tinygsp.training import Settings, Trainer

turns = count()  # phases, their epochs, and the parts of a schedule take turns, so that each is tried


def images(rng):
    """A Dataset of 6 x 6 images: a random pattern for each of 3 or 4 classes, and noise."""
    k, n = int(rng.integers(3, 5)), int(rng.integers(90, 140))
    patterns = rng.random((k, 6, 6)) < 0.4
    labels = np.append(np.arange(k), rng.integers(0, k, n - k))
    x = np.clip(patterns[labels] * 160 + rng.normal(40, 40, (n, 6, 6)), 0, 255).astype(np.uint8)
    return data.from_arrays(x[:-30], labels[:-30], validation=(x[-30:], labels[-30:] % k))


def short(rng):
    """Settings of a run of a second's fraction."""
    return Settings(
        density=rng.uniform(0.12, 0.25), retire_density=0.5, hidden=(8, 6), batch_size=int(rng.integers(16, 40)),
        dense_epochs=int(rng.integers(1, 4)), epochs=2 * int(rng.integers(3, 7)), finetune_epochs=5,
        gate_lr=rng.uniform(3, 12), finetune_lr=rng.uniform(0.3, 1), price_start=1e-4, shift=1,
    )  # fmt: skip


def library_run(rng):
    """A Trainer on random images, one step into an epoch; the phases and their epochs take turns."""
    settings, seed, turn = short(rng), int(rng.integers(0, 1000)), next(turns)
    trainer = Trainer(images(rng), settings, methods.find("gates"), seed)
    lengths = [phase.epochs for phase in trainer.phases]
    k = turn % 4
    for _ in range(sum(lengths[:k]) + turn // 4 % lengths[k]):
        trainer.train_epoch()
    take_steps(trainer, 1)
    return trainer


def take_steps(trainer, number):
    """So many steps of the epoch that is under way."""
    for _ in islice(trainer.steps(), number):
        pass


def same_place(Run, trainer):
    """A Run that stands where the trainer does."""
    run, state = Run(trainer.dataset, trainer.settings, trainer.seed), trainer.state()
    run.net.restore(state)
    run.result.restore(state)
    run.epoch, run.batch, run.step = trainer.epoch, trainer.batch, trainer.step
    run.price.price = trainer.position()[0].price or run.price.price
    return run


def watched(place):
    """A list that gets the state of the network of a trainer or a Run, each time that it is validated."""
    seen, score = [], place.goal.score
    place.goal.score = lambda outputs: (seen.append(place.net.state()), score(outputs))[1]
    return seen


def differences(state, other):
    """What of the state of a network differs from another: "" or words."""
    layers = [name[:-2] for name in other if name.endswith("_W") and "velocity" not in name]
    if [state[f"{layer}_W"].shape for layer in layers] != [other[f"{layer}_W"].shape for layer in layers]:
        return "the layers have other shapes"
    for name, words in (("W", "the weights"), ("gate", "the gates")):
        pairs = [(state[f"{layer}_{name}"], other[f"{layer}_{name}"]) for layer in layers]
        if not all(np.array_equal(a, b) for a, b in pairs):
            with np.errstate(invalid="ignore"):
                gap = max(np.nanmax(np.abs(a - b), initial=0) for a, b in pairs)
            return f"{words} differ, by up to {gap:.3g}"
    return ""


def interrupted(trainer, rng, Run):
    """A Run where the trainer is after some steps of an epoch, every other time of the first one of a phase."""
    lengths = [phase.epochs for phase in trainer.phases]
    starts = np.cumsum([0, *lengths[:-1]])
    for _ in range(int(rng.choice(starts if rng.random() < 0.5 else np.arange(sum(lengths))))):
        trainer.train_epoch()
    take_steps(trainer, int(rng.integers(1, trainer.steps_per_epoch)))
    return same_place(Run, trainer)

"""Data of odd shapes is pruned like any other."""

from dataclasses import replace

import numba
import numpy as np
import pytest

from tinygsp import methods
from tinygsp.data import Dataset
from tinygsp.sparse import SparseNetwork
from tinygsp.training import Settings, Trainer

f32 = np.float32
GATES = methods.find(methods.DEFAULT)
JIT = not numba.config.DISABLE_JIT  # compiled loops run as Python are a thousand times slower
TINY = Settings(density=0.1, hidden=(6,), epochs=3, dense_epochs=1, finetune_epochs=2, batch_size=16)


def pictures(n=40, pixels=12, classes=3, labels=None, x=None):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % classes if labels is None else np.asarray(labels)
    x = rng.integers(256, size=(n, pixels)).astype(np.uint8) if x is None else x
    part = slice(0, max(1, n // 4))
    return Dataset(
        "odd",
        x,
        labels,
        x[part],
        labels[part],
        x[part],
        labels[part],
        task="classification",
        n_out=classes,
        class_names=tuple(str(k) for k in range(classes)),
        input_shape=(1, pixels),
        divisor=255.0,
        mean=0.5,
        std=0.3,
    )


SHAPES = {
    "16,000 pixels": (pictures(pixels=16_000 if JIT else 160), 0.01 if JIT else 0.1),
    "one pixel": (pictures(pixels=1), 0.9),
    "two classes": (pictures(classes=2), 0.2),
    "1,000 classes": (pictures(classes=1000), 0.5),
    "classes missing from training": (pictures(classes=10, labels=np.repeat([0, 7], 20)), 0.5),
    "one training image": (pictures(n=1), 0.5),
    "constant pixels": (pictures(x=np.full((40, 12), 200, np.uint8)), 0.5),
    "black pixels": (pictures(x=np.zeros((40, 12), np.uint8)), 0.5),
}


@pytest.mark.filterwarnings("ignore:overflow encountered in scalar")  # of uint32, on purpose, when not compiled
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dataset, density", SHAPES.values(), ids=SHAPES)
def test_odd_data_is_pruned(tmp_path, dataset, density):
    trainer = Trainer(dataset, replace(TINY, density=density), GATES)
    records = list(trainer.run())
    assert len(records) == 6 and all(np.isfinite(r["loss"]) and 0 <= r["val_accuracy"] <= 1 for r in records)
    network = trainer.network
    assert network.count() <= trainer.budget
    network.save(tmp_path / "model.npz")
    again = SparseNetwork.load(tmp_path / "model.npz")
    assert np.array_equal(again.scores(dataset.test_x), network.scores(dataset.test_x))
    assert again.scores(dataset.test_x).shape == (len(dataset.test_x), dataset.n_out)


def test_a_class_without_pictures_is_never_chosen_for_long():
    """Its score is pushed down by every picture of another class."""
    dataset = pictures(n=200, classes=4, labels=np.tile([0, 3], 100))
    trainer = Trainer(dataset, replace(TINY, density=0.9, dense_epochs=5), GATES)
    list(trainer.run())
    assert set(trainer.network.predict(dataset.train_x)) <= {0, 3}


def test_a_finished_run_cannot_go_on():
    trainer = Trainer(pictures(), replace(TINY, density=0.5, epochs=1, finetune_epochs=1), GATES)
    list(trainer.run())
    with pytest.raises(ValueError, match="all 3 epochs are done"):
        trainer.train_epoch()

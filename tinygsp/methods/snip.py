"""snip: keep the fresh weights whose removal would change the loss most (Lee, Ajanthan, Torr 2019)."""

import numpy as np

from tinygsp.methods._one_shot import OneShot
from tinygsp.training import Trainer

SAMPLES = 5_000  # of the training split that are looked at; the paper takes one batch


class Snip(OneShot):
    """One cut by connection sensitivity. Fresh biases are 0, and so are their scores: none is kept."""

    name = "snip"
    fresh = True

    def scores(self, trainer: Trainer) -> list[np.ndarray]:
        """|W dL/dW| of the first samples of the training split (eq. 6)."""
        net = trainer.net
        samples = np.arange(min(SAMPLES, len(trainer.goal.train_y)))
        net.model.sample(trainer.step, 0.0)
        outputs = net.model.forward(trainer.feed.training(net, samples, trainer.step, moved=False))
        net.model.backward(trainer.goal.loss(outputs, samples)[1])
        return [np.abs(layer.params["W"] * layer.grads["W"]) for layer in net.layers]


method = Snip()

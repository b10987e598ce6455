"""magnitude: keep the largest weights of the trained dense network (Han et al. 2015). Lesson 05 builds it."""

import numpy as np

from tinygsp.methods._one_shot import OneShot
from tinygsp.methods._scores import lamp
from tinygsp.training import Trainer


class Magnitude(OneShot):
    """One cut by magnitude, which LAMP makes comparable between layers."""

    name = "magnitude"

    def scores(self, trainer: Trainer) -> list[np.ndarray]:
        """LAMP scores of the trained weights."""
        return lamp(trainer.net)


method = Magnitude()

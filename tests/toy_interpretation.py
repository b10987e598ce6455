"""Count the toy runs whose networks are read as the functions that made their data.

    y1 = 3 sin((x1 - x2)**2)        y2 = (x3 + x4)**3

By hand: python tests/toy_interpretation.py RUN ...  Each RUN is a folder that `python -m tinygsp.train toy` has left.
The criteria are those of `agreement`.
"""

import json
import sys
from pathlib import Path

import numpy as np

from tinygsp import data, reading
from tinygsp.sparse import SparseNetwork

BLOCKS = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)  # which input moves which output


def truth(x):
    """Compute the functions and their derivatives for x (n, 4): (n, 2) and (n, 4, 2)."""
    difference, total = x[:, 0] - x[:, 1], x[:, 2] + x[:, 3]
    y = np.column_stack([3 * np.sin(difference**2), total**3])
    slope = np.zeros((len(x), 4, 2))
    slope[:, 0, 0] = 6 * difference * np.cos(difference**2)
    slope[:, 1, 0] = -slope[:, 0, 0]
    slope[:, 2:, 1] = 3 * total[:, None] ** 2
    return y, slope


def agreement(network, dataset):
    """Answer for each question whether the network is read as the functions: {question: bool}.

    loss     : the increase of the squared error, each input set to its mean, within 5 % of what it is for the functions
    gradient : mean |gradient| of each output in each input within 5 % of the largest from that of the functions
    symmetry : exactly the groups x1 - x2 and x3 + x4, ratios within 2 %
    pathways : paths from x1 and x2 to y1 and from x3 and x4 to y2, and no others
    """
    x, fill = dataset.test_x.astype(np.float64), dataset.train_x.mean(axis=0)
    y, slope = truth(x)
    _, found = reading.ablation(network, dataset.test_x, dataset.test_y, fill)
    without = [truth(np.where(np.arange(4) == i, fill, x))[0] for i in range(4)]
    expected = np.array([((lost - y) ** 2).sum(axis=1).mean() for lost in without])
    gradients = reading.mean_gradients(network, dataset.test_x, absolute=True)
    true_gradients = np.abs(slope).mean(axis=0)
    groups = {tuple(sorted(g.inputs.tolist())): g.ratios[1] for g in reading.symmetric_groups(network)}
    return {
        "loss": bool((np.abs(found - expected) <= 0.05 * expected).all()),
        "gradient": bool((np.abs(gradients - true_gradients) <= 0.05 * true_gradients.max()).all()),
        "symmetry": groups.keys() == {(0, 1), (2, 3)} and abs(groups[0, 1] + 1) <= 0.02 >= abs(groups[2, 3] - 1),
        "pathways": np.array_equal(reading.path_counts(network) > 0, BLOCKS),
    }


def main(runs):
    agree = 0
    for run in map(Path, runs):
        seed = json.loads((run / "config.json").read_text())["seed"]
        answers = agreement(SparseNetwork.load(run / "model.npz"), data.load("toy", seed))
        agree += all(answers.values())
        print(f"seed {seed:>3}  " + "  ".join(f"{name} {'yes' if yes else 'NO '}" for name, yes in answers.items()))
    print(f"{agree} of {len(runs)} runs agree in all")


if __name__ == "__main__":
    main(sys.argv[1:])

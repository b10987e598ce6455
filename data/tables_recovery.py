"""See whether the inputs that matter are found, and all others dropped, on tables whose truth is known.

    python data/tables_recovery.py                       # all problems, seeds 20 to 29 of each: some five minutes
    python data/tables_recovery.py --problems friedman1 --seeds 20,21

The tables are those that scikit-learn makes, their columns shuffled, with inputs of noise among them. Other inputs may
depend on the target as well, but not on those of noise: there are no redundant ones (sums of informative ones), for
which there would be no one right answer: any of two inputs that say the same may stay, and the other go.

An input matters if without it a good model is clearly worse:

    friedman1, 2, 3   shuffling it changes the function by more than a hundredth of its variance
    regression        the same, of the sum that made the target
    classification    boosted trees, fitted to 10,000 other samples with all informative inputs and without this one,
                      lose more than a point of accuracy on 10,000 more

A run is right if the network reads every input that matters and none of noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier

import tinygsp

SAMPLES = {"friedman1": 500, "friedman2": 500, "friedman3": 500, "regression": 500, "classification": 2000}
BUDGETS = {"friedman1": 30, "friedman2": 30, "friedman3": 30, "regression": 20, "classification": 30}
NOISE = 0.2  # of the target of a regression, in standard deviations of the function
OTHERS = 10_000  # samples that the trees are fitted to, and as many to judge them by
Found = tuple[np.ndarray, np.ndarray, set[int], set[int]]  # x, y, the inputs that matter, those that are not noise


def friedman1(x: np.ndarray) -> np.ndarray:
    """The function of Friedman's first problem (1991): five inputs from 0 to 1."""
    return 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]


def friedman2(x: np.ndarray) -> np.ndarray:
    """That of the second: the impedance of a circuit."""
    return np.hypot(x[:, 0], x[:, 1] * x[:, 2] - 1 / (x[:, 1] * x[:, 3]))


def friedman3(x: np.ndarray) -> np.ndarray:
    """That of the third: its phase."""
    return np.arctan((x[:, 1] * x[:, 2] - 1 / (x[:, 1] * x[:, 3])) / x[:, 0])


def of_function(make: Callable[..., tuple], function: Callable[[np.ndarray], np.ndarray], n: int, seed: int) -> Found:
    """A regression on a known function, with five inputs of noise."""
    rng = np.random.default_rng(seed)
    x = make(n, random_state=seed)[0]
    count = 5 if function is friedman1 else 4
    many = make(OTHERS, random_state=seed + 1000)[0]
    matter = matters(function, many, range(count), rng)
    y = function(x) + NOISE * function(many).std() * rng.normal(size=n)
    return np.column_stack([x[:, :count], rng.normal(size=(n, 5))]), y, matter, set(range(count))


def matters(
    function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, inputs: range, rng: np.random.Generator
) -> set:
    """The inputs whose shuffling changes the function by more than a hundredth of its variance."""
    y, found = function(x), set()
    for i in inputs:
        shuffled = x.copy()
        shuffled[:, i] = rng.permutation(x[:, i])
        if ((function(shuffled) - y) ** 2).mean() > 0.01 * y.var():
            found.add(i)
    return found


def regression(n: int, seed: int) -> Found:
    """`make_regression`: the sum of five inputs, ten of noise."""
    x, y, weights = datasets.make_regression(n, 15, n_informative=5, coef=True, random_state=seed)
    y = y + NOISE * y.std() * np.random.default_rng(seed).normal(size=n)
    many = np.random.default_rng(seed + 1000).normal(size=(OTHERS, 15))
    matter = matters(lambda x: x @ weights, many, range(15), np.random.default_rng(seed))
    return x, y, matter, set(np.flatnonzero(weights).tolist())


def classification(n: int, seed: int) -> Found:
    """`make_classification`: two clusters in each of two classes, three informative inputs, twelve of noise."""
    x, y = datasets.make_classification(
        n + 2 * OTHERS, 15, n_informative=3, n_redundant=0, n_clusters_per_class=2, class_sep=1.5, shuffle=False,
        random_state=seed,
    )  # fmt: skip
    rows = np.random.default_rng(seed).permutation(len(x))
    x, y, train, test = x[rows], y[rows], slice(n, n + OTHERS), slice(n + OTHERS, None)

    def accuracy(columns: list[int]) -> float:
        trees = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(x[train][:, columns], y[train])
        return trees.score(x[test][:, columns], y[test])

    best = accuracy([0, 1, 2])
    matter = {i for i in range(3) if best - accuracy([j for j in range(3) if j != i]) > 0.01}
    return x[:n], y[:n], matter, {0, 1, 2}


def problems() -> dict[str, Callable[[int, int], Found]]:
    """A function of (samples, seed) for each problem."""
    functions = {"friedman1": friedman1, "friedman2": friedman2, "friedman3": friedman3}
    made = {
        name: lambda n, seed, name=name, f=f: of_function(getattr(datasets, f"make_{name}"), f, n, seed)
        for name, f in functions.items()
    }
    return made | {"regression": regression, "classification": classification}


def runs(name: str, seeds: list[int]) -> Iterator[tuple[int, bool, bool]]:
    """(inputs that matter, whether all of them were found, whether none of noise was kept) of each seed."""
    for seed in seeds:
        x, y, matter, informative = problems()[name](SAMPLES[name], seed)
        order = np.random.default_rng(seed).permutation(x.shape[1])
        kind = tinygsp.PrunedClassifier if name == "classification" else tinygsp.PrunedRegressor
        network = kind(budget=BUDGETS[name]).fit(x[:, order], y).network_
        used = set(order[network.used_inputs()[0]].tolist())
        yield len(matter), matter <= used, used <= informative


def main() -> None:
    """Print a line for each problem: in how many runs the inputs that matter were found, and those of noise dropped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", default=",".join(SAMPLES), help="names, separated by commas")
    parser.add_argument("--seeds", default=",".join(map(str, range(20, 30))), help="of the tables")
    args = parser.parse_args()
    print("| problem | samples | budget | inputs that matter | all found | no noise kept | both |\n" + "|---" * 7 + "|")
    for name in args.problems.split(","):
        counts, found, clean = zip(*runs(name, list(map(int, args.seeds.split(",")))))
        least, most, n = min(counts), max(counts), len(counts)
        both = sum(a and b for a, b in zip(found, clean))
        matter = f"{least}" if least == most else f"{least} to {most}"
        cells = [
            name,
            f"{SAMPLES[name]:,}",
            BUDGETS[name],
            matter,
            *(f"{k} of {n}" for k in (sum(found), sum(clean), both)),
        ]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()

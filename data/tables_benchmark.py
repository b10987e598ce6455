"""Compare tiny networks with other models of as many parameters, on the tables that come with scikit-learn.

    python data/tables_benchmark.py                      # all tables, five splits each: about ten minutes
    python data/tables_benchmark.py --tables iris --seeds 0,1

Every model is fitted to the same four fifths of a table and judged by the rest; the split of seed s is that of
`train_test_split(..., random_state=s)`. A nonzero coefficient, a bias, a threshold and the value of a leaf are one
parameter each. Inputs are scaled to mean 0 and spread 1 for the models of scikit-learn; tinygsp takes them raw.

    tinygsp    PrunedClassifier and PrunedRegressor with budget=, else as they come
    L1         lasso or logistic regression with an L1 penalty: the weakest penalty that keeps to the budget
    L1, refit  the same support, fitted again with a weak L2 penalty (two classes and regressions)
    L2         ridge or logistic regression on all inputs, where they are within the budget
    tree       a decision tree with as many thresholds and leaves
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator

import numpy as np
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge, lasso_path
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import tinygsp

TABLES = {  # budgets of each table
    "breast_cancer": (12, 30), "digits": (150, 400), "wine": (10, 20), "iris": (6, 10),
    "diabetes": (8, 20), "friedman1": (12, 30),
}  # fmt: skip
REGRESSIONS = ("diabetes", "friedman1")
STRENGTHS = np.geomspace(1e-3, 30, 24)  # C of the logistic regressions with an L1 penalty


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The inputs and targets of a table; of Friedman's first problem 500 samples with noise of variance 1."""
    if name == "friedman1":
        return datasets.make_friedman1(500, n_features=10, noise=1.0, random_state=0)
    return getattr(datasets, f"load_{name}")(return_X_y=True)


def classifiers(x: np.ndarray, y: np.ndarray, budgets: tuple[int, ...]) -> Iterator[tuple[str, int, object]]:
    """(name, budget, fitted model that takes scaled inputs) of every classifier to compare with."""
    k, path = len(np.unique(y)), []
    for strength in STRENGTHS:
        solver, steps = ("liblinear", 1000) if k == 2 else ("saga", 150 if len(x) > 1000 else 1000)
        model = LogisticRegression(
            l1_ratio=1.0, C=strength, solver=solver, max_iter=steps, tol=1e-3, random_state=0
        ).fit(x, y)
        path.append((np.count_nonzero(model.coef_) + np.count_nonzero(model.intercept_), model))
        if path[-1][0] > max(budgets):
            break
    for budget in budgets:
        model = [model for count, model in path if count <= budget][-1]
        yield "L1", budget, model.predict
        if k == 2 and model.coef_.any():
            yield "L1, refit", budget, on(model.coef_[0] != 0, LogisticRegression(), x, y)
        if (x.shape[1] + 1) * (k if k > 2 else 1) <= budget:
            yield "L2", budget, LogisticRegression(max_iter=1000).fit(x, y).predict
        yield "tree", budget, DecisionTreeClassifier(max_leaf_nodes=(budget + 1) // 2, random_state=0).fit(x, y).predict


def regressors(x: np.ndarray, y: np.ndarray, budgets: tuple[int, ...]) -> Iterator[tuple[str, int, object]]:
    """(name, budget, function from scaled inputs to predictions) of every regression to compare with."""
    mean = y.mean()
    _, coefficients, _ = lasso_path(x, y - mean, n_alphas=200, eps=1e-4)
    for budget in budgets:
        fits = np.flatnonzero(np.count_nonzero(coefficients, axis=0) + 1 <= budget)
        w = coefficients[:, fits[-1]]
        yield "L1", budget, lambda x, w=w: x @ w + mean
        yield "L1, refit", budget, on(w != 0, Ridge(), x, y)
        if x.shape[1] + 1 <= budget:
            yield "L2", budget, Ridge().fit(x, y).predict
        yield "tree", budget, DecisionTreeRegressor(max_leaf_nodes=(budget + 1) // 2, random_state=0).fit(x, y).predict


def on(columns: np.ndarray, model: object, x: np.ndarray, y: np.ndarray) -> object:
    """The predictions of a model that is fitted to some columns."""
    model.fit(x[:, columns], y)
    return lambda x: model.predict(x[:, columns])


def compare(name: str, seed: int) -> Iterator[tuple[int, str, float, float]]:
    """(budget, model, score on the test samples, seconds of the processor) of every model on one split."""
    x, y = load(name)
    is_regression = name in REGRESSIONS
    stratify = None if is_regression else y
    x, test_x, y, test_y = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=stratify)
    score = r2_score if is_regression else lambda y, predicted: float(np.mean(y == predicted))
    scaler, others = StandardScaler().fit(x), regressors if is_regression else classifiers
    for model, budget, predict in others(scaler.transform(x), y, TABLES[name]):
        yield budget, model, score(test_y, predict(scaler.transform(test_x))), 0.0
    kind = tinygsp.PrunedRegressor if is_regression else tinygsp.PrunedClassifier
    for budget in TABLES[name]:
        began = time.process_time()
        model = kind(budget=budget).fit(x, y)
        seconds = time.process_time() - began
        assert model.network_.count() <= budget
        yield budget, "tinygsp", score(test_y, model.predict(test_x)), seconds


def main() -> None:
    """Print a line for each table and budget: the mean score of every model over the splits, in percent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", default=",".join(TABLES), help="names, separated by commas")
    parser.add_argument("--seeds", default="0,1,2,3,4", help="of the splits")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", UserWarning)
    warnings.simplefilter("ignore", FutureWarning)  # n_alphas of lasso_path, which older versions need
    names = ["tinygsp", "L1", "L1, refit", "L2", "tree"]
    print("| table | parameters |", " | ".join(names), "| tinygsp - best other | seconds |")
    print("|---" * (len(names) + 4) + "|")
    for table in args.tables.split(","):
        scores, seconds = {}, {}
        for seed in map(int, args.seeds.split(",")):
            for budget, model, score, spent in compare(table, seed):
                scores.setdefault((budget, model), []).append(100 * score)
                seconds.setdefault((budget, model), []).append(spent)
        for budget in TABLES[table]:
            found = {model: scores[budget, model] for model in names if (budget, model) in scores}
            best = max(list(found)[1:], key=lambda model: np.mean(found[model]))
            gain = np.subtract(found["tinygsp"], found[best])
            error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else 0
            cells = [f"{np.mean(found[model]):.1f}" if model in found else "" for model in names]
            time_taken = np.median(seconds[budget, "tinygsp"])
            print(f"| {table} | {budget} | {' | '.join(cells)} | {gain.mean():+.1f} ± {error:.1f} | {time_taken:.1f} |")


if __name__ == "__main__":
    main()

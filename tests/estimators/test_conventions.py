"""The estimators keep scikit-learn's conventions, by its own checks and in its tools."""

import pickle

import numpy as np
import pytest

from tinygsp import PrunedClassifier, PrunedRegressor

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone, is_classifier, is_regressor  # noqa: E402
from sklearn.datasets import load_diabetes, load_iris  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

SMALL = [PrunedClassifier(hidden=(2,)), PrunedRegressor(hidden=(2,))]  # the defaults take minutes


@pytest.mark.parametrize("estimator", SMALL, ids=repr)
def test_every_check_of_scikit_learn_passes(estimator):
    results = check_estimator(estimator, on_fail=None)
    wrong = [(r["check_name"], str(r["exception"])) for r in results if r["status"] not in ("passed", "skipped")]
    assert not wrong and len(results) > 50
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}  # asks for a setting of the environment


def test_kinds():
    assert is_classifier(PrunedClassifier()) and not is_regressor(PrunedClassifier())
    assert is_regressor(PrunedRegressor()) and not is_classifier(PrunedRegressor())


def test_clone_and_pickle():
    x, y = load_iris(return_X_y=True)
    model = PrunedClassifier(budget=8, hidden=(), random_state=3)
    copy = clone(model)
    assert copy.get_params() == model.get_params() and not hasattr(copy, "network_")
    model.fit(x, y)
    assert (pickle.loads(pickle.dumps(model)).predict_proba(x) == model.predict_proba(x)).all()


def test_pipeline_grid_and_cross_validation():
    x, y = load_diabetes(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), PrunedRegressor(hidden=()))
    grid = GridSearchCV(pipeline, {"prunedregressor__budget": [2, 8]}, cv=3).fit(x, y)
    assert grid.best_params_ == {"prunedregressor__budget": 8} and grid.best_score_ > 0.4
    scores = cross_val_score(PrunedClassifier(budget=10, hidden=()), *load_iris(return_X_y=True), cv=3)
    assert scores.min() > 0.9


def test_scores_are_those_of_scikit_learn(rng):
    from sklearn.metrics import accuracy_score, r2_score

    x = rng.normal(size=(90, 3))
    y = np.column_stack([x[:, 0], x[:, 1] + 0.5 * rng.normal(size=90)])
    weights = rng.uniform(0, 2, 90)
    model = PrunedRegressor(budget=6, hidden=()).fit(x, y)
    assert model.score(x, y, weights) == pytest.approx(r2_score(y, model.predict(x), sample_weight=weights))
    labels = np.where(x[:, 0] + rng.normal(size=90) > 0, "up", "down")
    model = PrunedClassifier(budget=3, hidden=()).fit(x, labels)
    expected = accuracy_score(labels, model.predict(x), sample_weight=weights)
    assert model.score(x, labels, weights) == pytest.approx(expected)

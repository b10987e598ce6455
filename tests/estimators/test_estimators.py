"""PrunedClassifier and PrunedRegressor: budgets, targets of all kinds, weights, formulas, files."""

import warnings

import numpy as np
import pytest

import tinygsp
from tinygsp import PrunedClassifier, PrunedRegressor
from tinygsp.training import SettingsError

NAMES = ["width", "height", "noise"]


def plane(n=150, seed=0):
    """Inputs of different units and a target that depends on the first two."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)) * [1, 1e-3, 1e4] + [0, 5, 1e5]
    return x, 3 * x[:, 0] - 2000 * (x[:, 1] - 5) + 7 + 0.1 * rng.normal(size=n)


def classes(labels=("cheap", "dear"), n=150):
    x, y = plane(n)
    return x, np.asarray(labels)[(y > 7).astype(int)]


@pytest.fixture(scope="module")
def regressor():
    return PrunedRegressor(budget=3).fit(*plane())


@pytest.fixture(scope="module")
def classifier():
    return PrunedClassifier(budget=3).fit(*classes())


# --- budgets ------------------------------------------------------------------------------------------------


def test_the_budget_counts_every_parameter(regressor, classifier):
    assert regressor.network_.count() == 3 and regressor.score(*plane(seed=1)) > 0.99
    assert classifier.network_.count() <= 3 and classifier.score(*classes()) > 0.95
    assert regressor.network_.used_inputs()[0].tolist() == [0, 1]


@pytest.mark.parametrize("budget", [1, 2, 5, 20])
def test_no_budget_is_exceeded(budget):
    x, y = plane(80)
    assert PrunedRegressor(budget=budget).fit(x, y).network_.count() <= budget
    assert PrunedClassifier(budget=budget).fit(*classes(n=80)).network_.count() <= budget


def test_density_is_a_share_of_the_dense_network():
    x, y = plane(80)
    model = PrunedRegressor(density=0.25, hidden=(4,)).fit(x, y)  # of 16 + 5
    assert model.network_.count() <= 5
    assert PrunedRegressor(density=1.0, hidden=()).fit(x, y).network_.count() in (3, 4)  # the noise may be left out


@pytest.mark.parametrize(
    "params, message",
    [
        ({"budget": 0}, "budget is 0: expected a whole number"),
        ({"budget": 2.5}, "budget is 2.5"),
        ({"budget": True}, "budget is True"),
        ({"density": 0.0}, r"density is 0.0: expected a share of the parameters in \(0, 1\]"),
        ({"density": 1.5}, "density is 1.5"),
        ({"budget": 3, "density": 0.1}, "budget is 3 and density 0.1: expected one of the two"),
        ({"method": "magic"}, "method 'magic' is unknown"),
        ({"loss": "cross-entropy"}, "loss is 'cross-entropy': for a regression expected absolute or squared or huber"),
    ],
)
def test_parameters_that_cannot_work(params, message):
    with pytest.raises(SettingsError, match=message):
        PrunedRegressor(**params).fit(*plane(40))


def test_a_budget_below_one_bias_for_each_output():
    x, y = plane(40)
    with pytest.raises(SettingsError, match="budget is 1: expected at least 2, a bias for each output"):
        PrunedRegressor(budget=1).fit(x, np.column_stack([y, -y]))


def test_hidden_units_are_used_where_they_help():
    x = np.random.default_rng(0).uniform(-1, 1, (300, 3))
    y = np.abs(x[:, 0]) + x[:, 1]
    curved = PrunedRegressor(budget=15).fit(x, y)
    straight = PrunedRegressor(budget=15, hidden=()).fit(x, y)
    assert curved.score(x, y) > 0.95 > 0.8 > straight.score(x, y)
    assert len(straight.network_.layers) == 1 and len(curved.network_.layers) == 2
    assert curved.history_[0]["kind"] == "carved" and {r["kind"] for r in straight.history_} == {"linear", "spare"}


def test_another_method_trains_the_network():
    x, y = plane(200)
    model = PrunedRegressor(budget=10, method=tinygsp.methods.DEFAULT, hidden=(6,)).fit(x, y)
    kinds = {record["kind"] for record in model.history_}
    assert kinds - {"spare"} == {"linear", "polished"} and model.score(x, y) > 0.99


# --- targets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [("no", "yes"), (False, True), (-1, 1), (7, 1000), (0.0, 1.0)])
def test_labels_of_all_kinds_come_back(labels):
    x, y = classes(labels)
    model = PrunedClassifier(budget=3, hidden=()).fit(x, y)
    assert model.classes_.tolist() == sorted(labels) and model.classes_.dtype == y.dtype
    assert model.predict(x).dtype == y.dtype and model.score(x, y) > 0.95
    p = model.predict_proba(x)
    assert p.shape == (150, 2) and np.allclose(p.sum(axis=1), 1)
    assert (model.classes_[p.argmax(axis=1)] == model.predict(x)).all()


def test_several_outputs_and_units():
    x, y = plane()
    both = PrunedRegressor(budget=8).fit(x, np.column_stack([y, 1e6 - 1e5 * x[:, 0]]))
    assert both.predict(x).shape == (150, 2) and both.score(x, np.column_stack([y, 1e6 - 1e5 * x[:, 0]])) > 0.99
    assert PrunedRegressor(budget=3).fit(x, y).predict(x).shape == (150,)


@pytest.mark.parametrize("loss", ["absolute", "huber"])
def test_outliers_hardly_matter_to_robust_losses(loss):
    x, y = plane()
    spoilt = y.copy()
    spoilt[::10] += 300
    robust = PrunedRegressor(budget=3, hidden=(), loss=loss).fit(x, spoilt)
    squared = PrunedRegressor(budget=3, hidden=()).fit(x, spoilt)
    assert robust.score(x, y) > squared.score(x, y)
    assert robust.score(x, y) > (0.99 if loss == "absolute" else 0.5)


# --- samples ------------------------------------------------------------------------------------------------


def test_a_weight_of_two_is_the_sample_twice_in_any_order(rng):
    x, y = classes()
    weights = rng.integers(0, 3, 150)
    order = rng.permutation(np.arange(150).repeat(weights))
    once = PrunedClassifier(budget=4).fit(x, y, sample_weight=weights)
    twice = PrunedClassifier(budget=4).fit(x[order], y[order])
    assert np.allclose(once.predict_proba(x), twice.predict_proba(x), atol=1e-6)


def test_balanced_classes_find_the_rare_one(rng):
    x = np.concatenate([rng.normal(0, 1, (380, 2)), rng.normal(1.2, 1, (20, 2))])
    y = np.repeat(["common", "rare"], [380, 20])
    recalls = [
        np.mean(PrunedClassifier(budget=3, hidden=(), class_weight=weight).fit(x, y).predict(x[380:]) == "rare")
        for weight in (None, "balanced", {"rare": 19.0})
    ]
    assert recalls[0] < 0.5 < 0.7 < min(recalls[1:])


def test_validation_that_is_given_is_not_trained_on():
    x, y = plane()
    other_x, other_y = plane(seed=5)
    model = PrunedRegressor(budget=3, hidden=(), validation=(other_x, other_y)).fit(x, y)
    same = PrunedRegressor(budget=3, hidden=(), validation=(other_x[:80], other_y[:80])).fit(x, y)
    assert np.allclose(model.predict(x), same.predict(x), rtol=1e-3)
    assert {r["kind"] for r in model.history_} == {"linear", "spare"}
    with pytest.raises(ValueError, match="X has 2 features, but PrunedRegressor is expecting 3"):
        PrunedRegressor(validation=(other_x[:, :2], other_y)).fit(x, y)
    with pytest.raises(ValueError, match="y contains a class that is not among those fitted to: 'free'"):
        PrunedClassifier(validation=(x, np.full(150, "free"))).fit(*classes())


def test_the_same_random_state_gives_the_same_network():
    x, y = plane(80)
    models = [PrunedRegressor(budget=9, random_state=s).fit(x, y) for s in (None, 0, 1, np.random.RandomState(3))]
    assert (models[0].predict(x) == models[1].predict(x)).all()
    again = PrunedRegressor(budget=9, random_state=1).fit(x, y)
    assert (models[2].predict(x) == again.predict(x)).all()


def test_progress_goes_to_stderr(capsys):
    PrunedRegressor(budget=3, hidden=(), progress=True).fit(*plane(40))
    assert "fit" in capsys.readouterr().err
    PrunedRegressor(budget=3, hidden=()).fit(*plane(40))
    assert capsys.readouterr() == ("", "")


def test_constant_columns_are_dropped_with_a_warning():
    x, y = plane()
    with pytest.warns(UserWarning, match="constant"):
        model = PrunedRegressor(budget=4).fit(np.column_stack([x, np.full(150, 3.0)]), y)
    assert 3 not in model.network_.used_inputs()[0] and model.feature_importances_[3] == 0


# --- what it says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1e7, 1e9, 1e12])
def test_columns_that_are_large_and_close_together(rng, offset):
    """As the seconds of a clock: float32 cannot tell them apart, float64 can, in `fit` and in `predict`."""
    x = rng.normal(size=(100, 2))
    model = PrunedRegressor(budget=3, hidden=()).fit(x + offset, 3 * x[:, 0] - x[:, 1])
    assert model.score(x + offset, 3 * x[:, 0] - x[:, 1]) > 0.999


def test_importances_are_shares(regressor):
    shares = regressor.feature_importances_
    assert shares.sum() == pytest.approx(1) and shares[2] == 0 and (shares[:2] > 0.1).all()


def test_the_formula_is_the_network(regressor, classifier):
    x, _ = plane(20, seed=3)
    formula = regressor.formula(digits=9)
    values = [eval(formula, {f"x{j + 1}": v for j, v in enumerate(row)}) for row in x]
    assert np.allclose(values, regressor.predict(x), rtol=1e-3)
    odds = classifier.formula(digits=9)
    z = np.array([eval(odds, {f"x{j + 1}": v for j, v in enumerate(row)}) for row in x])
    assert np.allclose(1 / (1 + np.exp(-z)), classifier.predict_proba(x)[:, 1], atol=1e-3)
    with pytest.raises(ValueError, match="form is 'html': expected text or latex or sympy"):
        regressor.formula("html")


def test_formulas_with_units_for_sympy_and_latex():
    sympy = pytest.importorskip("sympy")
    x = np.random.default_rng(0).uniform(-1, 1, (300, 3))
    model = PrunedRegressor(budget=15).fit(x, np.abs(x[:, 0]) + x[:, 1])
    expression = sympy.sympify(model.formula("sympy", digits=9))
    assert {str(symbol) for symbol in expression.free_symbols} <= {"x1", "x2", "x3"}
    values = [float(expression.subs({f"x{j + 1}": v for j, v in enumerate(row)})) for row in x[:10]]
    assert np.allclose(values, model.predict(x[:10]), atol=1e-4)
    assert "silu(" in model.formula() and "silu" not in model.formula("sympy")
    assert "\\operatorname{silu}" in model.formula("latex")


def test_several_classes_have_a_formula_each():
    x, y = plane()
    kinds = np.array(["low", "middle", "top"])[np.digitize(y, [5, 9])]
    formulas = PrunedClassifier(budget=10, hidden=()).fit(x, kinds).formula()
    assert set(formulas) == {"low", "middle", "top"}


def test_save_and_load(tmp_path, regressor, classifier):
    x, _ = plane(seed=2)
    for model in (regressor, classifier):
        model.save(tmp_path / "model.npz")
        copy = type(model).load(tmp_path / "model.npz")
        assert (copy.predict(x) == model.predict(x)).all() and copy.formula() == model.formula()
    with pytest.raises(ValueError, match="the network is for a classification; expected one for a regression"):
        PrunedRegressor.load(tmp_path / "model.npz")
    for labels in ((3, 4), (True, False), ("3", "b")):
        PrunedClassifier(budget=3, hidden=()).fit(*classes(labels)).save(tmp_path / "model.npz")
        assert PrunedClassifier.load(tmp_path / "model.npz").classes_.tolist() == sorted(labels)


def test_it_is_quiet_about_ordinary_data():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PrunedClassifier(budget=3).fit(*classes())
        PrunedRegressor(budget=3).fit(*plane())

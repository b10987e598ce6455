"""What cannot be used is refused in the words that users of scikit-learn know; data frames are read by their names."""

import numpy as np
import pytest

from tinygsp import PrunedClassifier, PrunedRegressor
from tinygsp.estimators.checks import NotFittedError

X = np.random.default_rng(0).normal(size=(30, 3))
Y = X[:, 0] + 0.1 * X[:, 1]
QUICK = PrunedRegressor(budget=3, hidden=())


def spoilt(value):
    x = X.copy()
    x[4, 1] = value
    return x


@pytest.mark.parametrize(
    "x, y, message",
    [
        (spoilt(np.nan), Y, "Input X contains NaN, in column 1. PrunedRegressor does not accept missing values"),
        (spoilt(np.inf), Y, "Input X contains infinity or a value too large"),
        (spoilt(1e35), Y, "Input X contains a value too large"),
        (X, np.where(np.arange(30) == 3, np.nan, Y), "Input y contains NaN"),
        (X, Y * 1e35, r"Input y contains a value too large: expected numbers below 1e\+29"),
        (X, np.full(30, 7), r"y is \[7.0\] in every sample; nothing to learn"),
        (X, Y[:20], r"inconsistent numbers of samples: \[30, 20\]"),
        (X, Y + 1e8, r"y has numbers near 1e\+08 that differ by at most \d\.\d+, too little for float32"),
        (X, Y * 1e-200, r"y has numbers near -?\d.*e-20\d that differ by at most .*e-200, too little for float32"),
        (X, None, "requires y to be passed, but the target y is None"),
        (X[:, 0], Y, "Expected 2D array, got 1D array instead"),
        (X[None], Y, "Expected 2D array, got 3D array instead"),
        (X[:1], Y[:1], r"n_samples = 1 sample\(s\) \(shape=\(1, 3\)\) while a minimum of 2 is required"),
        (X[:0], Y[:0], "n_samples = 0"),
        (X[:, :0], Y, r"0 feature\(s\) \(shape=\(30, 0\)\)"),
        (X + 1j, Y, "Complex data not supported"),
        (X.astype(str).astype(object), np.full(30, "a"), "y is <U1: expected numbers"),
        ([["a", 1]] * 30, Y, "column '0' of X is not numeric"),
        (np.repeat(X[:1], 30, axis=0), np.ones(30), r"y is \[1.0\] in every sample"),
    ],
)
def test_regression(x, y, message):
    with pytest.raises(ValueError, match=message):
        PrunedRegressor(budget=3, hidden=()).fit(x, y)


@pytest.mark.parametrize(
    "y, message",
    [
        (Y, "Unknown label type: continuous"),
        (np.ones(30), r"needs samples of at least 2 classes, but y has only one class: .*1\.0"),
        (np.arange(30), "y has 30 classes in 30 samples: PrunedClassifier needs several samples of each class"),
        (np.array([1, "a"] * 15, object), "Unknown label type: y mixes int and str"),
        (np.ones((30, 2)), r"y should be a 1d array, got an array of shape \(30, 2\)"),
    ],
)
def test_classification(y, message):
    with pytest.raises(ValueError, match=message):
        PrunedClassifier(budget=3, hidden=()).fit(X, y)


@pytest.mark.parametrize(
    "weights, message",
    [
        (np.ones(20), r"sample_weight.shape == \(20,\), expected \(30,\)!"),
        (np.ones((30, 2)), "Sample weights must be 1D array or scalar"),
        (np.full(30, -1.0), "a number below 0"),
        (np.full(30, np.nan), "has a NaN"),
        (np.zeros(30), "is zero everywhere"),
    ],
)
def test_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        QUICK.fit(X, Y, sample_weight=weights)


def test_class_weight():
    with pytest.raises(ValueError, match="class_weight is 'even': expected 'balanced', a dict or None"):
        PrunedClassifier(class_weight="even").fit(X, Y > 0)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"budget": "x"}, "budget is 'x': expected a whole number of parameters, at least 1"),
        ({"budget": np.nan}, "budget is nan: expected a whole number"),
        ({"budget": 0}, "budget is 0: expected"),
        ({"budget": True}, "budget is True: expected"),
        ({"density": "x"}, r"density is 'x': expected a share of the parameters in \(0, 1\]"),
        ({"budget": 3, "density": 0.5}, "budget is 3 and density 0.5: expected one of the two"),
        ({"hidden": "big"}, r"hidden is 'big': expected 'auto' or the units of each hidden layer, such as \(8,\)"),
        ({"hidden": 5}, "hidden is 5: expected"),
        ({"hidden": (3, -1)}, r"hidden is \(3, -1\): expected"),
        ({"random_state": "x"}, "random_state is 'x': expected None, a whole number from 0, or a generator"),
        ({"random_state": -1}, "random_state is -1: expected"),
    ],
)
def test_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        PrunedRegressor(**parameters).fit(X, Y)


@pytest.mark.parametrize("kind", [PrunedClassifier, PrunedRegressor])
def test_scores_of_other_samples(kind):
    y = Y > 0 if kind is PrunedClassifier else Y
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[30, 10\]"):
        kind(budget=3, hidden=()).fit(X, y).score(X, y[:10])


@pytest.mark.parametrize("call", ["predict", "score", "formula", "save"])
def test_before_fit(call, monkeypatch):
    arguments = {"predict": [X], "score": [X, Y], "formula": [], "save": ["no.npz"]}[call]
    monkeypatch.delitem(__import__("sys").modules, "sklearn.exceptions", raising=False)
    with pytest.raises(NotFittedError, match="This PrunedRegressor instance is not fitted yet"):
        getattr(PrunedRegressor(), call)(*arguments)


def test_other_columns_at_prediction():
    model = PrunedRegressor(budget=3, hidden=()).fit(X, Y)
    with pytest.raises(ValueError, match="X has 2 features, but PrunedRegressor is expecting 3 features as input"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="Expected 2D array"):
        model.predict(X[0])
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(spoilt(np.nan))


def test_unknown_parameter():
    with pytest.raises(ValueError, match="Invalid parameter 'size' for estimator PrunedRegressor"):
        PrunedRegressor().set_params(size=3)


def test_sparse_data_is_refused():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"Sparse data was passed for X.*toarray"):
        QUICK.fit(scipy_sparse.csr_matrix(X), Y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames(library):
    frames = pytest.importorskip(library)
    names = ["mean radius", "b", "c"]
    frame = frames.DataFrame({name: X[:, j] for j, name in enumerate(names)})
    model = PrunedRegressor(budget=3, hidden=()).fit(frame, frames.Series(Y.tolist()))
    assert model.feature_names_in_.tolist() == names and model.network_.meta.input_names == tuple(names)
    assert "mean_radius" in model.formula()
    plain = PrunedRegressor(budget=3, hidden=()).fit(X, Y)
    assert (model.predict(frame) == plain.predict(X)).all()
    with pytest.raises(ValueError, match=r"Feature names unseen at fit time:\n- other\n"):
        model.predict(frames.DataFrame({"other": X[:, 0], "b": X[:, 1], "c": X[:, 2]}))
    with pytest.raises(ValueError, match="Feature names must be in the same order as they were in fit"):
        model.predict(frame[["c", "b", "mean radius"]])
    with pytest.warns(UserWarning, match="X does not have valid feature names, but PrunedRegressor was fitted with"):
        model.predict(X)
    with pytest.warns(UserWarning, match="X has feature names, but PrunedRegressor was fitted without"):
        plain.predict(frame)
    text = frames.DataFrame({"a": X[:, 0].tolist(), "kind": ["red"] * 30})
    with pytest.raises(ValueError, match="column 'kind' of X is not numeric"):
        QUICK.fit(text, Y)


def test_names_that_are_not_all_texts():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match=r"\['int', 'str'\]"):
        QUICK.fit(pandas.DataFrame({"a": X[:, 0], 3: X[:, 1]}), Y)


def test_integers_lists_and_float32_are_read():
    x = (10 * X).astype(int)
    expected = PrunedRegressor(budget=3, hidden=()).fit(x, Y).predict(x)
    for form in (x.tolist(), x.astype(np.float32), x.astype(object), np.asfortranarray(x)):
        assert np.allclose(PrunedRegressor(budget=3, hidden=()).fit(form, Y).predict(form), expected)


@pytest.mark.parametrize("weights, message", [
    ({0: -1, 1: 1}, "class_weight of 0 is -1: expected a number above 0"),
    ({1: np.nan}, "class_weight of 1 is nan: expected a number above 0"),
    ({1: "much"}, "class_weight of 1 is 'much'"),
    ({"q": 1}, r"class_weight names \['q'\]: none is a class of y"),
    ("even", "class_weight is 'even': expected 'balanced', a dict or None"),
])  # fmt: skip
def test_class_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        PrunedClassifier(budget=3, hidden=(), class_weight=weights).fit(X, (Y > 0).astype(int))


def test_a_path_that_cannot_be_written_is_named_as_it_was_given(tmp_path):
    model = PrunedRegressor(budget=3, hidden=()).fit(X, Y)
    for path, kind in ((tmp_path / "none" / "model.npz", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(kind) as caught:
            model.save(path)
        assert caught.value.filename == str(path) and not list(tmp_path.rglob("*.tmp"))


def test_long_and_odd_names_of_columns_survive_a_file(tmp_path):
    """A model file cuts them; the frame that was fitted to is known all the same."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x" * 300: X[:, 0], "\u202eabc": X[:, 1]})
    model = PrunedRegressor(budget=3, hidden=()).fit(frame, Y)
    model.save(tmp_path / "model.npz")
    loaded = PrunedRegressor.load(tmp_path / "model.npz")
    assert (loaded.predict(frame) == model.predict(frame)).all()
    with pytest.raises(ValueError, match="The feature names should match"):
        loaded.predict(frame.rename(columns={"x" * 300: "other"}))

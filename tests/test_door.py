"""`import tinygsp`: it is light, does what its docstrings show, and refuses in one line what cannot work."""

import doctest
import inspect
import re
import subprocess
import sys
import typing
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import SMALL, formula, images

import tinygsp
from tinygsp import data, methods, reading, sparse, training
from tinygsp.data import DataError
from tinygsp.training import TOY, SettingsError

FUNCTIONS = ["prune", "read_rows", "load", "load_data", "importances", "formulas"]
TINY = replace(SMALL, hidden=(6,), density=0.3, epochs=2, dense_epochs=1, finetune_epochs=2, batch_size=64)


def python(code):
    """Run Python code in a new process; returns the lines it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def samples(n=300):
    """Three numbers, of which the class depends on two."""
    x = np.random.default_rng(2).uniform(-1, 1, (n, 3))
    return x, np.where(x[:, 0] + x[:, 1] > 0, "above", "below")


# --- what it offers -----------------------------------------------------------------------------------------


def test_all_is_what_dir_says():
    assert dir(tinygsp) == sorted(tinygsp.__all__)
    assert set(tinygsp.__all__) == {*FUNCTIONS, *tinygsp.HOMES, "__version__"}
    assert all(getattr(tinygsp, name) is not None for name in tinygsp.__all__)
    assert re.fullmatch(r"\d+\.\d+\.\d+", tinygsp.__version__)


def test_classes_are_those_of_their_rooms():
    assert tinygsp.Dataset is data.Dataset
    assert tinygsp.Settings is training.Settings
    assert tinygsp.SparseNetwork is sparse.SparseNetwork
    assert {name: tinygsp.HOMES[name] for name in tinygsp.HOMES} == {
        name: f"tinygsp.{getattr(tinygsp, name).__module__.split('.')[1]}" for name in tinygsp.HOMES
    }


def test_what_it_does_not_have():
    with pytest.raises(AttributeError, match="module 'tinygsp' has no attribute 'Pruner'"):
        tinygsp.Pruner  # noqa: B018
    assert not hasattr(tinygsp, "numpy")


def test_importing_it_is_light():
    """Neither NumPy nor numba, nor any room, until they are needed; `from tinygsp import *` brings all it has."""
    code = "import sys; before = set(sys.modules); import tinygsp; dir(tinygsp); tinygsp.__version__\n"
    code += "new = {name.split('.')[0] for name in set(sys.modules) - before}; print(*sorted(new & {'numpy', 'numba', "
    code += "'matplotlib', 'tqdm', 'threadpoolctl', 'llvmlite'}))\n"
    code += "print(*[name for name in sys.modules if name.startswith('tinygsp.')])\n"
    code += "from tinygsp import *; print(Settings.__name__, prune.__name__, 'numpy' in sys.modules)"
    assert python(code) == ["", "", "Settings prune True"]


def public_functions(kind):
    """The functions behind the public methods and properties of a class, and its __init__."""
    public = [value for name, value in vars(kind).items() if not name.startswith("_") or name == "__init__"]
    plain = [getattr(value, "__func__", value) for value in public]
    plain = [value.fget if isinstance(value, property) else value for value in plain]
    return [value for value in plain if inspect.isfunction(value)]


@pytest.mark.parametrize("name", tinygsp.__all__)
def test_type_hints(name):
    """Every argument and every result has one, and each can be resolved."""
    found = getattr(tinygsp, name)
    if name == "__version__":
        assert isinstance(found, str)
        return
    assert found.__doc__ and found.__doc__.strip()
    functions = [found]
    if inspect.isclass(found):
        public = {key: value for key, value in vars(found).items() if not key.startswith("_") or key == "__init__"}
        plain = [
            value.__func__ if isinstance(value, (classmethod, staticmethod)) else value for value in public.values()
        ]
        plain = [value.fget if isinstance(value, property) else value for value in plain]
        functions = [value for value in plain if inspect.isfunction(value)]
    known = {"np": np, "Dataset": data.Dataset, "Settings": training.Settings, "SparseNetwork": sparse.SparseNetwork}
    for function in functions:
        hints = typing.get_type_hints(function, {**vars(sys.modules[function.__module__]), **known})
        assert hints.keys() == {*inspect.signature(function).parameters, "return"} - {"self", "cls"}, function


# --- the examples -------------------------------------------------------------------------------------------


def test_the_examples_of_the_docstrings(tmp_path, monkeypatch):
    """One after the other, each with the names that those before it have made."""
    monkeypatch.chdir(tmp_path)
    names, runner, printed = {"tinygsp": tinygsp}, doctest.DocTestRunner(verbose=False), []
    for name in FUNCTIONS:
        (example,) = doctest.DocTestFinder(recurse=False).find(getattr(tinygsp, name), name, globs={})
        assert example.examples, name
        example.globs = names
        runner.run(example, out=printed.append, clear_globs=False)
    assert runner.failures == 0, "".join(printed)
    assert runner.tries > 10


def test_the_example_of_the_module(tmp_path, monkeypatch):
    """The code at the top of the module, on arrays of the reader's own."""
    monkeypatch.chdir(tmp_path)
    code = re.search(r"\n\n((?: {4}.*\n|\n)+)", tinygsp.__doc__)[1]
    assert "tinygsp.prune(x, y, density=0.05)" in code and 'network.save("model.npz")' in code
    x, y = samples(60)
    names, default = {"x": x, "y": y}, training.defaults
    short = replace(TINY, hidden=(20,), epochs=1)
    monkeypatch.setattr(training, "defaults", lambda name, density: replace(short, density=density))
    exec(inspect.cleandoc(code), names)
    assert default is not training.defaults and names["classes"].shape == (60,)
    assert (tmp_path / "model.npz").is_file()


# --- prune --------------------------------------------------------------------------------------------------


def test_arrays_become_a_network_within_the_budget():
    x, y = samples()
    settings = replace(TINY, hidden=(8,), density=0.4, epochs=30, dense_epochs=5, finetune_epochs=30)
    network = tinygsp.prune(x, y, settings=settings)
    assert isinstance(network, tinygsp.SparseNetwork) and 0 < network.count() <= 0.4 * network.total
    assert network.meta.class_names == ("above", "below")
    assert np.mean(np.array(network.meta.class_names)[network.predict(x)] == y) > 0.9


def test_two_calls_give_the_same_bytes():
    x, y = samples()
    first, again, other = (tinygsp.prune(x, y, settings=TINY, seed=seed).to_bytes() for seed in (3, 3, 4))
    assert first == again != other


def test_a_regression():
    x = formula().train_x
    network = tinygsp.prune(x, x[:, :2] * [2.0, -1.0], settings=replace(TINY, density=0.5))
    assert network.meta.task == "regression" and network.predict(x).shape == (600, 2)


def test_images():
    x, y = images().train_x.reshape(-1, 6, 6), images().train_y
    network = tinygsp.prune(x, y, settings=replace(TINY, shift=1))
    assert network.meta.input_shape == (6, 6) and network.meta.divisor == 255.0


def test_a_data_set_by_name_and_as_a_dataset():
    """prune("toy") is prune(load_data("toy")), and neither is changed by the settings that are given."""
    settings = replace(TOY, density=0.3, dense_epochs=1, epochs=1, finetune_epochs=1, tries=1, batch_size=5000)
    named = tinygsp.prune("toy", settings=settings)
    assert named.meta.task == "regression" and named.count() <= 0.3 * named.total
    assert named.to_bytes() == tinygsp.prune(tinygsp.load_data("toy"), settings=settings).to_bytes()
    of_seed = tinygsp.prune("toy", settings=settings, seed=7)
    assert of_seed.to_bytes() == tinygsp.prune(tinygsp.load_data("toy", 7), settings=settings, seed=7).to_bytes()


def test_what_is_not_said_is_the_default_of_the_data_set(monkeypatch):
    asked, small = [], images()
    monkeypatch.setattr(training, "defaults", lambda name, density: asked.append((name, density)) or TINY)
    tinygsp.prune(small)
    tinygsp.prune(small, density=0.25)
    tinygsp.prune(small, settings=TINY)
    assert asked == [("bands", None), ("bands", 0.25)]


@pytest.mark.parametrize("density, settings, at_most", [(None, TINY, 0.3), (0.5, TINY, 0.5), (1, TINY, 1.0)])
def test_density_overrides_that_of_the_settings(density, settings, at_most):
    network = tinygsp.prune(images(), density=density, settings=settings)
    assert (at_most - 0.25) * network.total < network.count() <= at_most * network.total
    assert settings.density == 0.3


def test_a_method_by_name(monkeypatch):
    found, find = [], methods.find
    monkeypatch.setattr(methods, "find", lambda name: found.append(name) or find(name))
    bytes_of = [tinygsp.prune(images(), settings=TINY, method=name).to_bytes() for name in (None, "gates", "random")]
    assert found == ["gates", "gates", "random"] and bytes_of[0] == bytes_of[1] != bytes_of[2]


def test_progress_is_shown_only_on_request(capfd):
    for progress in (False, True):
        tinygsp.prune(images(), settings=TINY, progress=progress)
        out, err = capfd.readouterr()
        assert out == "" and ("5/5" in err) == progress and bool(err) == progress


# --- what cannot work ---------------------------------------------------------------------------------------

X, Y = samples(40)


@pytest.mark.parametrize("arguments, options, error, message", [
    ((X, Y), {"method": "lucky"}, SettingsError, "method 'lucky' is unknown; known are gates, gradual, "),
    ((X, Y), {"method": ""}, SettingsError, "method '' is unknown"),
    ((X, Y), {"density": 0}, SettingsError, r"density is 0: expected a share of the parameters in \(0, 1\]"),
    ((X, Y), {"density": -0.1}, SettingsError, "density is -0.1"),
    ((X, Y), {"density": 1.5}, SettingsError, "density is 1.5"),
    ((X, Y), {"density": float("nan")}, SettingsError, "density is nan"),
    ((X, Y), {"density": 1e-6, "settings": TINY}, SettingsError, "density 1e-06 of .* keeps 0"),
    ((X, Y[:30]), {}, DataError, r"y has shape \(30,\); expected \(40,\)"),
    ((X, np.zeros(40)[:7]), {}, DataError, r"y has shape \(7,\); expected \(40,\)"),
    ((X,), {}, DataError, "data is ndarray and y is missing"),
    ((X.tolist(), None), {}, DataError, "data is list and y is missing"),
    ((None,), {}, DataError, "data is NoneType and y is missing"),
    ((None, Y), {}, DataError, "x is object"),
    ((images(), Y), {}, DataError, "y is given beside a Dataset"),
    (("no/such/folder",), {}, DataError, "no/such/folder"),
    ((np.where(X > 0.9, np.nan, X), Y), {}, DataError, "x has a nan"),
    ((X, np.full(40, "one")), {}, DataError, "y has one class"),
])  # fmt: skip
def test_errors_are_one_line(arguments, options, error, message):
    with pytest.raises(error, match=message) as raised:
        tinygsp.prune(*arguments, **{"settings": TINY, **options})
    assert isinstance(raised.value, ValueError)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 300


def test_notes_on_the_columns_are_warnings():
    x = X.copy()
    x[:, 1] = 2
    with pytest.warns(UserWarning, match="column 'x2': constant, left out"):
        network = tinygsp.prune(x, Y, settings=TINY)
    assert 1 not in network.used_inputs()[0] and network.layers[0].n_in == X.shape[1]


# --- load, load_data, importances, formulas -----------------------------------------------------------------


def test_load_reads_a_file_or_the_folder_of_a_run(tmp_path):
    network = tinygsp.prune(images(), settings=TINY)
    network.save(tmp_path / "model.npz")
    for path in (tmp_path / "model.npz", str(tmp_path / "model.npz"), tmp_path, str(tmp_path)):
        assert tinygsp.load(path).to_bytes() == network.to_bytes()
    with pytest.raises(sparse.ModelFileError, match="nothing.npz") as raised:
        tinygsp.load(tmp_path / "nothing.npz")
    assert isinstance(raised.value, ValueError)


def test_load_data():
    assert tinygsp.load_data("toy", 3).train_x.tobytes() == data.load("toy", 3).train_x.tobytes()
    with pytest.raises(DataError):
        tinygsp.load_data("no/such/folder")


def test_reading_a_network():
    network = tinygsp.prune(images(), settings=TINY)
    x, y = images().val_x, images().val_y
    found, expected = tinygsp.importances(network, x, y), reading.importances(network, x, y)
    assert found.keys() == expected.keys() and all(np.array_equal(found[name], expected[name]) for name in found)
    small = tinygsp.prune(images(), settings=replace(TINY, density=0.05))
    assert tinygsp.formulas(small) == reading.formulas(small, digits=4, latex=False)
    assert tinygsp.formulas(small, 2, True) == reading.formulas(small, digits=2, latex=True)
    assert tinygsp.formulas(small, 2, True) != tinygsp.formulas(small)


def test_importances_take_names_and_numbers_of_classes_and_refuse_what_does_not_fit():
    network = tinygsp.prune(X, Y, settings=TINY)
    names = network.meta.class_names
    labels = [names.index(str(name)) for name in Y]
    by_name, by_number = (tinygsp.importances(network, X, y)["Fisher"] for y in (Y, labels))
    assert np.array_equal(by_name, by_number)
    for x, y, message in [
        (X[:, :2], Y, "x has shape"), (X[0], Y[:1], "x has shape"), (X, Y[:-1], "y has shape"),
        (X, np.full(len(X), "nobody"), "y has a class 'nobody': expected "), (X, np.arange(len(X)), "y has a class"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=message) as raised:
            tinygsp.importances(network, x, y)
        assert "\n" not in str(raised.value) and len(str(raised.value)) < 300

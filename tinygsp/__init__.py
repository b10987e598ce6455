"""tinygsp: neural network pruning by gradient descent, from scratch in NumPy and numba.

    import tinygsp

    network = tinygsp.prune(x, y, density=0.05)     # or tinygsp.prune("mnist")
    classes = network.predict(x)
    network.save("model.npz")                       # and tinygsp.load("model.npz")

    model = tinygsp.PrunedClassifier(budget=12).fit(x, y)    # scikit-learn's conventions; also PrunedRegressor
    print(model.formula())

Nothing heavy is imported before it is needed. tinygsp/README.md has the map of the rooms behind this door.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from tinygsp.data import Dataset
    from tinygsp.estimators import PrunedClassifier, PrunedRegressor
    from tinygsp.sparse import SparseNetwork
    from tinygsp.training import Settings

__version__ = "0.2.0"
__all__ = [
    "Dataset", "PrunedClassifier", "PrunedRegressor", "Settings", "SparseNetwork", "__version__", "formulas",
    "importances", "load", "load_data", "prune", "read_rows",
]  # fmt: skip
HOMES = {
    "Dataset": "tinygsp.data", "PrunedClassifier": "tinygsp.estimators", "PrunedRegressor": "tinygsp.estimators",
    "Settings": "tinygsp.training", "SparseNetwork": "tinygsp.sparse",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a class of the door when somebody asks for it."""
    if name not in HOMES:
        raise AttributeError(f"module 'tinygsp' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__


def prune(
    data: Any,
    y: Any = None,
    *,
    density: float | None = None,
    settings: Settings | None = None,
    method: str | None = None,
    seed: int = 0,
    progress: bool = False,
) -> SparseNetwork:
    """Train a network and prune it; returns what is left.

    data     : (n, features) numbers or (n, rows, cols) uint8 images, with their targets in y; or the name of a data
               set, as `load_data` takes it; or a Dataset
    y        : (n,) integers, texts or bools: classes; (n,) or (n, k) floats: a regression
    density  : share of all weights and biases to keep, in (0, 1]; None is that of the settings
    settings : Settings; None takes the defaults of the data set
    method   : name of a method, one of tinygsp.methods.names(); None is the project's own, gradient descent on gates
    seed     : int >= 0; the same arguments give the same network, on the same machine
    progress : show a progress bar on stderr

    A twelfth of the samples of an array is set apart to validate with. BLAS uses one thread meanwhile. Raises
    DataError and SettingsError, both ValueErrors, where something cannot work, and DivergedError if training fails.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(-1, 1, (600, 4))
    >>> y = np.where(x[:, 0] > x[:, 1], "right", "left")
    >>> small = tinygsp.Settings(hidden=(8,), density=0.2, epochs=20, dense_epochs=5, finetune_epochs=20)
    >>> network = tinygsp.prune(x, y, settings=small)
    >>> network.count() <= 0.2 * network.total
    True
    >>> network.meta.class_names[network.predict(np.array([[0.9, -0.9, 0, 0]]))[0]]
    'right'
    """
    from dataclasses import replace

    from threadpoolctl import threadpool_limits
    from tqdm import tqdm

    from tinygsp import methods
    from tinygsp.training import SettingsError, Trainer, defaults

    dataset = as_dataset(data, y, seed)
    if y is not None:
        for note in dataset.notes:
            warnings.warn(note, stacklevel=2)
    settings = settings or defaults(dataset.name, density)
    if density is not None:
        if not 0 < density <= 1:
            raise SettingsError(f"density is {density}: expected a share of the parameters in (0, 1]")
        settings = replace(settings, density=density)
    trainer = Trainer(dataset, settings, methods.find(methods.DEFAULT if method is None else method), seed)
    with threadpool_limits(1, "blas"):
        for _ in tqdm(trainer.run(), total=trainer.total_epochs, unit="epoch", disable=not progress):
            pass
    return trainer.network


def as_dataset(data: Any, y: Any, seed: int) -> Dataset:
    """The Dataset of what `prune` was given: arrays, the name of a data set, or a Dataset already."""
    from tinygsp.data import DataError, Dataset, from_arrays

    if isinstance(data, Dataset | str | Path):
        if y is not None:
            raise DataError(f"y is given beside a {type(data).__name__}, which has its own targets; leave y out")
        return data if isinstance(data, Dataset) else load_data(data, seed)
    if y is None:
        raise DataError(f"data is {type(data).__name__} and y is missing: expected arrays with y, a name, or a Dataset")
    return from_arrays(data, y)


def load(path: str | Path) -> SparseNetwork:
    """Read a network: from a model file, or from the folder of a run. Raises ModelFileError, a ValueError.

    >>> network.save("small.npz")
    >>> tinygsp.load("small.npz").count() == network.count()
    True
    """
    from tinygsp.sparse import SparseNetwork

    path = Path(path)
    return SparseNetwork.load(path / "model.npz" if path.is_dir() else path)


def load_data(name: str, seed: int = 0, **reading: Any) -> Dataset:
    """Read a data set: "mnist" (comes with the package), "toy", a folder of four IDX files, or a table.

    seed    : int   draws the toy problem; files are the same for every seed
    reading : how to read a file, by the names of tinygsp.data.ReadOptions: target="price" of prices.csv, and the like

    Raises DataError, a ValueError.

    >>> tinygsp.load_data("mnist").test_x.shape
    (10000, 784)
    """
    from tinygsp.data import ReadOptions, load

    return load(name, seed, options=ReadOptions(**reading))


def read_rows(rows: Any, network: SparseNetwork, encoding: str | None = None) -> np.ndarray:
    """Make inputs for a network of new rows of the table that it was trained on: (n, n_in), for `predict` and the like.

    rows     : the path of a .csv, .tsv or .parquet file, a data frame, {name of a column: its cells}, or {name: cell}
    network  : of a table with names of columns
    encoding : of a text file that is not UTF-8

    Only the columns that the network reads must be there, in any order; categories are encoded as they were, and empty
    cells filled in where --missing filled them. Raises DataError, a ValueError of one line, for a column that is
    missing or of another kind, and for a category that the network has not met.

    >>> cells = np.column_stack([x, y == "right"])
    >>> np.savetxt("table.csv", cells, "%g", ",", header="a,b,c,d,is right", comments="")
    >>> of_table = tinygsp.prune(tinygsp.load_data("table.csv", target="is right"), settings=small)
    >>> of_table.predict(tinygsp.read_rows({name: [0.9, -0.9] for name in "acd"} | {"b": [0, 0]}, of_table))
    array([1, 0])
    """
    from tinygsp.data import DataError
    from tinygsp.data.new_rows import read_new_rows

    meta = network.meta
    if not meta.input_names:
        raise DataError("the network has no names of columns, so it was not trained on a table; give predict an array")
    return read_new_rows(rows, meta.columns, meta.input_names, network.used_inputs()[0].tolist(), encoding)


def importances(network: SparseNetwork, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Say how much each input matters to a network, by several definitions: {name: (n_in,)}; see tinygsp.reading.

    x : (n, n_in) raw inputs
    y : (n,) classes, as their names or as numbers counted from 0; of a regression (n, k) targets

    Raises ValueError where x or y does not fit the network.

    >>> fisher = tinygsp.importances(network, x, y)["Fisher"]
    >>> sorted(fisher.argsort()[-2:].tolist())
    [0, 1]
    """
    import numpy as np

    from tinygsp import reading

    x, y, meta, layers = np.asarray(x), np.asarray(y), network.meta, network.layers
    if x.ndim != 2 or x.shape[1] != layers[0].n_in or not len(x):
        raise ValueError(f"x has shape {x.shape}: expected (n, {layers[0].n_in}) with n at least 1")
    if meta.task == "classification":
        numbers = {name: k for k, name in enumerate(meta.class_names)}
        if y.dtype.kind in "iu":
            numbers = {k: k for k in range(layers[-1].n_out)}
        if strange := sorted(set(y.ravel().tolist()) - numbers.keys(), key=str):
            known = ", ".join(map(str, numbers))
            raise ValueError(f"y has a class {strange[0]!r}: expected {known[:200]}")
        y = np.array([numbers[label] for label in y.ravel().tolist()])
    shape = (len(x),) if meta.task == "classification" else (len(x), layers[-1].n_out)
    if y.shape != shape:
        raise ValueError(f"y has shape {y.shape}: expected {shape}, a target for each row of x")
    return reading.importances(network, x, y)


def formulas(network: SparseNetwork, digits: int = 4, latex: bool = False) -> list[str]:
    """Write a network as formulas of its raw inputs x1, x2, ..., one for each output.

    digits : significant digits of the numbers;  latex : for a document, otherwise Python

    Raises ValueError for a network of more than 200 paths.

    >>> len(tinygsp.formulas(network))
    2
    """
    from tinygsp import reading

    return reading.formulas(network, digits=digits, latex=latex)

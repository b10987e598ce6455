"""Fixtures that several test files share, and the order of the suite."""

import numpy as np
import pytest
from helpers.cli import write_bands

from tinygsp import data


def pytest_collection_modifyitems(items):
    """Run the gradient checks first: while one of them fails, no other result means anything."""
    items.sort(key=lambda item: item.path.name != "test_gradcheck.py")


@pytest.fixture
def rng():
    """A generator with a fixed seed."""
    return np.random.default_rng(20)


@pytest.fixture(scope="session")
def mnist():
    """The MNIST that is shipped, read once for all tests; treat its arrays as read-only."""
    return data.load("mnist", seed=0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of four small IDX files, for commands to train on; read only."""
    return write_bands(tmp_path_factory.mktemp("bands"))

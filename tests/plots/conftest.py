"""An empty figure."""

import pytest

from tinygsp import plots


@pytest.fixture
def axes():
    figure, grid = plots.canvas((6.4, 4.2))
    yield grid[0, 0]
    plots.files("figure", figure)  # it can be drawn, without a warning

"""Pictures of speed find their rows by what the rows are, not by one name."""

from tinygsp import plots
from tinygsp.plots.speed import SIZES, full_step, parameters

STEPS = {"products": 3.0, "everything": 4.3, "5,000 live": 0.3, "400 live": 0.1, "PyTorch, published recipe": 74.0}


def test_parameters():
    assert parameters(SIZES) == 266_610


def test_the_full_step_stands_at_all_parameters(axes):
    assert full_step(STEPS) == "everything"
    plots.step_times(STEPS, axes)
    x, y = axes.get_lines()[0].get_data()
    assert list(x) == [400, 5000, 266_610] and list(y) == [0.1, 0.3, 4.3]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "PyTorch, published recipe",
        "tinygsp",
        "its matrix products alone",
    ]
    assert [line.get_label() for line in axes.get_lines()[1:]] == [
        "its matrix products alone",
        "PyTorch, published recipe",
    ]


def test_growth_has_a_line_for_each_step(axes):
    columns = {hidden: {name: ms * k for name, ms in STEPS.items()} for k, hidden in ((1, "300-100"), (5, "1000-300"))}
    plots.growth(columns, axes)
    found = {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}
    assert found["every connection live"] == [4.3, 21.5] and found["its matrix products alone"] == [3.0, 15.0]
    assert axes.get_lines()[0].get_xdata()[0] == 266_610


def test_rates_are_points_and_not_bars(axes):
    """The length of a bar says nothing on a log axis."""
    rates = {"pruned, tinygsp": 5e6, "dense, NumPy": 2e5, "copying": 2e7}
    plots.image_rates(rates, axes)
    assert axes.get_xscale() == "log" and len(axes.patches) == 0
    assert [line.get_xdata()[0] for line in axes.get_lines()] == [2e5, 5e6, 2e7]
    assert [text.get_text() for text in axes.texts] == ["200,000", "5,000,000", "20,000,000"]

"""The comparison of methods: the reference is thick and on top, whatever it is called."""

from tinygsp import methods, plots

ROWS = [
    {"method": name, "kept": kept, "test_accuracy": accuracy - 10 / kept, "test_sd": sd}
    for name, accuracy, sd in (("one", 0.97, 0.01), ("two", 0.98, None), ("three", 0.96, 0.02))
    for kept in (400, 1000)
]


def widths(axes):
    return {bars.get_label(): (bars[0].get_linewidth(), bars[0].get_zorder()) for bars in axes.containers}


def test_the_reference_is_thick(axes):
    plots.frontier(ROWS, (), axes, reference="two")
    found = widths(axes)
    assert list(found) == ["two", "one", "three"]
    assert found["two"] > found["one"] == found["three"]


def test_the_default_reference_may_be_missing(axes):
    plots.frontier(ROWS, [("paper", 500, 0.9, (9, 0))], axes)
    assert methods.DEFAULT not in widths(axes) and len(set(widths(axes).values())) == 1
    assert [text.get_text() for text in axes.texts] == ["paper"]


def test_points_show_the_error_on_a_log_axis_with_the_best_on_top(axes):
    plots.frontier(ROWS, (), axes, score_name="R²")
    assert axes.get_yscale() == "log" and axes.get_ylim()[0] > axes.get_ylim()[1] > 0
    (line,) = [bars[0] for bars in axes.containers if bars.get_label() == "two"]
    assert line.get_ydata().round(6).tolist() == [0.045, 0.03] and axes.get_ylabel() == "test R²"


def test_the_legend_has_the_order_of_the_lines(axes):
    plots.frontier(ROWS, [("paper", 500, 0.9, (9, 0))], axes, reference="one")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["published", "two", "one", "three"]


def test_a_line_that_leaves_the_frame_says_where_it_goes(axes):
    low = [
        {"method": "low", "kept": kept, "test_accuracy": a, "test_sd": None} for kept, a in ((400, 0.2), (1000, 0.95))
    ]
    plots.frontier([*ROWS, *low], (), axes, reference="two")
    (said,) = axes.texts
    assert said.get_text() == "↓ 20.0" and 400 < said.xy[0] < 1000 and said.xy[1] == axes.get_ylim()[0]

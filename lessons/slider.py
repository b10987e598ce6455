"""A slider over pictures, for notebooks: it moves where a kernel runs; elsewhere one of its pictures is shown."""

import base64
import io

import ipywidgets
import matplotlib.pyplot as plt
from IPython.display import display


def png(draw, value):
    """The picture that `draw(value)` makes, which returns a figure, as bytes of a PNG."""
    figure = draw(value)
    figure.savefig(buffer := io.BytesIO(), format="png")
    plt.close(figure)
    return buffer.getvalue()


def show_slider(draw, values, still, name):
    """Display a slider over `values`, with the picture of each.

    draw   : function from a value to a figure
    values : list
    still  : one of the values: the position at the start, and the picture that a page without a kernel shows
    name   : what stands beside the slider
    """
    start = values.index(still)
    pictures = [png(draw, value) for value in values]
    stack = ipywidgets.Stack([ipywidgets.Image(value=data, format="png") for data in pictures], selected_index=start)
    slider = ipywidgets.SelectionSlider(options=[(f"{value:g}", k) for k, value in enumerate(values)], value=start)
    slider.description = name
    ipywidgets.jslink((slider, "index"), (stack, "selected_index"))
    bundle = ipywidgets.VBox([slider, stack])._repr_mimebundle_()
    bundle["image/png"] = base64.b64encode(pictures[start]).decode()
    bundle["text/plain"] = f"{name} = {still:g}"
    display(bundle, raw=True)

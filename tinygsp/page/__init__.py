"""The page one can draw on: pruned image classifiers as one HTML file that needs neither a network nor a library.

`build` puts the connections that are left, the film of how they came to be left, and a choice of test images into
the parts of the page, which are plain HTML, CSS and JavaScript. The page computes what `SparseNetwork.scores`
computes, and shows along which paths. `build_table` makes a page with sliders for a network that reads a table.
"""

from tinygsp.page.builder import Pruned, build
from tinygsp.page.likeness import learn
from tinygsp.page.table import build_table

__all__ = ["Pruned", "build", "build_table", "learn"]

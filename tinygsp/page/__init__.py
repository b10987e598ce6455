"""The page one can draw on: a pruned image classifier as one HTML file that needs neither a network nor a library.

`build` puts the connections that are left and a choice of test images into page.html, which is plain HTML, CSS and
JavaScript. The page computes what `SparseNetwork.scores` computes, and shows along which paths.
"""

from tinygsp.page.builder import build

__all__ = ["build"]

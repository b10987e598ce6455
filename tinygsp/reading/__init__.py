"""Read a pruned network: which inputs matter, which of them act as one, and along which paths a score arises.

Every function takes a SparseNetwork and gives plain arrays. `plots/` draws them and `commands/explain.py` reports them.

    matrices.py    the network as a few small matrices: forward pass and gradients
    pathways.py    its paths: counted, weighed, listed, and what each adds to a score
    importance.py  eight definitions of the importance of an input
    measured.py    what the network really loses without an input, and rank correlation
    symmetry.py    inputs that act as one, and mirror images
    order.py       an order of the units for a drawing
    formula.py     the network as a formula
    dependence.py  how the answer depends on one input
    fit.py         whether all this can be asked of a network

`sparse/` says what a SparseNetwork is; read it first. Lesson 13 builds most of this room.
"""

from tinygsp.reading.dependence import partial_dependence
from tinygsp.reading.fit import check_fit
from tinygsp.reading.formula import MAX_FORMULA, formulas, identifiers
from tinygsp.reading.importance import class_maps, importances
from tinygsp.reading.matrices import (
    compact,
    forward,
    gradients,
    input_names,
    levels,
    mean_gradients,
    over_inputs,
    scale,
)
from tinygsp.reading.measured import ablation, evaluate, measure, permutation, ranks, scores_with, spearman
from tinygsp.reading.order import MAX_ORDERED, crossings, order_units
from tinygsp.reading.pathways import (
    MAX_PATHS,
    Contributions,
    chain,
    contributions,
    count_paths,
    path_counts,
    path_weights,
    paths,
)
from tinygsp.reading.symmetry import MAX_GROUPED, Group, blur, cosines, mirror_scores, symmetric_groups, weighted_rows

__all__ = [
    "MAX_FORMULA",
    "MAX_GROUPED",
    "MAX_ORDERED",
    "MAX_PATHS",
    "Contributions",
    "Group",
    "ablation",
    "blur",
    "chain",
    "check_fit",
    "class_maps",
    "compact",
    "contributions",
    "cosines",
    "count_paths",
    "crossings",
    "evaluate",
    "formulas",
    "forward",
    "gradients",
    "identifiers",
    "importances",
    "input_names",
    "levels",
    "mean_gradients",
    "measure",
    "mirror_scores",
    "order_units",
    "over_inputs",
    "partial_dependence",
    "path_counts",
    "path_weights",
    "paths",
    "permutation",
    "ranks",
    "scale",
    "scores_with",
    "spearman",
    "symmetric_groups",
    "weighted_rows",
]

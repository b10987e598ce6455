"""Reading a pruned network: which inputs matter, which of them act as one, and which way the numbers flow.

Everything here takes a SparseNetwork and gives plain arrays: plots.py draws them, explain.py reports them. When 399
numbers are left, all paths from input to output can be listed, and most questions become sums over that list. No
importance is believed before it is measured: `ablation` says what really happens when the network loses an input.
Read `sparse.py` first; `explain.py` shows every function here at work.
"""

import functools
from dataclasses import dataclass

import numpy as np

from tinygsp.gates import sigmoid, softmax
from tinygsp.losses import softmax_cross_entropy
from tinygsp.sparse import ACTIVATIONS

MAX_PATHS = 10**6  # that are listed one by one
MAX_FORMULA = 200  # paths that are written down as a formula
SLOPES = {"silu": sigmoid, "relu": lambda z: np.where(z > 0, 1.0, 0.0)}  # activation(z) / z, at z = 0 too
DERIVATIVES = {"silu": lambda z: sigmoid(z) * (1 + z * sigmoid(-z)), "relu": SLOPES["relu"]}


# ---- The network as matrices -----------------------------------------------------------------------------------


def levels(network):
    """What a drawing shows, level by level: the inputs that are read, the units that are read, all outputs."""
    return [*network.used_inputs(), np.arange(network.layers[-1].n_out)]


def input_names(network):
    """How each input is called: (row, column) of a pixel, counted from 0; otherwise x1, x2, ..."""
    n_in, shape = network.layers[0].n_in, network.meta.input_shape
    return [f"({i // shape[1]}, {i % shape[1]})" if len(shape) == 2 else f"x{i + 1}" for i in range(n_in)]


def compact(network):
    """The layers without what nobody reads: [(W, b), ...], float64, with the rows and columns of `levels`."""
    used = levels(network)
    return [
        (layer.dense()[np.ix_(rows, cols)].astype(np.float64), layer.bias[cols].astype(np.float64))
        for layer, rows, cols in zip(network.layers, used, used[1:])
    ]


def scale(network, values):
    """What the first layer reads, x = (value / divisor - mean) / std, in float64."""
    m = network.meta
    return (np.asarray(values, np.float64) / m.divisor - m.mean) / m.std


def forward(network, values):
    """Every number on the way: [(x, z), ...], a pair a layer, with the columns of `levels`.

    values : (n, n_in)       raw inputs
    x      : (n, n_read)     what the layer reads
    z      : (n, n_next)     x @ W + b, before the activation; the last z are the scores
    """
    x, states = scale(network, values[:, network.used_inputs()[0]]), []
    for W, b in compact(network):
        z = x @ W + b
        states.append((x, z))
        x = ACTIVATIONS[network.meta.activation](z)
    return states


def gradients(network, states, output):
    """d score_output / d x of every sample, (n, used inputs), by the chain rule; states as `forward` gives them."""
    (last, _), *rest = reversed(compact(network))
    gradient = np.tile(last[:, output], (len(states[0][0]), 1))
    for (W, _), (_, z) in zip(rest, states[-2::-1]):
        gradient = (gradient * DERIVATIVES[network.meta.activation](z)) @ W.T
    return gradient


def over_inputs(network, used_values):
    """Values of the inputs that are read, (k, ...), as an array over all inputs, (n_in, ...): zero elsewhere."""
    whole = np.zeros((network.layers[0].n_in, *used_values.shape[1:]))
    whole[network.used_inputs()[0]] = used_values
    return whole


# ---- Importance: what the wiring says ----------------------------------------------------------------------------


def chain(matrices):
    """The product of the layers' matrices, first to last: sums over all paths, without listing them."""
    return functools.reduce(np.matmul, matrices)


def path_counts(network):
    """Surviving paths from each input to each output: (n_in, n_out) float64, whole numbers, exact below 2**53."""
    return chain([(layer.dense() != 0).astype(np.float64) for layer in network.layers])


def path_weights(network, signed=False):
    """For each input and output, the sum over its paths of the product of the weights: (n_in, n_out).

    signed : products as they are (connection weights: Olden and Jackson 2002); otherwise their absolute values
             (Garson 1991; as a norm, Neyshabur et al. 2015; for pruning, SynFlow, Tanaka et al. 2020)
    """
    matrices = [layer.dense().astype(np.float64) for layer in network.layers]
    return chain(matrices if signed else map(np.abs, matrices))


# ---- Importance: what the data add -------------------------------------------------------------------------------


def mean_gradients(network, values, absolute=False):
    """Mean over the samples of d score / d x, or of its absolute value, per unit of scaled input: (n_in, n_out).

    The signed path weights with each unit's weight multiplied by its local derivative, averaged over the samples
    together (averaging unit by unit would forget that units are active on the same images).
    """
    states, n_out = forward(network, values), network.layers[-1].n_out
    each = (gradients(network, states, c) for c in range(n_out))
    means = [(np.abs(gradient) if absolute else gradient).mean(axis=0) for gradient in each]
    return over_inputs(network, np.stack(means, axis=1))


def importances(network, values, target, fill):
    """Every definition of the importance of an input that is compared here: {name: (n_in,)}.

    values : (n, n_in)  raw inputs
    target : (n,) int labels of a classification; (n, n_out) of a regression
    fill   : (n_in,)    the value that means "not known", in raw units: the training mean

    With g_c = d score_c / d x_i and the move d_c = g_c (fill_i - x_i), which is what score c would gain by losing
    input i if the network were linear:

        paths                  number of paths from i to any output
        path weight            sum over these paths of |product of weights|  (Garson 1991)
        path weight x spread   the same times the standard deviation of input i
        gradient               mean of sum_c |g_c|  (saliency: Simonyan et al. 2013)
        gradient x input       mean of sum_c |d_c|  (Shrikumar et al. 2016; input measured from fill)
        Taylor                 mean of |sum_c dL/dscore_c d_c|  (Molchanov et al. 2017)
        Fisher                 mean of the curvature term below  (Theis et al. 2018)
        Taylor + curvature     predicted change of the loss, to second order in the scores: the mean of
                               sum_c dL/dscore_c d_c + 1/2 d' H d  (optimal brain damage: LeCun et al. 1990)

    L is the loss of `evaluate`, H its second derivative in the scores: for softmax and cross-entropy d'Hd is the
    variance of d under the predicted probabilities, for the squared error 2 sum_c d_c**2. The first three need no
    labels, the first two no data.
    """
    states = forward(network, values)
    x, scores = states[0][0], states[-1][1]
    away = scale(network, fill)[network.used_inputs()[0]] - x
    classify = network.meta.task == "classification"
    if classify:
        share = softmax(scores)  # (n, n_out)
        slope = share - np.eye(scores.shape[1])[target]  # dL/dscore
    else:
        share, slope = np.full(scores.shape, 2.0), 2 * (scores - target)
    saliency, moved, first, mean, square = (np.zeros_like(x) for _ in range(5))
    for c in range(scores.shape[1]):
        gradient = gradients(network, states, c)
        move = gradient * away
        saliency += np.abs(gradient)
        moved += np.abs(move)
        first += slope[:, c, None] * move
        mean += share[:, c, None] * move
        square += share[:, c, None] * move**2
    second = (square - mean**2 if classify else square) / 2
    per_sample = {"gradient": saliency, "gradient x input": moved, "Taylor": np.abs(first), "Fisher": second,
                  "Taylor + curvature": first + second}
    weight = path_weights(network).sum(axis=1)
    return {
        "paths": path_counts(network).sum(axis=1),
        "path weight": weight,
        "path weight x spread": weight * over_inputs(network, x.std(axis=0)),
        **{name: over_inputs(network, values.mean(axis=0)) for name, values in per_sample.items()},
    }


# ---- Importance: what is measured --------------------------------------------------------------------------------


def evaluate(network, scores, target):
    """(score, loss): accuracy and cross-entropy; for a regression R^2 (mean over outputs) and the squared error.

    The squared error is summed over the outputs and averaged over the samples.
    """
    if network.meta.task == "classification":
        return float(np.mean(scores.argmax(axis=1) == target)), softmax_cross_entropy(scores, target)[0]
    square = ((scores - target) ** 2).mean(axis=0)
    return float(np.mean(1 - square / target.var(axis=0))), float(square.sum())


def scores_with(network, states, i, column):
    """Scores (n, n_out) when the i-th used input is replaced by column, (n,) or a number.

    Only the units that the change reaches are computed again, from how much their inputs moved.
    """
    activation = ACTIVATIONS[network.meta.activation]
    moved, change = np.array([i]), np.reshape(column - states[0][0][:, i], (-1, 1))
    for (W, _), (_, z), following in zip(compact(network), states, [*states[1:], None]):
        reached = np.flatnonzero(W[moved].any(axis=0))
        new = z[:, reached] + change @ W[np.ix_(moved, reached)]
        if following is None:
            scores = z.copy()
            scores[:, reached] = new
            return scores
        moved, change = reached, activation(new) - following[0][:, reached]


def ablation(network, values, target, fill):
    """What the network loses with each input: the input is set to fill for all samples.

    values : (n, n_in); target : (n,) or (n, n_out); fill : (n_in,), raw units, usually the training mean

    Returns (drop, increase), each (n_in,): fall of the score and rise of the loss of `evaluate`.
    """
    column = scale(network, fill)[network.used_inputs()[0]]
    return measure(network, forward(network, values), target, lambda i: column[i])


def permutation(network, values, target, rng, repeats=1):
    """The same when each input in turn is dealt out anew among the samples (Breiman 2001), mean of `repeats` deals."""
    states = forward(network, values)
    x = states[0][0]
    deals = [measure(network, states, target, lambda i: x[rng.permutation(len(x)), i]) for _ in range(repeats)]
    return tuple(np.mean(deals, axis=0))


def measure(network, states, target, column):
    """(drop, increase) when the i-th used input is replaced by column(i), one input at a time."""
    score, loss = evaluate(network, states[-1][1], target)
    after = [evaluate(network, scores_with(network, states, i, column(i)), target)
             for i in range(states[0][0].shape[1])]
    after = np.array(after).reshape(-1, 2)
    return over_inputs(network, score - after[:, 0]), over_inputs(network, after[:, 1] - loss)


def spearman(a, b):
    """Rank correlation of two (n,) arrays in [-1, 1]; equal values share the mean of their ranks (Spearman 1904).

    nan where one of them is constant: then there is no order to agree with.
    """
    a, b = (ranks(v) - np.mean(ranks(v)) for v in (a, b))
    length = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / length) if length > 0 else float("nan")


def ranks(a):
    """Ranks 1 .. n of (n,) values, ties with the mean of theirs."""
    _, place, count = np.unique(a, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


# ---- Symmetry ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Group:
    """Inputs that act as one: the network reads only sum_i ratio_i x_i.

    inputs : (k,) int    the strongest first
    ratios : (k,)        1 for the first; +1: their sum counts, -1: their difference
    score  : float       least |cosine| between the weights of a member and those of the first input
    """

    inputs: np.ndarray
    ratios: np.ndarray
    score: float


def weighted_rows(network):
    """How each used input enters the network: its first-layer weights times what each unit weighs, (k, units).

    A unit weighs as much as its absolute path weight to all outputs, so that a difference which is hardly heard
    hardly counts.
    """
    (first, _), *others = compact(network)
    return first * chain(np.abs(W) for W, _ in others).sum(axis=1) if others else first


def cosines(network):
    """Cosine of the angle between the `weighted_rows` of each two used inputs: (k, k) in [-1, 1]."""
    rows = weighted_rows(network)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-300)
    return rows @ rows.T


def symmetric_groups(network, tolerance=0.01):
    """Groups of at least two inputs that enter every unit of the first layer in the same proportion.

    tolerance : in [0, 1)  largest 1 - |cosine| between a member and the strongest input of its group

    If w_j = r w_i, unit by unit, then every unit reads x_i + r x_j, and the network can tell no more of the two than
    that sum. Rows are compared as `weighted_rows`, strongest first: each leads a group of what is left and like it.
    Returns a list of Group, the largest first.
    """
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance {tolerance}: expected a number in [0, 1)")
    used, rows, likeness = network.used_inputs()[0], weighted_rows(network), np.abs(cosines(network))
    length = np.linalg.norm(rows, axis=1)
    left, groups = length > 0, []
    for leader in np.argsort(-length, kind="stable"):
        members = np.flatnonzero(left & left[leader] & (likeness[leader] >= 1 - tolerance - 1e-12))
        members = members[np.argsort(-length[members], kind="stable")]
        left[members] = False
        if len(members) > 1:
            ratios = rows[members] @ rows[leader] / length[leader] ** 2
            groups.append(Group(used[members], ratios, float(likeness[leader, members].min())))
    return sorted(groups, key=lambda group: -len(group.inputs))


def blur(maps, shape, width):
    """Maps (n_in, m) of images of this shape, smoothed by a Gaussian of standard deviation `width` pixels > 0.

    A pruned network reads few pixels; smoothed, pixels that stand close by count as the same place.
    """
    kernels = [np.exp(-(np.subtract.outer(np.arange(size), np.arange(size)) ** 2) / (2 * width**2)) for size in shape]
    vertical, horizontal = (kernel / kernel.sum(axis=1).max() for kernel in kernels)
    images = maps.T.reshape(-1, *shape)
    return (vertical @ images @ horizontal).reshape(len(images), -1).T


def mirror_scores(maps, shape):
    """How far a map equals its mirror image: (m, 2), left-right and up-down.

    maps  : (n_in, m)      one map a column, such as the importance for each class
    shape : (rows, cols)   of the image; rows * cols = n_in

    The cosine between map and mirrored map: 1 equal, -1 equal with opposite sign, 0 nothing in common (or no map).
    """
    images = maps.T.reshape(-1, *shape)
    power = (images**2).sum(axis=(1, 2)).clip(1e-300)
    return np.stack([(images * np.flip(images, axis)).sum(axis=(1, 2)) / power for axis in (2, 1)], axis=1)


# ---- Pathways ----------------------------------------------------------------------------------------------------


def paths(network, limit=MAX_PATHS):
    """Every path of nonzero weights: (p, 1 + layers) int, the input, a unit of each hidden layer, the output.

    Raises ValueError if there are more than `limit`.
    """
    count = path_counts(network).sum()
    if count > limit:
        raise ValueError(f"the network has {count:,.0f} paths, at most {limit:,} are listed; prune it further")
    found = np.arange(network.layers[0].n_in)[:, None]
    for layer in network.layers:
        path, unit = np.nonzero(layer.dense()[found[:, -1]])
        found = np.column_stack([found[path], unit])
    return found


@dataclass(frozen=True, eq=False)
class Contributions:
    """The scores of one input, path by path: scores_c = bias_c + sum of value over the paths that end in c.

    paths  : (p, 1 + layers) int   as `paths` lists them
    value  : (p,)                  contribution of each path to the score of its output
    bias   : (n_out,)              contribution of all biases to each score
    scores : (n_out,)
    """

    paths: np.ndarray
    value: np.ndarray
    bias: np.ndarray
    scores: np.ndarray

    def strongest(self, output, k):
        """Indices of the k paths to an output with the largest |value|, the largest first."""
        ending = np.flatnonzero(self.paths[:, -1] == output)
        return ending[np.argsort(-np.abs(self.value[ending]), kind="stable")[:k]]


def contributions(network, values, limit=MAX_PATHS):
    """Split the scores of one input, values (n_in,) raw, among the paths: a Contributions.

    For this one input every unit is a factor: activation(z) = s z with s = activation(z) / z, which is sigmoid(z) for
    SiLU and 0 or 1 for ReLU, both defined at z = 0. So the network is linear with slopes s, and a path contributes
    x_i times its weights times its slopes. A bias is an input of 1 and contributes in the same way from its unit on.
    The parts add up to the score without remainder. x_i is the scaled input: it is zero for a pixel of mean
    brightness, and a black pixel contributes too, as missing ink is evidence. (Layer-wise relevance propagation,
    Bach et al. 2015, in the form of Ancona et al. 2018: gradient x input with activation(z) / z as the gradient.)
    """
    route = paths(network, limit)
    x = scale(network, values)
    value, bias = x[route[:, 0]], np.zeros(len(x))
    for k, layer in enumerate(network.layers):
        W, last = layer.dense().astype(np.float64), k == len(network.layers) - 1
        z = x @ W + layer.bias
        slope = np.ones(layer.n_out) if last else SLOPES[network.meta.activation](z)
        value = value * W[route[:, k], route[:, k + 1]] * slope[route[:, k + 1]]
        bias = (bias @ W + layer.bias) * slope
        x = z * slope
    return Contributions(route, value, bias, scores=x)


# ---- The order of units in a drawing -----------------------------------------------------------------------------


def crossings(network, orders):
    """Pairs of connections that cross when the levels are drawn in these orders, as `order_units` gives them: int."""
    return count_crossings([layer.dense() != 0 for layer in network.layers], orders)


def order_units(network, fixed=(), restarts=40):
    """An order of every level in which few connections cross: permutations of `levels(network)`.

    fixed    : levels that keep their order, such as -1, the outputs
    restarts : starts, the first from the natural order, the others at random from seed 0

    From each start, sweeps there and back put every unit at the barycentre of its neighbours (Sugiyama et al. 1981),
    first of all, then of those on the side the sweep comes from; then every unit is sifted to its best place
    (Matuszewski et al. 1999). Each goes on while it gains. The best of all is returned, the natural order if nothing
    beats it. Least crossings is NP-hard already for two levels (Garey and Johnson 1983): this is a good order, not
    always the best.
    """
    alive, natural = [layer.dense() != 0 for layer in network.layers], levels(network)
    free = [k for k in range(len(natural)) if k not in {f % len(natural) for f in fixed}]
    rng, found = np.random.default_rng(0), [natural]
    for start in range(restarts):
        orders = [rng.permutation(level) if start and k in free else level for k, level in enumerate(natural)]
        for move, both in ((barycentre, True), (barycentre, False), (sift, True)):
            orders = improve(alive, orders, free, move, both)
        found.append(orders)
    return min(found, key=lambda orders: count_crossings(alive, orders))


def improve(alive, orders, free, move, both):
    """Reorder the free levels, there and back, as long as crossings get fewer; by both neighbours of a level or one."""
    fewest = count_crossings(alive, orders)
    while True:
        new = list(orders)
        for k, side in [(k, 0) for k in free] + [(k, -1) for k in reversed(free)]:
            sides = neighbours(alive, new, k)
            new[k] = new[k][move(sides if both else [sides[side]])]
        if (count := count_crossings(alive, new)) >= fewest:
            return orders
        orders, fewest = new, count


def neighbours(alive, orders, k):
    """Edges of level k to the level before and to the one after it, in drawing order: one or two (n_k, m) bool."""
    before = [alive[k - 1][np.ix_(orders[k - 1], orders[k])].T] if k > 0 else []
    after = [alive[k][np.ix_(orders[k], orders[k + 1])]] if k < len(alive) else []
    return before + after


def crossing_matrix(edges):
    """C[u, v]: how often edges of u and v cross if u stands before v.

    edges : (n, m) bool, whether each of n units is connected to each of m units that stand in this order

    An edge u-a crosses an edge v-b if b stands before a: for each a of u, count the b of v that came before.
    """
    edges = edges.astype(np.float64)
    return edges @ (np.cumsum(edges, axis=1) - edges).T


def count_crossings(alive, orders):
    """Crossings of all levels: for each two units of a level, one before the other, those with the level after it."""
    after = (neighbours(alive, orders, k)[-1] for k in range(len(alive)))
    return int(sum(np.triu(crossing_matrix(edges), 1).sum() for edges in after))


def barycentre(sides):
    """Sort units by the mean place of their neighbours, places in [0, 1], mean over the sides: (n,) positions."""
    places = [edges @ ((np.arange(edges.shape[1]) + 0.5) / edges.shape[1]) / edges.sum(axis=1).clip(1)
              for edges in sides]
    return np.argsort(np.mean(places, axis=0), kind="stable")


def sift(sides):
    """Take each unit out and put it back where it makes the fewest crossings: (n,) positions."""
    C = sum(crossing_matrix(edges) for edges in sides)
    gain = C - C.T  # gain[u, v] > 0: v should stand before u
    order = list(range(len(C)))
    for unit in range(len(C)):
        order.remove(unit)
        cost = np.cumsum(np.append(0, gain[order, unit]))  # of standing behind the first 0, 1, 2, ... others
        order.insert(int(cost.argmin()), unit)
    return np.array(order)


# ---- The formula -------------------------------------------------------------------------------------------------


def formulas(network, digits=9, latex=False, limit=MAX_FORMULA):
    """The expression of each output: a list of n_out strings.

    digits : significant digits of every number; 9 give back each float32 exactly
    latex  : for a document; otherwise Python, with x1, x2, ... the raw inputs and functions silu, relu

    A unit that several others read is written out each time, so a network of more than `limit` paths is refused
    with a ValueError.
    """
    count = path_counts(network).sum()
    if count > limit:
        raise ValueError(f"the network has {count:,.0f} paths; a formula is written for at most {limit:,}")
    m = network.meta
    opening, closing = (f"\\operatorname{{{m.activation}}}\\left(", "\\right)") if latex else (f"{m.activation}(", ")")
    terms = [f"x_{{{i + 1}}}" if latex else f"x{i + 1}" for i in range(network.layers[0].n_in)]
    if (m.divisor, m.mean, m.std) != (1, 0, 1):
        quotient = "\\frac{{{}}}{{{}}}" if latex else "(({})/{})"
        inner = [f"{x}/{number(m.divisor, digits, latex)}" for x in terms]
        shift = f" {'-' if m.mean > 0 else '+'} {number(abs(m.mean), digits, latex)}"
        terms = [quotient.format(x + shift, number(m.std, digits, latex)) for x in inner]
    for k, layer in enumerate(network.layers):
        parts = [[] for _ in range(layer.n_out)]
        for i, j, weight in zip(layer.row, layer.col, layer.weight):
            parts[j].append((weight, terms[i]))
        for j, bias in enumerate(layer.bias):
            parts[j].append((bias, None))
        terms = [sum_of(part, digits, latex) for part in parts]
        if k < len(network.layers) - 1:
            terms = [opening + term + closing for term in terms]
    return terms


def sum_of(parts, digits, latex):
    """"2*x1 - 3" of [(2, "x1"), (-3, None)]; what is multiplied by zero is left out."""
    times = " \\, " if latex else "*"
    text = "".join(f" {'-' if factor < 0 else '+'} {number(abs(factor), digits, latex)}{times + term if term else ''}"
                   for factor, term in parts if factor != 0)
    return text[3:] if text.startswith(" +") else "-" + text[3:] if text else "0"


def number(value, digits, latex):
    text = f"{value:.{digits}g}"
    if latex and "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa} \\cdot 10^{{{int(exponent)}}}"
    return text

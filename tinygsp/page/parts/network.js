// --- the network, in double precision --------------------------------------------------------------------------------

// A network is a list of layers {row, col, weight, bias}: what each connection leads from and to, and the bias of every
// unit. Both activations are z * slope(z). So each unit only scales its input, and a score is a sum over paths.
const SLOPE = { relu: z => (z > 0 ? 1 : 0), silu: z => 1 / (1 + Math.exp(-z)) };

/** Compute the values and the slopes of all levels for an array of rows * cols pixels. */
function run(net, pixels) {
  let x = Float64Array.from(pixels, value => (value / meta.divisor - meta.mean) / meta.std);
  const values = [x], slopes = [x.map(() => 1)];
  net.forEach(({ row, col, weight, bias }, k) => {
    const z = Float64Array.from(bias);
    weight.forEach((w, e) => { z[col[e]] += w * x[row[e]]; });
    const slope = z.map(k < last - 1 ? value => SLOPE[meta.activation](value) : () => 1);
    x = z.map((value, j) => value * slope[j]);
    values.push(x);
    slopes.push(slope);
  });
  return { values, slopes };
}

function softmax(z) {
  const most = Math.max(...z), e = z.map(value => Math.exp(value - most)), all = sum(e);
  return e.map(value => value / all);
}

/**
 * Compute what each connection adds to a sum of class scores: the sum, over every path through it, of the value that
 * the path starts with (a pixel, or a bias) times the weights and slopes along the path. One array a layer; the sum of
 * a layer and of the biases after it is the sum of scores.
 *
 * aim     : the factor of every class, such as 1 for one class and -1 for another
 * through : count only paths through this node {level, index}, or this connection {layer, edge}; null counts all
 */
function contributions(net, { values, slopes }, aim, through) {
  const only = (array, j) => array.map((value, i) => (i === j ? value : 0));
  const weights = net.map(({ weight }, k) => (through?.layer === k ? only(weight, through.edge) : weight));
  const flow = values.slice();  // what arrives at the output of a unit
  const gain = values.map(array => array.map(() => 0));  // what one more of that output adds
  if (through) {
    const level = through.level ?? through.layer;
    if (through.index !== undefined) flow[level] = only(flow[level], through.index);
    for (let k = level; k < last; k++) {
      const { row, col } = net[k], z = values[k + 1].map(() => 0);
      weights[k].forEach((w, e) => { z[col[e]] += w * flow[k][row[e]]; });
      flow[k + 1] = z.map((value, j) => value * slopes[k + 1][j]);
    }
  }
  gain[last] = Float64Array.from(aim);
  for (let k = last - 1; k >= 0; k--) {
    const { row, col } = net[k];
    if (through?.level === k + 1) gain[k + 1] = only(gain[k + 1], through.index);
    weights[k].forEach((w, e) => { gain[k][row[e]] += w * slopes[k + 1][col[e]] * gain[k + 1][col[e]]; });
  }
  return net.map(({ row, col }, k) => Float64Array.from(
    weights[k], (w, e) => flow[k][row[e]] * w * slopes[k + 1][col[e]] * gain[k + 1][col[e]]));
}

/** Compute what one more of each pixel adds to the output of a unit {level, index}: what the unit looks for. */
function looksFor(net, { slopes }, { level, index }) {
  let gain = new Float64Array(sizes[level]);
  gain[index] = 1;
  for (let k = level - 1; k >= 0; k--) {
    const { row, col, weight } = net[k], before = new Float64Array(sizes[k]);
    weight.forEach((w, e) => { before[row[e]] += w * gain[col[e]] * (k < level - 1 ? slopes[k + 1][col[e]] : 1); });
    gain = before;
  }
  return gain;
}

// --- cutting, and what it costs --------------------------------------------------------------------------------------

// A cut is a text: "p402" is pixel 402, "u1.12" unit 12 of hidden layer 1, "w0.402.12" the wire of layer 0 from 402 to 12.
const cutName = thing => (thing.from ? `w${thing.layer}.${thing.from.index}.${thing.to.index}`
  : thing.level ? `u${thing.level}.${thing.index}` : `p${thing.index}`);

/** Whether a wire is cut, by itself, or because what it comes from or leads to is. */
function isCut({ layer, from, to }, cuts) {
  return cuts.has(cutName({ layer, from, to })) || cuts.has(cutName(from)) || cuts.has(cutName(to));
}

/** Take the wires that are cut out of a network; `edges` are those of its graph. */
function cutNet(net, edges, cuts) {
  if (!cuts.size) return net;
  return net.map(({ row, col, weight, bias }, k) => {
    const stays = edges.filter(edge => edge.layer === k && !isCut(edge, cuts)).map(edge => edge.edge);
    return { row: Int32Array.from(stays, e => row[e]), col: Int32Array.from(stays, e => col[e]),
             weight: Float64Array.from(stays, e => weight[e]), bias };
  });
}

// The test images that measure a cut: of each only the pixels that some finished network reads, with 16 shades of grey.
const sampleSize = data.sample.labels.length;
const sampleColumn = new Map(data.sample.pixels.map((pixel, i) => [pixel, i]));
const samplePixels = unpackHalves(arrays.sample, data.sample.pixels.length * sampleSize);  // image after image
const sampleInputs = new Map();  // (sampleSize) of each pixel that was asked for

function sampleInput(pixel) {
  if (!sampleInputs.has(pixel)) {
    const column = sampleColumn.get(pixel), width = data.sample.pixels.length;
    sampleInputs.set(pixel, Float64Array.from({ length: sampleSize }, (_, n) =>
      (samplePixels[n * width + column] / meta.divisor - meta.mean) / meta.std));
  }
  return sampleInputs.get(pixel);
}

/**
 * Compute, for all sample images at once, the values of every unit: sums[k] and values[k] map an index of level k to
 * an array (sampleSize). Only connected units are there, and every class.
 */
function runSample(net) {
  const values = [new Map()], sums = [new Map()];
  for (const pixel of new Set(net[0].row)) values[0].set(pixel, sampleInput(pixel));
  net.forEach(({ row, col, weight, bias }, k) => {
    const z = new Map();
    const at = j => z.get(j) ?? z.set(j, new Float64Array(sampleSize).fill(bias[j])).get(j);
    bias.forEach((b, j) => { if (b || k === last - 1) at(j); });
    weight.forEach((w, e) => {
      const to = at(col[e]), from = values[k].get(row[e]);
      if (from) for (let n = 0; n < sampleSize; n++) to[n] += w * from[n];
    });
    sums.push(z);
    values.push(new Map([...z].map(([j, numbers]) => [j, numbers.map(activation(k))])));
  });
  return { sums, values };
}

const activation = k => (k === last - 1 ? z => z : z => z * SLOPE[meta.activation](z));

/** Count the sample images whose highest score is that of their class; `scores` maps classes to (sampleSize). */
function countRight(scores) {
  let right = 0;
  for (let n = 0; n < sampleSize; n++) {
    let best = 0;
    for (let j = 1; j < names.length; j++) if (scores.get(j)[n] > scores.get(best)[n]) best = j;
    right += best === data.sample.labels[n];
  }
  return right;
}

/** Count the sample images that are still right without one pixel, unit or wire; only what changes is computed. */
function rightWithout(thing, net, sample) {
  let changes = new Map();  // how much the sums of some units of the next level change
  const add = (j, from, factor) => {
    const to = changes.get(j) ?? changes.set(j, new Float64Array(sampleSize)).get(j);
    for (let n = 0; n < sampleSize; n++) to[n] += factor * from[n];
  };
  const start = thing.from ? thing.layer : thing.level;
  for (const edge of thing.from ? [thing] : thing.after) {
    const from = sample.values[start].get(edge.from.index);
    if (from) add(edge.to.index, from, -edge.weight);
  }
  for (let k = start + 1; k < last; k++) {
    const before = changes, { row, col, weight } = net[k];
    const f = activation(k - 1), moved = new Map();
    for (const [j, change] of before) {
      const z = sample.sums[k].get(j), value = sample.values[k].get(j);
      moved.set(j, change.map((d, n) => f(z[n] + d) - value[n]));
    }
    changes = new Map();
    row.forEach((i, e) => { if (moved.has(i)) add(col[e], moved.get(i), weight[e]); });
  }
  const scores = new Map(sample.sums[last]);
  for (const [j, change] of changes) scores.set(j, change.map((d, n) => d + scores.get(j)[n]));
  return countRight(scores);
}

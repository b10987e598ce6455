// --- a gate with logistic noise, hard and soft -----------------------------------------------------------------------

const COUNT = 2000, BINS = 40;
const sigmoid = z => 1 / (1 + Math.exp(-z));
let uniform = [];  // the noise is logit(uniform)

/** Draw uniform numbers, always the same for a seed (a small counter-based generator). */
function draw(seed) {
  let state = seed >>> 0;
  uniform = Array.from({ length: COUNT }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  });
}

/** All samples of a gate: gate + noise, soft, open or not, and the straight-through slope. */
function sample(gate, tau) {
  return uniform.map(u => {
    const z = gate + Math.log(u / (1 - u)), soft = sigmoid(z / tau);
    return { z, soft, open: z > 0, slope: soft * (1 - soft) / tau };
  });
}

const mean = values => values.reduce((a, b) => a + b, 0) / values.length;

/** How many of the values fall into each of `bins` equal parts from low to high. */
function histogram(values, low, high, bins) {
  const counts = new Array(bins).fill(0);
  for (const value of values) {
    if (value >= low && value <= high) counts[Math.min(bins - 1, Math.floor((value - low) / (high - low) * bins))] += 1;
  }
  return counts;
}

function paint() {
  const gate = sliders.gate.value, tau = sliders.tau.value, samples = sample(gate, tau), p = sigmoid(gate);
  drawSamples(samples);
  drawSlopes(samples, gate, tau);
  const slopes = samples.map(({ slope }) => slope), middle = mean(slopes);
  const spread = Math.sqrt(mean(slopes.map(slope => (slope - middle) ** 2)));
  const counted = samples.filter(({ open }) => open).length / COUNT;
  byId("chance").textContent = percent(p);
  byId("counted").textContent = percent(counted);
  byId("exact").textContent = (p * (1 - p)).toFixed(4);
  byId("mean").textContent = middle.toFixed(4);
  byId("spread").textContent = spread.toFixed(4);
  const idle = slopes.filter(slope => slope < 0.01).length / COUNT;
  const decided = samples.filter(({ soft }) => soft < 0.05 || soft > 0.95).length / COUNT;
  const head = decided > 0.7 ? "Cold: soft samples are nearly masks." : decided > 0.2 ? "Between: many are decided, many are not." :
    "Warm: soft samples stay in the middle.";
  say(head, `${percent(decided)} of the soft samples are within 0.05 of 0 or 1. ${percent(idle)} of the samples have a slope
    below 0.01 and teach the gate next to nothing. The mean slope is ${number(middle / (p * (1 - p)))} times the true one.`);
}

function drawSamples(samples) {
  const counts = histogram(samples.map(({ soft }) => soft), 0, 1, BINS), most = Math.max(...counts) / COUNT;
  const view = plot("samples", [0, 1], [0, Math.max(0.1, most * 1.05)], "soft gate", "share of the samples");
  counts.forEach((n, k) => view.bar(k / BINS, (k + 1) / BINS, n / COUNT, k < BINS / 2 ? "wire" : "for"));
}

function drawSlopes(samples, gate, tau) {
  const view = plot("slopes", [-10, 10], [0, Math.max(1.05, 0.26 / tau)], "gate + noise", "soft gate, slope");
  const counts = histogram(samples.map(({ z }) => z), -10, 10, BINS);
  const full = Math.max(1.05, 0.26 / tau) * 0.9 / Math.max(...counts);
  counts.forEach((n, k) => view.bar(k / 2 - 10, k / 2 - 9.5, n * full, "wire").setAttribute("opacity", 0.4));
  const axis = Array.from({ length: 401 }, (_, k) => k / 20 - 10);
  view.curve([[-10, 0], [0, 0], [0, 1], [10, 1]], "ink thin");
  view.curve(axis.map(z => [z, sigmoid(z / tau)]), "for");
  view.curve(axis.map(z => [z, sigmoid(z / tau) * (1 - sigmoid(z / tau)) / tau]), "against");
}

let seed = 1;
byId("again").addEventListener("click", () => { draw(++seed); repaint(); });
slider("gate", { show: value => number(value) });
slider("tau", { ...LOG, show: value => number(value) });
draw(seed);

window.page = { uniform: () => uniform, sample: () => sample(sliders.gate.value, sliders.tau.value) };

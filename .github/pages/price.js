// --- the networks that the searches left -----------------------------------------------------------------------------

const { networks, sizes } = data, GRID = 41, RANGE = [3, 8];  // what is as strong as a colour gets, of y1 and y2
const TRUE = [(a, b) => 3 * Math.sin((a - b) ** 2), (a, b) => (a + b) ** 3];
const silu = z => z / (1 + Math.exp(-z));

/** The outputs of a network for one sample of four inputs. */
function run({ layers }, x) {
  layers.forEach(({ edges, bias }, k) => {
    const z = bias.slice();
    for (const [from, to, weight] of edges) z[to] += weight * x[from];
    x = k < layers.length - 1 ? z.map(silu) : z;
  });
  return x;
}

/** For each level of units, which of `count` ends reach which unit: sets. `forward`: from the inputs, else from the outputs. */
function reach({ layers }, forward) {
  const levels = sizes.map(n => Array.from({ length: n }, () => new Set()));
  const first = forward ? 0 : sizes.length - 1;
  levels[first].forEach((set, k) => set.add(k));
  const order = layers.map((layer, k) => k);
  for (const k of forward ? order : order.reverse()) {
    for (const [from, to] of layers[k].edges) {
      const [source, goal] = forward ? [levels[k][from], levels[k + 1][to]] : [levels[k + 1][to], levels[k][from]];
      source.forEach(end => goal.add(end));
    }
  }
  return levels;
}

/** How many pairs of an input and the output that should not know it are joined by a path. */
function crossing(network) {
  const [first, second] = reach(network, true)[sizes.length - 1];
  return [2, 3].filter(k => first.has(k)).length + [0, 1].filter(k => second.has(k)).length;
}

const chosen = () => networks[Number(byId("price").value)];

function paint() {
  const network = chosen(), { kept, open, score } = network, cross = crossing(network);
  drawNetwork(network);
  drawMaps(network);
  drawAll(network);
  byId("net-title").textContent = `The network at a price of ${number(network.price)}: ${kept} of 182 numbers (biases are not drawn)`;
  const shown = { open, kept, score1: number(score[0]), score2: number(score[1]), cross };
  for (const [name, value] of Object.entries(shown)) byId(name).textContent = value;
  const learned = score.map(value => value > 0.5), count = learned.filter(Boolean).length;
  const head = ["Too dear: neither function is left.", `Too dear for y${learned[0] ? "₂" : "₁"}: only one function is left.`,
    cross ? "Both functions, and links that nobody needs." : "Two separate networks, one for each function."][count];
  say(head, count === 2 ? `Of the 4 pairs that have nothing to do with each other, such as x₁ and y₂, ${cross || "none"} ${cross > 1 ? "are" : "is"} linked.` : `A gate that lowers the loss by less than its price closes.
    At this price that was so for ${count ? "all gates of one function" : "nearly all gates"}.`);
}

function drawNetwork(network) {
  const svg = byId("net"), { width, height } = svg.getBoundingClientRect();
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const X = k => 40 + k * (width - 80) / (sizes.length - 1), Y = (k, i) => height * (i + 1) / (sizes[k] + 1);
  const sources = reach(network, true), served = reach(network, false);
  const used = sizes.map(n => new Array(n).fill(false));
  const most = Math.max(...network.layers.flatMap(({ edges }) => edges.map(([, , weight]) => Math.abs(weight))), 0);
  network.layers.forEach(({ edges }, k) => {
    for (const [from, to, weight] of edges) {
      const one = sources[k][from].has(0) || sources[k][from].has(1) || served[k + 1][to].has(0);
      const two = sources[k][from].has(2) || sources[k][from].has(3) || served[k + 1][to].has(1);
      add(svg, "path", { class: `curve ${one && two ? "against" : one ? "for" : "third"}`, d: `M${X(k)} ${Y(k, from)}L${X(k + 1)} ${Y(k + 1, to)}`,
        "stroke-width": 1, style: `stroke-width: ${(0.8 + 3 * Math.sqrt(Math.abs(weight) / most)).toFixed(1)}` });
      used[k][from] = used[k + 1][to] = true;
    }
  });
  sizes.forEach((n, k) => {
    for (let i = 0; i < n; i++) add(svg, "circle", { class: used[k][i] ? "ink" : "wire", r: 4, cx: X(k), cy: Y(k, i), fill: "none" });
  });
  for (const [k, names, kind] of [[0, ["x₁", "x₂", "x₃", "x₄"], "end"], [3, ["y₁", "y₂"], ""]]) {
    names.forEach((name, i) => add(svg, "text", { class: kind, x: X(k) + (k ? 12 : -12), y: Y(k, i) + 4 }, name));
  }
}

/** The three numbers of a colour of the style sheet, such as "--for". */
function colour(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim().slice(1);
  const full = text.length === 3 ? [...text].map(digit => digit + digit).join("") : text;
  return [0, 2, 4].map(at => parseInt(full.slice(at, at + 2), 16));
}

/** Fill a map: blue where the function is positive, orange where it is negative. */
function fill(id, f, range) {
  const context = byId(id).getContext("2d"), image = context.createImageData(GRID, GRID);
  const [paper, up, down] = ["--paper", "--for", "--against"].map(colour);
  for (let row = 0; row < GRID; row++) {
    for (let col = 0; col < GRID; col++) {
      const value = f(col / 20 - 1, 1 - row / 20), share = Math.min(1, Math.abs(value) / range) ** 0.6;
      const tone = value > 0 ? up : down;
      image.data.set([...paper.map((base, c) => base + share * (tone[c] - base)), 255], 4 * (row * GRID + col));
    }
  }
  context.putImageData(image, 0, 0);
}

function drawMaps(network) {
  fill("y1", (a, b) => run(network, [a, b, 0, 0])[0], RANGE[0]);
  fill("y2", (a, b) => run(network, [0, 0, a, b])[1], RANGE[1]);
  fill("true1", TRUE[0], RANGE[0]);
  fill("true2", TRUE[1], RANGE[1]);
}

function drawAll(network) {
  const view = plot("all", [8e-6, 1.2e-1, true], [0, 125], "price of an open gate", "numbers kept, R² in hundredths");
  view.curve([[network.price, 0], [network.price, 125]], "ink thin");
  view.curve(networks.map(({ price, kept }) => [price, kept]), "for");
  ["against", "third"].forEach((kind, k) => {
    view.curve(networks.map(({ price, score }) => [price, 100 * Math.max(0, score[k])]), kind);
  });
  view.dot(network.price, network.kept, 5, "for");
}

slider("price", {
  of: k => networks[k].price,
  back: price => networks.reduce((best, network, k) =>
    (Math.abs(Math.log(network.price / price)) < Math.abs(Math.log(networks[best].price / price)) ? k : best), 0),
  show: price => number(price),
});

window.page = { chosen, run: x => run(chosen(), x), crossing: () => crossing(chosen()) };

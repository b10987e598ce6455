// --- the picture: wires on a canvas, nodes above them ----------------------------------------------------------------

const [svg, frameShape, ring, pad, wires, box] =
  ["network", "frame", "ring", "pad", "wires", "network-box"].map(byId);
const set = (shape, attributes) => {
  for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
  return shape;
};
const draw = (parent, name, attributes) =>
  byId(parent).appendChild(set(document.createElementNS(svg.namespaceURI, name), attributes));

const shortName = ({ level, index }) =>
  level === 0 ? `pixel (${Math.floor(index / cols)}, ${index % cols})`
  : level < last ? `unit ${index}` : `class ${nameOf(index)}`;
const fullName = thing =>
  thing.from ? `Wire from ${shortName(thing.from)} to ${shortName(thing.to)}`
  : thing.level === 0 ? `Pixel in row ${Math.floor(thing.index / cols)}, column ${thing.index % cols}`
  : thing.level < last ? `Unit ${thing.index} of hidden layer ${thing.level}` : `Class ${nameOf(thing.index)}`;

let geometry, tabStop, captions;
let colours = {};  // of the page's style, for the canvases

const isNarrow = () => matchMedia("(max-width: 700px)").matches;

/** Make the nodes of the run that is shown, and put everything in its place. */
function adoptRun() {
  const { nodes } = finishedGraph(current);
  byId("nodes").replaceChildren();
  for (const node of nodes) {
    node.shape = draw("nodes", node.level ? "circle" : "rect", {
      tabindex: -1, role: node.level === last ? "button" : "img", "aria-label": fullName(node),
    });
    node.shape.node = node;
    if (node.level === last) {
      node.text = draw("nodes", "text", { "aria-hidden": true });
      node.text.textContent = names[node.index].slice(0, 2);
    }
  }
  byId("film").hidden = !current.film;
  tabStop = set(nodes[0].shape, { tabindex: 0 });  // the tab key stops once in the picture; arrow keys move inside it
  layout();
}

/** Put everything where it belongs in a window of this width. */
function layout() {
  const graph = finishedGraph(current);
  geometry = measure(box.clientWidth, graph, isNarrow());
  const { width, height, cell, left, top, imageAlong, alongOf, narrow, across } = geometry;
  frame = { run: null };
  for (const node of graph.levels[0].values()) placeNode(node, geometry, graph);
  orderUnits(graph, pixel => (narrow ? pixel.x : pixel.y) / across);
  for (const node of graph.nodes) placeNode(node, geometry, graph);

  set(svg, { height, viewBox: `0 0 ${width} ${height}` });
  set(frameShape, { x: left, y: top, width: cell * cols, height: cell * rows });
  for (const { level, shape, text, x, y, size } of graph.nodes) {
    set(shape, level ? { cx: x, cy: y, r: size } : { x: x - size, y: y - size, width: 2 * size, height: 2 * size });
    if (text) set(text, { x, y, visibility: size < 8 ? "hidden" : "visible" });
  }
  byId("captions").replaceChildren();
  captions = narrow ? [] : graph.levels.map((_, k) => draw("captions", "text", {
    class: "caption", x: k ? clamp(alongOf(k), 40, width - 34) : imageAlong / 2, y: k ? -14 : top - 14,
  }));
  byId("scores").style.height = `${height}px`;
  for (const canvas of [wires, pad, byId("curves")]) {
    const { clientWidth, clientHeight } = canvas;
    Object.assign(canvas, { width: clientWidth * devicePixelRatio, height: clientHeight * devicePixelRatio });
  }
  paint();
}

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["for", "against", "ink", "soft", "line", "paper", "shade", "wire", "node"]) {
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  }
}

/** A canvas's context for drawing in CSS pixels, with nothing on it. */
function blankContext(canvas) {
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.scale(devicePixelRatio, devicePixelRatio);
  return context;
}

/** Make a canvas of cols x rows with the image in ink, as dark as its pixels are high. */
function inkCanvas(pixels) {
  const canvas = Object.assign(document.createElement("canvas"), { width: cols, height: rows });
  const context = canvas.getContext("2d"), rgba = new ImageData(cols, rows);
  pixels.forEach((value, i) => { rgba.data[4 * i + 3] = value; });
  context.putImageData(rgba, 0, 0);
  Object.assign(context, { globalCompositeOperation: "source-in", fillStyle: colours.ink });
  context.fillRect(0, 0, cols, rows);
  return canvas;
}

function paintPad() {
  const context = blankContext(pad), width = pad.clientWidth, height = pad.clientHeight;
  context.imageSmoothingEnabled = false;
  if (shownImage !== null) context.drawImage(inkCanvas(pixels), 0, 0, width, height);
  Object.assign(context, { lineWidth: 0.08 * width, lineCap: "round", lineJoin: "round", strokeStyle: colours.ink });
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(stroke[0][0] * width, stroke[0][1] * width);
    for (const [x, y] of stroke) context.lineTo(x * width, y * width);
    context.stroke();
  }
}

const WIDTHS = 12;  // different widths of wires, so that all of one width are drawn at once
const sideOf = (value, most) => (Math.abs(value) < 1e-3 * most ? "" : value > 0 ? "for" : "against");

/** Draw the wires of a scene, the strong ones on top, and the image that they start from. */
function paintWires(scene) {
  const context = blankContext(wires), { cell, left, top, narrow } = geometry;
  context.imageSmoothingEnabled = false;
  context.globalAlpha = 0.85;
  context.drawImage(inkCanvas(pixels), left, top, cell * cols, cell * rows);
  if (!scene.net) return paintCrowd(context);

  const { graph, found, thing } = scene, alone = graph === current.graph;
  const few = graph.edges.length < 1200, thin = few ? 1 : 0.6;
  const groups = new Map();
  for (const edge of graph.edges) {
    const away = Boolean(found && !found.has(edge)), side = sideOf(edge.adds, scene.most);
    edge.away = away;
    const step = away || edge.cut ? -1 : Math.round(WIDTHS * Math.min(1, Math.abs(edge.adds) / scene.most));
    const key = edge.cut ? "cut" : away ? "away" : edge.isNew && !thing ? "new" : `${step}${side}`;
    if (!groups.has(key)) groups.set(key, { key, step, side, edges: [] });
    groups.get(key).edges.push(edge);
  }
  for (const { key, step, side, edges } of [...groups.values()].sort((a, b) => a.step - b.step)) {
    const strength = Math.max(step, 0) / WIDTHS;
    context.lineWidth = thin * (0.75 + 4.5 * strength);
    context.globalAlpha = key === "away" ? 0.08 : key === "cut" ? 0.5 : thing ? 1
      : (few ? 0.35 : 0.2) + (few ? 0.65 : 0.8) * Math.sqrt(strength);
    context.strokeStyle = key === "new" ? colours.ink : colours[side] ?? colours.wire;
    context.setLineDash(key === "cut" ? [1, 5] : few && side === "against" && key !== "new" ? [5, 3] : []);
    context.beginPath();
    for (const edge of edges) {
      const [ax, ay, ...rest] = curve(edge, narrow);
      context.moveTo(ax, ay);
      context.bezierCurveTo(...rest);
    }
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
  if (!alone) paintNodes(context, graph);
}

/** Draw the pixels and units of a moment that the finished network does without. */
function paintNodes(context, { nodes }) {
  const { levels } = finishedGraph(current);
  Object.assign(context, { strokeStyle: colours.node, fillStyle: colours.soft, lineWidth: 0.6 });
  for (const { level, index, x, y, size } of nodes) {
    if (levels[level].has(index)) continue;
    if (level === 0) context.strokeRect(x - size, y - size, 2 * size, 2 * size);
    else context.fillRect(x - size, y - size, 2 * size, 2 * size);
  }
}

const CROWD = 3600;  // wires that are drawn of a network which is too large for the page to hold

/** Draw a sample of the wires of a moment of which only the number is known: more of them, the more there were. */
function paintCrowd(context) {
  const { film } = current, firstStored = film.stored.indexOf(1);
  const few = firstStored < 0 ? current.kept : film.open[firstStored];
  const share = clamp(Math.log(film.open[moment] / few) / Math.log(data.total / few), 0, 1);
  const total = sum(sizes.slice(1).map((n, k) => n * sizes[k]));
  let random = 1;
  const next = n => Math.floor((random = random * 48271 % 2147483647) / 2147483647 * n);  // the same sample every time
  Object.assign(context, { globalAlpha: 0.3, lineWidth: 0.5, strokeStyle: colours.soft });
  context.beginPath();
  sizes.slice(1).forEach((n_out, k) => {
    const some = Math.max(CROWD * n_out * sizes[k] / total, CROWD / 20) * share;
    for (let i = 0; i < some; i++) {
      const [from, to] = [{ level: k, index: next(sizes[k]) }, { level: k + 1, index: next(n_out) }];
      for (const node of [from, to]) placeNode(node, geometry, finishedGraph(current));
      const [ax, ay, ...rest] = curve({ from, to }, geometry.narrow);
      context.moveTo(ax, ay);
      context.bezierCurveTo(...rest);
    }
  });
  context.stroke();
  context.globalAlpha = 1;
}

/** Colour the nodes of the finished network; those that are not in the network of the moment are not shown. */
function paintGraph(scene) {
  const { graph, found, target, other, most } = scene, finished = finishedGraph(current);
  for (const node of finished.nodes) {
    const now = graph?.levels[node.level].get(node.index), gone = graph ? !now : node.level === 0;
    const kind = node.level === 0 ? "pixel" : node.level < last ? "unit" : "class";
    const value = now ? sum(now.after.map(edge => edge.adds)) : 0;
    const shown = node.level === last && (node.index === target || node.index === other);
    const away = found && !found.has(now), isGone = gone && node.level < last;
    const cut = graph === finished && cuts.has(cutName(node));
    set(node.shape, {
      class: `node ${kind} ${away ? "away" : sideOf(value, most)} ${shown ? "shown" : ""} ${cut ? "cut" : ""}` +
        `${isGone ? " gone" : ""}`,
      "stroke-width": 1 + 1.5 * Math.min(1, Math.abs(value) / most),
    });
    if (node.text) {
      set(node.text, { class: shown ? "shown" : "" });
      set(node.shape, { "aria-pressed": node.index === held });
    }
  }
  captions.forEach((text, k) => {
    const n = graph ? graph.levels[k].size : sizes[k];
    text.textContent = k === 0 ? `${number(n)} of ${count(rows * cols, "pixel")} are read`
      : k < last ? count(n, "unit") : geometry.width < 480 ? "" : `${number(n)} classes`;
  });
  const thing = scene.thing && !scene.thing.from ? scene.thing : null;
  if (thing) set(ring, { cx: thing.x, cy: thing.y, r: thing.size + 5 });
  set(ring, { visibility: thing ? "visible" : "hidden" });
}

/** Paint everything that is shown. */
function paint() {
  if (!geometry) return;
  const scene = makeScene();
  if (scene.net) {
    const isWhole = scene.graph === current.graph && cuts.size;
    const place = scene.net.map(() => 0);  // cut wires are in the graph and not in the network
    for (const edge of scene.graph.edges) {
      edge.cut = isWhole ? isCut(edge, cuts) : false;
      edge.adds = edge.cut ? 0 : scene.adds[edge.layer][place[edge.layer]++];
    }
    markNew(scene.graph);
    scene.most = Math.max(...scene.graph.edges.map(edge => Math.abs(edge.adds)), 1e-9);
    scene.found = pathsThrough(scene.thing);
  } else scene.most = 1;
  paintPad();
  paintWires(scene);
  paintGraph(scene);
  paintAnswer(scene);
  paintScores(scene);
  paintDetail(scene);
  paintFilm();
  paintTools();
  keepLink();
}

/** Mark the wires that have just come, where few of them change places. */
function markNew(graph) {
  const changed = isFinished() ? null : changedPlaces(current, moment);
  const isFew = changed !== null && changed < 0.2 * graph.edges.length;
  let c = 0;
  const { film } = current, beforeThis = isFew ? film.levels[moment - 1] : null;
  for (const edge of graph.edges) {
    edge.isNew = false;
    if (!isFew) continue;
    const first = sum(sizes.slice(1, edge.layer + 1).map((n, k) => (sizes[k] + 1) * n));
    const cell = first + edge.from.index * sizes[edge.layer + 1] + edge.to.index;
    while (film.cells[c] < cell) c++;
    edge.isNew = beforeThis[c] === 0;
  }
}

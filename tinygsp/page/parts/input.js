// --- input: the pad --------------------------------------------------------------------------------------------------

const [undo, clear, onlyWrong] = ["undo", "clear", "wrong"].map(byId);

function showDrawing(drawing) {
  stopPlaying();
  [strokes, shownImage, pixels] = [drawing, null, rasterize(drawing)];
  undo.disabled = clear.disabled = !strokes.length;
  say("position", "");
  paint();
}

const padPoint = event => {
  const box = pad.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.width];
};
pad.addEventListener("pointerdown", event => {
  if (!event.isPrimary || event.button) return;
  pad.setPointerCapture(event.pointerId);
  if (playing) moment = current.frames;
  showDrawing([...strokes, [padPoint(event)]]);
});
pad.addEventListener("pointermove", event => {
  if (!event.isPrimary || !pad.hasPointerCapture(event.pointerId) || !strokes.length) return;
  const moves = event.getCoalescedEvents();
  strokes.at(-1).push(...(moves.length ? moves : [event]).map(padPoint));
  showDrawing(strokes);
});
undo.addEventListener("click", () => showDrawing(strokes.slice(0, -1)));
clear.addEventListener("click", () => showDrawing([]));

// --- input: test images ----------------------------------------------------------------------------------------------

const isWrong = test.label.map((label, i) => argmax(finishedScores(imageAt(i))) !== label);

function showImage(i) {
  const list = listed();
  [strokes, shownImage, lastImage, pixels] = [[], i, i, imageAt(i)];
  undo.disabled = true;
  clear.disabled = false;
  say("position", `${list.indexOf(i) + 1} of ${list.length}`);
  paint();
}

/** List the images that "previous" and "next" step through, as indices into `test`. */
const listed = () => [...test.index.keys()].filter(i => isWrong[i] || !onlyWrong.checked);

/** Show the next (1) or previous (-1) image; after the last comes the first. */
function step(direction) {
  const list = listed();
  const further = list.filter(i => (i - lastImage) * direction > 0);
  showImage((further.length ? further : list).at(direction > 0 ? 0 : -1));
}

byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
onlyWrong.disabled = !isWrong.includes(true);
onlyWrong.addEventListener("change", () => {
  if (shownImage === null) return;  // a drawing is not replaced
  if (onlyWrong.checked && !isWrong[shownImage]) step(1);
  else showImage(shownImage);
});

// --- input: classes and runs -----------------------------------------------------------------------------------------

const option = (text, value) => Object.assign(document.createElement("option"), { textContent: text, value });
byId("held").append(option("the winner", ""), ...names.map((name, j) => option(shorten(name), j)));
byId("rival").append(option("–", ""), option("the runner-up", "second"), ...names.map((name, j) => option(shorten(name), j)));
byId("held").addEventListener("change", ({ target: { value } }) => show({ held: value === "" ? null : Number(value) }));
byId("rival").addEventListener("change", ({ target: { value } }) =>
  show({ rival: value === "" ? null : value === "second" ? value : Number(value) }));

const hold = index => show({ held: index === held ? null : index });

byId("budgets").hidden = runs.length < 2;
const budgets = runs.map(run => {
  const button = byId("budgets").appendChild(Object.assign(document.createElement("button"), { type: "button" }));
  button.textContent = number(run.kept);
  button.addEventListener("click", () => showRun(run));
  return button;
});

function showRun(run) {
  stopPlaying();
  show({ run });
  describeRun();
  delete byId("cost-list").dataset.ready;
  listCosts();
}

function describeRun() {
  budgets.forEach((button, r) => set(button, { "aria-pressed": runs[r] === current }));
  say("title", `What ${number(current.kept)} numbers see`);
  say("summary", `A network${meta.dataset && ` for ${shorten(meta.dataset, 60)}`} pruned from ${number(data.total)} parameters to ` +
    `${number(current.kept)}: ${(100 * current.kept / data.total).toPrecision(2)} % are left. It is right on ` +
    `${(100 * current.right / test.n).toFixed(2)} % of ${number(test.n)} test images.`);
}

// --- input: the picture ----------------------------------------------------------------------------------------------

function inspect(thing) {
  if (thing === inspected || playing) return;
  show({ inspected: thing });
}

// Three ways to inspect a node: the keyboard's focus, the mouse over it, and a tap, which holds until the next tap.
const isMouse = event => event.pointerType === "mouse";
const focused = () => (document.activeElement.matches(":focus-visible") && document.activeElement.node) || null;
document.addEventListener("focusin", () => inspect(focused()));
document.addEventListener("focusout", event => { if (!event.relatedTarget) inspect(null); });

scoreRows.forEach((row, index) => {
  row.node = { level: last, index };
  row.addEventListener("click", () => hold(index));
  row.addEventListener("pointerenter", event => { if (isMouse(event)) inspect(row.node); });
  row.addEventListener("pointerleave", event => { if (isMouse(event)) inspect(focused()); });
});

/** Find what is nearest to a pointer: a node if one is near, or else a wire. */
function nearest(event) {
  const { graph } = present();
  if (!graph) return null;
  const box = svg.getBoundingClientRect(), [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const best = (things, distance, most) => {
    let found = null;
    for (const thing of things) {
      const d = distance(thing);
      if (d < most) [found, most] = [thing, d];
    }
    return found;
  };
  const reach = isMouse(event) || event.type === "click" && event.pointerType !== "touch" ? 9 : 20;
  return best(graph.nodes, node => Math.hypot(node.x - x, node.y - y) - node.size, reach)
    ?? best(graph.edges, edge => distanceTo(curve(edge, geometry.narrow), x, y), 0.6 * reach);
}

svg.addEventListener("pointermove", event => { if (isMouse(event)) inspect(nearest(event) ?? focused()); });
svg.addEventListener("pointerleave", event => { if (isMouse(event)) inspect(focused()); });
svg.addEventListener("mousedown", event => event.preventDefault());  // the focus stays with the keyboard
svg.addEventListener("click", event => {
  stopPlaying();
  const thing = nearest(event);
  if (thing?.level === last) hold(thing.index);
  else if (thing && cutting && isFinished()) toggleCut(thing);
  else if (thing && cutting) say("words", "Only the finished network can be cut: drag the slider to its end.");
  if (!isMouse(event) || !cutting) inspect(thing);
});

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Find the next node in the direction of an arrow key: near, and as straight ahead as possible. */
function neighbour(node, [dx, dy]) {
  const cost = other => {
    const ahead = (other.x - node.x) * dx + (other.y - node.y) * dy;
    const aside = Math.abs((other.x - node.x) * dy) + Math.abs((other.y - node.y) * dx);
    return ahead > 0.5 && aside < 3 * ahead ? ahead + 3 * aside : Infinity;
  };
  const best = finishedGraph(current).nodes.reduce((a, b) => (cost(b) < cost(a) ? b : a));
  return cost(best) < Infinity ? best : node;
}

document.addEventListener("keydown", event => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const { key } = event, active = document.activeElement, node = svg.contains(active) ? active.node : null;
  if (active.matches("select, input[type=range], summary") && key !== "Escape") return;
  if (node && key in ARROWS) {
    set(tabStop, { tabindex: -1 });
    tabStop = set(neighbour(node, ARROWS[key]).shape, { tabindex: 0 });
    tabStop.focus();
  } else if (node?.level === last && (key === "Enter" || key === " ")) hold(node.index);
  else if (node && key.toLowerCase() === "x") toggleCut(node);
  else if (key === "Escape") leave();
  else if (key === "ArrowLeft" || key === "ArrowRight") step(key === "ArrowLeft" ? -1 : 1);
  else return;
  event.preventDefault();
});

function leave() {
  if (tour.hidden) document.activeElement.blur();
  else closeTour();
}

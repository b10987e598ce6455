// --- gradient descent on the loss of lesson 01, a quadratic function of slope and intercept --------------------------

const { H, best, lowest } = data;
const half = (H[0][0] + H[1][1]) / 2, spread = Math.hypot((H[0][0] - H[1][1]) / 2, H[0][1]);
const flat = half - spread, steep = half + spread;  // the two curvatures
const ENOUGH = 1e-6;  // of the loss above the lowest

const gradient = p => [0, 1].map(k => H[k][0] * (p[0] - best[0]) + H[k][1] * (p[1] - best[1]));
const excess = p => (p[0] - best[0]) * gradient(p)[0] / 2 + (p[1] - best[1]) * gradient(p)[1] / 2;

/** The path of so many steps from p: a list of points. */
function descend(p, rate, momentum, steps) {
  const path = [p];
  let velocity = [0, 0];
  for (let step = 0; step < steps; step++) {
    const g = gradient(p);
    velocity = velocity.map((v, k) => momentum * v + g[k]);
    p = p.map((value, k) => value - rate * velocity[k]);
    path.push(p);
  }
  return path;
}

/** What a step multiplies the distance along a curvature by, in the long run, and whether it swings. */
function factor(curvature, rate, momentum) {
  const b = 1 + momentum - rate * curvature, root = b * b - 4 * momentum;  // z^2 - b z + momentum = 0
  if (root < 0) return { size: Math.sqrt(momentum), swings: true };
  return { size: (Math.abs(b) + Math.sqrt(root)) / 2, swings: b < 0 };
}

/** After how many steps the loss stays below ENOUGH. */
function needed(p, rate, momentum) {
  const path = descend(p, rate, momentum, 6000);
  for (let step = path.length - 1; step >= 0; step--) {
    if (!(excess(path[step]) <= ENOUGH)) return step + 1;
  }
  return 0;
}

const current = () => Object.fromEntries(Object.entries(sliders).map(([name, { value }]) => [name, value]));

function paint() {
  const { rate, momentum, steps, w, b } = current();
  const path = descend([w, b], rate, momentum, steps);
  drawMap(path);
  drawLoss(path);
  const across = factor(steep, rate, momentum), along = factor(flat, rate, momentum);
  const size = Math.max(across.size, along.size), limit = 2 * (1 + momentum) / steep;
  const atEnd = `Loss after ${steps} step${steps > 1 ? "s" : ""}: ${number(lowest + excess(path[steps]))}.`;
  if (size >= 1) {
    say("It diverges.", `The rate is above its limit, 2 (1 + μ) / ${number(steep)} = ${number(limit)}: in the long run, each
      step multiplies the distance across the valley by ${number(across.size)}. ${atEnd}`);
    return;
  }
  const how = along.swings ? "It swings along the valley." : across.swings ? "It oscillates across the valley." : "It rolls down without oscillating.";
  say(how, `The limit of the rate is ${number(limit)}. In the long run, each step multiplies the distance across the valley by
    ${number(across.size)}, that along it by ${number(along.size)}. To stay within 10⁻⁶ of the lowest loss takes
    ${needed([w, b], rate, momentum) > 5999 ? "more than 5,999" : whole(needed([w, b], rate, momentum))} steps. ${atEnd}`);
}

let chart = null;  // the map as it was drawn last

function drawMap(path) {
  const box = byId("map").getBoundingClientRect();
  const b = [-4, 2], perUnit = (box.height - 62) / 6, wide = (box.width - 66) / perUnit / 2;
  chart = plot("map", [1.5 - wide, 1.5 + wide], b, "slope w", "intercept b");
  const turn = Math.atan2(2 * H[0][1], H[0][0] - H[1][1]) / 2;  // the direction of the steep curvature
  for (const level of [0.02, 0.1, 0.4, 1, 2.5, 6, 14, 30, 60]) {
    const [a, c] = [Math.sqrt(2 * level / steep), Math.sqrt(2 * level / flat)];
    const ring = Array.from({ length: 73 }, (_, k) => {
      const [x, y] = [a * Math.cos(k * Math.PI / 36), c * Math.sin(k * Math.PI / 36)];
      return [best[0] + x * Math.cos(turn) - y * Math.sin(turn), best[1] + x * Math.sin(turn) + y * Math.cos(turn)];
    });
    chart.curve(ring, "wire thin");
  }
  chart.curve(path, "for", { id: "path" });
  for (const point of path) if (excess(point) < 1e4) chart.dot(...point, 3, "for");
  const [x, y] = [chart.X(best[0]), chart.Y(best[1])];
  add(chart.inside, "path", { class: "curve ink", d: `M${x - 6} ${y}h12M${x} ${y - 6}v12` });
  chart.dot(...path[0], 9, "hollow");
  chart.word(path[0][0], path[0][1], "start", "end").setAttribute("transform", "translate(-12 -8)");
  chart.dot(...path[0], 24, "handle").id = "start";  // larger than what one sees, for fingers
}

function drawLoss(path) {
  const lost = path.map((p, k) => [k, Math.max(excess(p), 1e-12)]);
  const most = Math.min(Math.max(...lost.map(([, value]) => value), 10), 1e12);
  const view = plot("loss", [0, Math.max(path.length - 1, 5)], [1e-9, most, true], "step", "loss above the lowest");
  view.curve([[0, ENOUGH], [path.length + 5, ENOUGH]], "ink thin", { "stroke-dasharray": "3 3" });
  view.curve(lost, "for");
}

// --- dragging, playing -----------------------------------------------------------------------------------------------

let grabbed = false;

function dragTo(event) {
  const box = byId("map").getBoundingClientRect(), [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const along = (f, at) => (at - f(0)) / (f(1) - f(0));
  sliders.w.value = along(chart.X, x);
  sliders.b.value = along(chart.Y, y);
  changed();
}

byId("map").addEventListener("pointerdown", event => {
  if (event.pointerType === "touch" && event.target.id !== "start") return;  // the page is scrolled
  grabbed = true;
  byId("map").setPointerCapture(event.pointerId);
  dragTo(event);
});
byId("map").addEventListener("pointermove", event => { if (grabbed) dragTo(event); });
for (const end of ["pointerup", "pointercancel"]) byId("map").addEventListener(end, () => { grabbed = false; });

let timer = 0;

function stop() {
  clearInterval(timer);
  timer = 0;
  byId("play").textContent = "Play the steps";
}

byId("play").addEventListener("click", () => {
  if (timer) return stop();
  const last = sliders.steps.value < 5 ? 60 : sliders.steps.value;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {  // one step for each press, nothing moves by itself
    sliders.steps.value = sliders.steps.value % 200 + 1;
    return changed();
  }
  sliders.steps.value = 1;
  byId("play").textContent = "Stop";
  timer = setInterval(() => {
    if (sliders.steps.value >= last) return stop();
    sliders.steps.value += 1;
    changed();
  }, 120);
});

slider("rate", { show: value => number(value) });
slider("momentum", { show: value => value.toFixed(2) });
slider("steps");
slider("w", { show: value => number(value) });
slider("b", { show: value => number(value) });

window.page = { path: () => { const { rate, momentum, steps, w, b } = current(); return descend([w, b], rate, momentum, steps); } };

// --- the epochs of a run, as record.py has recorded them -------------------------------------------------------------

const EPOCHS = data.live.length;
const NAMES = { dense: "dense training", search: "search", rewire: "rewiring", finetune: "fine-tuning" };
const last = EPOCHS - 1;

/** The epochs at which a phase begins: [epoch, name]. */
const begins = data.phase.map((name, k) => [k + 1, name]).filter(([epoch, name]) => name !== data.phase[epoch - 2]);

/** The median of some numbers. */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

const dense = median(data.ms.filter((ms, k) => data.phase[k] === "dense"));  // milliseconds of a dense step
const seconds = k => data.ms.slice(0, k + 1).reduce((a, b) => a + b, 0) * data.steps / 1000;

function paint() {
  const epoch = sliders.epoch.value, k = epoch - 1;
  const pairs = values => values.map((value, at) => [at + 1, value]);
  const sizes = plot("sizes", [1, EPOCHS], [100, 4e5, true], "epoch", "connections");
  mark(sizes, epoch, [100, 4e5]);
  sizes.curve(pairs(data.live), "for");
  sizes.curve(pairs(data.cells), "third");
  sizes.curve(pairs(data.open), "against");
  sizes.dot(epoch, data.live[k], 5, "for");
  const high = 1.6 * Math.max(...data.ms), times = plot("times", [1, EPOCHS], [0.05, high, true], "epoch", "milliseconds",
    { yTicks: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20].filter(ms => ms < high) });
  mark(times, epoch, [0.05, high]);
  times.curve(pairs(data.ms), "ink");
  times.dot(epoch, data.ms[k], 5, "for");
  const shown = { phase: NAMES[data.phase[k]] ?? data.phase[k], live: whole(data.live[k]), cells: whole(data.cells[k]),
    ms: `${number(data.ms[k])} ms`, accuracy: percent(data.accuracy[k]) };
  for (const [name, value] of Object.entries(shown)) byId(name).textContent = value;
  const fewer = data.total / data.live[k], faster = dense / data.ms[k];
  say(fewer > 1.05 ? `${number(fewer, 2)} times fewer connections, a step ${number(faster, 2)} times as fast.` : "Nothing is closed yet.",
    `Compared with a dense step of ${number(dense)} ms. So far ${number(seconds(k))} s of work; with dense steps to here it
    would be ${number(dense * data.steps * epoch / 1000)} s.`);
}

/** A line at the epoch that is chosen, and where the phases begin. */
function mark(view, epoch, [low, high]) {
  begins.forEach(([first, name], k) => {
    view.curve([[first, low], [first, high]], "wire thin");
    const room = view.X(begins[k + 1]?.[0] ?? EPOCHS) - view.X(first);
    if (room > 70) view.word(first, high, NAMES[name] ?? name, "soft").setAttribute("transform", "translate(4 14)");
  });
  view.curve([[epoch, low], [epoch, high]], "ink thin");
}

let timer = 0;

function stop() {
  clearInterval(timer);
  timer = 0;
  byId("play").textContent = "Play";
}

byId("play").addEventListener("click", () => {
  if (timer) return stop();
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;  // then one phase on for each press
  if (isStill) {
    sliders.epoch.value = begins.find(([first]) => first > sliders.epoch.value)?.[0] ?? 1;
    return changed();
  }
  if (sliders.epoch.value > last) sliders.epoch.value = 1;
  byId("play").textContent = "Stop";
  timer = setInterval(() => {
    if (sliders.epoch.value > last) return stop();
    sliders.epoch.value += 1;
    changed();
  }, 60);
});

slider("epoch");
byId("epoch").max = EPOCHS;

window.page = { dense, seconds };

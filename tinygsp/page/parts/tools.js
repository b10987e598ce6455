// --- cut and see -----------------------------------------------------------------------------------------------------

/** What the finished network, without cuts, makes of the sample images; computed once for each run. */
function baseSample() {
  current.sample ??= (() => {
    const sample = runSample(current.finished);
    return { ...sample, right: countRight(sample.values[last]) };
  })();
  return current.sample;
}

/** Count the sample images that are right with these cuts. */
const rightNow = () => (cuts.size
  ? countRight(runSample(cutNet(current.finished, finishedGraph(current).edges, cuts)).values[last]) : baseSample().right);

/** Cut, or mend again, a node or an edge of the finished network. */
function toggleCut(thing) {
  if (thing.level === last) return;
  before.push(cuts);
  cuts = new Set(cuts);
  const name = cutName(thing);
  if (!cuts.delete(name)) cuts.add(name);
  show({ moment: current.frames });
}

function setCuts(next, history) {
  [cuts, before] = [next, history];
  show({ moment: current.frames });
}

let painted = { run: null };  // what the tools show

function paintTools() {
  byId("cut-undo").disabled = !before.length;
  byId("cut-reset").disabled = !cuts.size;
  if (painted.run === current && painted.cuts === cuts) return;
  painted = { run: current, cuts };
  const base = baseSample().right, right = rightNow();
  const gone = finishedGraph(current).edges.filter(edge => isCut(edge, cuts)).length;
  byId("still").innerHTML = "<b></b> <span></span>";
  byId("still").firstChild.textContent = percent(right / sampleSize);
  byId("still").lastChild.textContent = `of ${number(sampleSize)} test images right` +
    (cuts.size ? `; ${percent(base / sampleSize)} before. ${count(gone, "wire")} cut.` : ".");
  for (const button of byId("cost-list").querySelectorAll("button")) {
    set(button, { "aria-pressed": cuts.has(button.cut) });
  }
}

byId("cut-undo").addEventListener("click", () => setCuts(before.at(-1), before.slice(0, -1)));
byId("cut-reset").addEventListener("click", () => setCuts(new Set(), []));

for (const [id, mode] of [["look", false], ["cut", true]]) {
  byId(id).addEventListener("click", () => {
    cutting = mode;
    set(byId("look"), { "aria-pressed": !mode });
    set(byId("cut"), { "aria-pressed": mode });
    svg.classList.toggle("cutting", mode);
  });
}

// The list of what costs most is computed when it is opened, in slices of time between which the page answers.
const LISTED = 15, SLICE = 12;  // items; milliseconds

function listCosts() {
  const run = current, list = byId("cost-list");
  if (!byId("costs").open || list.run === run) return;
  list.run = run;
  list.replaceChildren(Object.assign(document.createElement("li"), { textContent: "measuring …" }));
  const { nodes, edges } = finishedGraph(run), base = baseSample();
  const things = [...nodes.filter(node => node.level < last), ...edges], found = [];
  const go = () => {
    if (list.run !== run) return;
    const until = performance.now() + SLICE;
    while (found.length < things.length && performance.now() < until) {
      const thing = things[found.length];
      found.push({ thing, lost: base.right - rightWithout(thing, run.finished, base) });
    }
    if (found.length < things.length) setTimeout(go);
    else fillCosts(found.sort((a, b) => b.lost - a.lost).slice(0, LISTED));
  };
  go();
}

function fillCosts(found) {
  byId("cost-list").replaceChildren(...found.map(({ thing, lost }) => {
    const item = document.createElement("li");
    item.innerHTML = `<button type="button"><span></span><span class="loss"></span></button>`;
    const button = item.firstChild;
    button.firstChild.textContent = fullName(thing);
    button.lastChild.textContent = lost < 0 ? `+${-lost}` : `−${lost}`;
    set(button, { "aria-pressed": cuts.has(cutName(thing)) });
    Object.assign(button, { cut: cutName(thing), node: thing });
    button.addEventListener("click", () => toggleCut(thing));
    return item;
  }));
  byId("cost-list").dataset.ready = true;
}

byId("costs").addEventListener("toggle", listCosts);

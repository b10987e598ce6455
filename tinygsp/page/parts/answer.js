// --- the answer, in words and bars -----------------------------------------------------------------------------------

const scoreRows = names.map(name => {
  const item = byId("scores").appendChild(document.createElement("li"));
  item.innerHTML = `<button type="button"><span class="name"></span><span class="track"><span class="bar"></span></span>
    <span class="chance"></span><span class="score"></span></button>`;
  const label = item.querySelector(".name");
  label.textContent = shorten(name, 60);
  label.title = name;
  return item.firstChild;
});

function paintAnswer({ net, blank, chances, winner, target, other }) {
  const label = shownImage === null ? null : test.label[shownImage];
  const won = winner === null ? "–" : nameOf(winner);
  say("winner", net ? won : "?");
  byId("winner").classList.toggle("long", won.length > 4);
  byId("verdict").classList.toggle("mistake", label !== null && winner !== null && label !== winner);
  say("certainty", winner === null ? "" : percent(chances[winner]));
  say("verdict", !net ? "Too many connections for this page to hold: no answer here."
    : blank ? "Nothing is drawn yet." : label === null ? `Your drawing is read as ${won}.`
    : `Test image ${number(test.index[shownImage])}, a ${nameOf(label)}, is read as ${won}. ` +
      (winner === label ? "Right." : "Wrong."));
  const far = net && !blank && shownImage === null ? unlikeness(pixels) : 0;
  byId("doubt").hidden = far <= 1;
  say("doubt", far <= 1 ? "" : "Unlike all that was learnt, so the answer means little.");
  if (far > 1) byId("doubt").title = "The directions of its strokes are further from those of typical training images than " +
    `in ${Math.round(100 * data.likeness.share)} of 100 validation images.`;

  const of = target === null ? "" : nameOf(target);
  say("view", !net ? `${number(current.film.open[moment])} connections, of which some are drawn`
    : target === null ? "What is left of the network"
    : other !== null ? `Why ${of} and not ${nameOf(other)}`
    : `The score of ${of}${target === winner ? ", the winner" : ""}`);
  say("key-for", other === null ? "adds to its score" : `for ${of}`);
  say("key-against", other === null ? "takes away" : `for ${nameOf(other)}`);
}

function paintScores({ z, chances, winner }) {
  scoreRows.forEach((row, index) => {
    const part = name => row.querySelector(`.${name}`), known = z && winner !== null;
    part("bar").style.width = known ? `${100 * chances[index]}%` : 0;
    part("chance").textContent = known ? percent(chances[index]) : "";
    part("score").textContent = known ? signed(z[index]) : "";
    row.classList.toggle("winner", index === winner);
    row.classList.toggle("label", shownImage !== null && index === test.label[shownImage]);
    set(row, { "aria-pressed": index === held });
  });
  byId("held").value = held === null ? "" : held;
  byId("rival").value = rival === null ? "" : rival;
}

// --- what is under the pointer ---------------------------------------------------------------------------------------

/** Describe a node or an edge in words. */
function describe(thing, scene) {
  const { trace, chances, target, other, winner } = scene, goal = target === null ? null : aimName(target, other);
  if (thing.from) {
    const adds = target === null ? "" : ` It adds ${signed(thing.adds)} to ${goal}.`;
    return `${fullName(thing)}: weight ${signed(thing.weight)}.${adds}${costText(thing)}`;
  }
  const { level, index } = thing, value = trace.values[level][index];
  const weights = (side, end) => {
    const sorted = [...thing[side]].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
    const most = isNarrow() ? 2 : 3, rest = sorted.length > most ? ` and ${sorted.length - most} more` : "";
    const parts = sorted.slice(0, most).map(edge => `${signed(edge.weight)} ${end} ${shortName(edge[end])}`);
    return sorted.length ? `${count(sorted.length, "weight")}: ${parts.join(", ")}${rest}. ` : "";
  };
  const state = level === 0 ? `ink ${pixels[index]}, x = ${signed(value)}`
    : level < last ? `output ${signed(value)}, slope ${trace.slopes[level][index].toFixed(2)}`
    : `score ${signed(value)}, probability ${percent(chances[index])}`;
  let paths = "";
  if (target !== null) {
    const node = scene.graph.levels[last].get(target), n = countPaths(scene.graph, thing, node);
    const adds = sum(thing.after.map(edge => edge.adds));
    if (level === last) paths = `${count(n, "path")} to it.`;
    else if (n || other !== null) paths = `${count(n, "path")} to ${shortName(node)}: ${signed(adds)} to ${goal} in all.`;
    else paths = `No path to class ${nameOf(target)}${target === winner ? ", the winner" : ""}. ${otherTargets(thing, scene)}`;
  }
  return `${fullName(thing)}: ${state}. ${weights("before", "from")}${weights("after", "to")}${paths}${costText(thing)}`;
}

const aimName = (target, other) =>
  (other === null ? `class ${nameOf(target)}` : `${nameOf(target)} minus ${nameOf(other)}`);

/** Say for which classes a node speaks that has no path to the one that is shown. */
function otherTargets(node, { net, trace }) {
  const adds = names.map((_, j) => {
    const all = contributions(net, trace, names.map((_, i) => Number(i === j)), { level: node.level, index: node.index });
    return sum(node.after.map(({ layer, edge }) => all[layer][edge] ?? 0));
  });
  const order = names.map((_, j) => j).filter(j => Math.abs(adds[j]) >= 0.005).sort((a, b) => Math.abs(adds[b]) - Math.abs(adds[a]));
  if (!order.length) return "It says nothing about this image.";
  return `For this image it speaks ${order.slice(0, 3).map(j => `${adds[j] > 0 ? "for" : "against"} ${nameOf(j)} (${signed(adds[j])})`)
    .join(", ")}.`;
}

/** Say what cutting a node or an edge of the finished network alone would cost. */
function costText(thing) {
  if (!isFinished() || thing.level === last || cuts.size) return "";
  const base = baseSample(), lost = base.right - rightWithout(thing, current.finished, base);
  return ` Cutting it ${lost > 0 ? `costs ${count(lost, "image")}` : lost < 0 ? `gains ${count(-lost, "image")}`
    : "costs none"} of ${number(sampleSize)}.`;
}

function paintDetail(scene) {
  const { net, thing, target, other } = scene, looks = byId("looks");
  const isUnit = Boolean(net && thing && !thing.from && thing.level > 0);
  looks.hidden = !isUnit;
  if (isUnit) paintLooks(looks, looksFor(net, scene.trace, thing));
  if (!net) return say("words", "Drag the slider, or press play: wires vanish until only those are left that matter.");
  if (inspected && !thing) return say("words", `${fullName(inspected)} is not in the network of this moment.`);
  say("words", thing ? describe(thing, scene)
    : other !== null && target !== null ? `${signed(scene.z[target] - scene.z[other])} is the score of ` +
      `${nameOf(target)} minus that of ${nameOf(other)}. Blue wires speak for ${nameOf(target)}, orange ones for ${nameOf(other)}.`
    : "Point at, tap or tab to a pixel, unit, wire or class to see only its paths; press a class to hold it. " +
      `A blank pixel counts too: it enters as x = ${signed(-meta.mean / meta.std)}.`);
}

/** Draw what a unit looks for: every pixel in the colour of its sign, the stronger the more it matters. */
function paintLooks(canvas, gain) {
  Object.assign(canvas, { width: cols, height: rows });
  canvas.style.aspectRatio = `${cols} / ${rows}`;
  set(canvas, { role: "img", "aria-label": "What the unit looks for: blue pixels raise it, orange ones lower it." });
  const context = canvas.getContext("2d"), most = Math.max(...gain.map(Math.abs), 1e-9);
  context.globalAlpha = 0.25;
  context.drawImage(inkCanvas(pixels), 0, 0);
  gain.forEach((value, i) => {
    if (!value) return;
    Object.assign(context, { globalAlpha: 0.25 + 0.75 * Math.abs(value) / most,
                             fillStyle: value > 0 ? colours.for : colours.against });
    context.fillRect(i % cols, Math.floor(i / cols), 1, 1);
  });
}

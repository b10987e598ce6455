// --- state, and what follows from it ---------------------------------------------------------------------------------

const testPixels = arrays.test;
const imageAt = i => testPixels.subarray(i * rows * cols, (i + 1) * rows * cols);

let current = runs[0];        // the run that is shown
let moment = current.frames;  // of it: a frame of its film, or the finished network
let strokes = [];          // the drawing
let shownImage = 0;        // the test image shown, by its place on this page, or null for the drawing
let lastImage = 0;         // the test image that "previous" and "next" start from
let pixels = imageAt(0);   // of the drawing or the test image, as the network reads them
let held = null;           // the class whose connections are shown, or null for the winner
let rival = null;          // the class that is taken from it, "second" for the runner-up, or null
let inspected = null;      // the node or edge under the mouse or with the focus
let cutting = false;       // whether a click cuts
let cuts = new Set();      // of the finished network, by cutName, in order
let before = [];           // sets of cuts that "undo cut" goes back to

const isFinished = () => moment === current.frames;
const isBlank = () => shownImage === null && !strokes.length;

/** Graph of the finished network of a run, its nodes ordered; made once. */
function finishedGraph(run) {
  run.graph ??= makeGraph(run.finished);
  return run.graph;
}

let frame = { run: null };  // the network and the graph of the moment that was last asked for

/** The network of the moment, with the cuts made, and its graph, without them. Both are null if it was not kept. */
function present() {
  if (isFinished()) {
    const graph = finishedGraph(current);
    return { graph, net: cutNet(current.finished, graph.edges, cuts) };
  }
  if (frame.run !== current || frame.moment !== moment) {
    const net = frameNet(current, moment);
    frame = { run: current, moment, net, graph: net && makeGraph(net) };
    if (frame.graph) for (const node of frame.graph.nodes) placeNode(node, geometry, finishedGraph(current));
  }
  return frame;
}

const finishedScores = image => Array.from(run(current.finished, image).values[last]);

/** Everything that the picture shows: the network of the moment, what it answers, and what adds to which score. */
function makeScene() {
  const { net, graph } = present(), blank = isBlank();
  if (!net) return { net, graph, blank, target: held, winner: null, other: null };
  const trace = run(net, pixels), z = Array.from(trace.values[last]), chances = softmax(z);
  const ranking = z.map((_, j) => j).sort((a, b) => z[b] - z[a] || a - b);
  const winner = blank ? null : ranking[0];
  const target = inspected?.level === last && rival === null ? inspected.index : held ?? winner;
  const other = target === null ? null : rival === "second" ? ranking.find(j => j !== target) ?? null
    : rival === target ? null : rival;
  const aim = z.map((_, j) => (j === target) - (other !== null && j === other));
  const thing = inspected && find(graph, inspected);
  const adds = contributions(net, trace, aim, thing && through(net, thing));
  return { net, graph, blank, trace, z, chances, ranking, winner, target, other, aim, thing, adds };
}

/** The node or edge of a graph that is the same as one of another graph; null if it is not there. */
function find({ levels, edges }, thing) {
  if (!thing.from) return levels[thing.level].get(thing.index) ?? null;
  return edges.find(({ layer, from, to }) =>
    layer === thing.layer && from.index === thing.from.index && to.index === thing.to.index) ?? null;
}

/** What `contributions` is told of a node or an edge: cutting changes the number of an edge in its layer. */
function through(net, thing) {
  if (!thing.from) return { level: thing.level, index: thing.index };
  const { row, col } = net[thing.layer];
  const edge = row.findIndex((i, e) => i === thing.from.index && col[e] === thing.to.index);
  return edge < 0 ? { layer: thing.layer, edge: -1 } : { layer: thing.layer, edge };
}

/** Change what is shown, and paint it. */
function show(changes) {
  if ("run" in changes) {
    const wasFinished = isFinished(), share = current.frames ? moment / current.frames : 1;
    current = changes.run;
    [cuts, before, inspected] = [new Set(), [], null];
    moment = wasFinished ? current.frames : Math.round(share * current.frames);
    adoptRun();
  }
  if ("moment" in changes) moment = clamp(changes.moment, 0, current.frames);
  if ("held" in changes) held = changes.held;
  if ("rival" in changes) rival = changes.rival;
  if ("inspected" in changes) inspected = changes.inspected;
  paint();
}

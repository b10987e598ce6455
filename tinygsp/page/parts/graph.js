// --- nodes and edges, and where they go ------------------------------------------------------------------------------

/**
 * Make the graph of a network: its nodes and edges, each knowing its neighbours. levels[k] maps an index to its node:
 * the pixels that are read, the units that are connected, and every class.
 */
function makeGraph(net) {
  const levels = Array.from({ length: last + 1 }, () => new Map());
  const nodeAt = (level, index) => {
    if (!levels[level].has(index)) levels[level].set(index, { level, index, before: [], after: [] });
    return levels[level].get(index);
  };
  const edges = net.flatMap(({ row, col, weight }, layer) => Array.from(weight, (w, e) => {
    const edge = { layer, edge: e, weight: w, from: nodeAt(layer, row[e]), to: nodeAt(layer + 1, col[e]) };
    edge.from.after.push(edge);
    edge.to.before.push(edge);
    return edge;
  }));
  names.forEach((_, index) => nodeAt(last, index));
  const nodes = levels.flatMap(level => [...level.values()].sort((a, b) => a.index - b.index));
  return { levels, nodes, edges };
}

/** Give every unit a position in (0, 1), side by side in its level, so that few edges cross. */
function orderUnits({ levels, nodes }, positionOfPixel) {
  const units = levels.slice(1, last).map(level => [...level.values()]);
  for (const node of levels[0].values()) node.position = positionOfPixel(node);
  for (const node of nodes.filter(node => node.level)) node.position = (node.index + 0.5) / sizes[node.level];
  for (const node of units.flat()) node.position = 0.5;
  for (let sweep = 0; sweep < 24; sweep++) {
    for (const level of sweep % 2 ? [...units].reverse() : units) {
      for (const node of level) {
        const around = [...node.before.map(edge => edge.from.position), ...node.after.map(edge => edge.to.position)];
        node.mean = sum(around) / around.length;  // of the positions of its neighbours
      }
      level.sort((a, b) => a.mean - b.mean || a.index - b.index);
      level.forEach((node, i) => { node.position = (i + 0.5) / level.length; });
    }
  }
}

/**
 * Compute where everything goes in a picture of this width. Levels follow each other from left to right, in a narrow
 * picture from top to bottom: `along` is that direction, `across` the one of the units of a level.
 */
function measure(width, graph, narrow) {
  const most = Math.max(...graph.levels.slice(1, last).map(level => level.size), 1);
  const across = narrow ? width : clamp(Math.max(26 * sizes[last], 9 * most), width < 760 ? 440 : 500, Math.max(26 * sizes[last], 540));
  const cell = (narrow ? Math.min(0.45 * width, 164) : Math.min(0.42 * width, across)) / Math.max(rows, cols);
  const [imageAlong, imageAcross] = narrow ? [cell * rows, cell * cols] : [cell * cols, cell * rows];
  const along = narrow ? imageAlong + 64 * last : width - 16;
  const alongOf = level => imageAlong + (along - imageAlong) * level / last;
  const xy = (a, b) => (narrow ? [b, a] : [a, b]);
  const [left, top] = xy(0, (across - imageAcross) / 2);
  const height = narrow ? along + 18 : across;
  return { width, height, narrow, across, cell, imageAlong, alongOf, xy, left, top };
}

/** Position a node; units that are not in the finished network stand where their number puts them. */
function placeNode(node, { cell, left, top, xy, alongOf, across }, finished) {
  if (node.level === 0) {
    node.x = left + cell * (node.index % cols + 0.5);
    node.y = top + cell * (Math.floor(node.index / cols) + 0.5);
    node.size = 0.42 * cell;
    return;
  }
  const survivor = finished.levels[node.level].get(node.index);
  const position = survivor ? survivor.position : (node.index + 0.5) / sizes[node.level];
  [node.x, node.y] = xy(alongOf(node.level), across * position);
  const room = 0.42 * across / finished.levels[node.level].size;
  node.size = survivor ? Math.min(node.level === last ? 11 : 5.5, room) : 1.5;
}

/** The points of an edge's curve: where it begins, two that bend it, and where it ends. */
function curve({ from, to }, narrow) {
  const [dx, dy] = narrow ? [0, (to.y - from.y) / 2] : [(to.x - from.x) / 2, 0];
  return [from.x, from.y, from.x + dx, from.y + dy, to.x - dx, to.y - dy, to.x, to.y];
}

/** Compute the distance of a point from a curve. */
function distanceTo([ax, ay, bx, by, cx, cy, dx, dy], x, y) {
  let best = Infinity;
  for (let i = 0; i <= 24; i++) {
    const t = i / 24, s = 1 - t;
    best = Math.min(best, Math.hypot(s * s * s * ax + 3 * s * s * t * bx + 3 * s * t * t * cx + t * t * t * dx - x,
                                     s * s * s * ay + 3 * s * s * t * by + 3 * s * t * t * cy + t * t * t * dy - y));
  }
  return best;
}

/** Find the edges and nodes on paths through a node or an edge; null stands for all of them. */
function pathsThrough(thing) {
  if (!thing) return null;
  const found = new Set([thing]);
  const follow = (from, side, end) => {
    for (const edge of from[side]) {
      found.add(edge);
      const next = edge[end], isNew = !found.has(next);
      found.add(next);
      if (isNew) follow(next, side, end);
    }
  };
  const [start, end] = thing.from ? [thing.from, thing.to] : [thing, thing];
  found.add(start).add(end);
  follow(end, "after", "to");
  follow(start, "before", "from");
  return found;
}

/** Count the paths from the pixels to `target`, a node of the last level, through a node or an edge. */
function countPaths({ nodes }, thing, target) {
  const before = new Map(), after = new Map();
  for (const n of nodes) before.set(n, n.level === 0 ? 1 : sum(n.before.map(edge => before.get(edge.from))));
  for (const n of [...nodes].reverse()) {
    after.set(n, n === target ? 1 : sum(n.after.map(edge => after.get(edge.to))));
  }
  return before.get(thing.from ?? thing) * after.get(thing.to ?? thing);
}

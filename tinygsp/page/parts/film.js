// --- runs and their moments ------------------------------------------------------------------------------------------

// A run is what pruning left and, where the training was recorded, the film of how it came to that. A moment of a run is
// the number of a frame of its film, or after the last frame the finished network.

/** Undo the differences of a film: one Int8Array of the levels of all its connections for each frame; 0 is closed. */
function unrollLevels(steps, cells, frames) {
  const levels = Array.from({ length: frames }, () => new Int8Array(cells));
  for (let c = 0, at = 0; c < cells; c++) {
    for (let f = 0, level = 0; f < frames; f++, at++) levels[f][c] = level = (level + steps[at]) << 24 >> 24;
  }
  return levels;
}

function makeRun(description, r) {
  const array = name => arrays[`run${r}_${name}`];
  const finished = description.shapes.map((_, k) => Object.fromEntries(
    ["row", "col", "weight", "bias"].map(name => [name, array(`${name}${k}`)])));
  if (!description.film) return { ...description, finished, film: null, frames: 0 };
  const { epoch } = description.film, cells = Float64Array.from(array("cell_step"));
  for (let c = 1; c < cells.length; c++) cells[c] += cells[c - 1];
  const levels = unrollLevels(array("level_step"), cells.length, epoch.length);
  return { ...description, finished, film: { ...description.film, cells, levels }, frames: epoch.length };
}

const runs = data.runs.map(makeRun);

/** Build the network of a frame, or null if only the number of its connections was kept. */
function frameNet({ film }, frame) {
  if (!film.stored[frame]) return null;
  const levels = film.levels[frame];
  let first = 0, c = 0;
  return sizes.slice(1).map((n_out, k) => {
    const n_in = sizes[k], end = first + (n_in + 1) * n_out, bias = new Float64Array(n_out);
    const row = [], col = [], weight = [];
    for (; c < levels.length && film.cells[c] < end; c++) {
      if (!levels[c]) continue;
      const cell = film.cells[c] - first, j = cell % n_out, i = (cell - j) / n_out;
      if (i === n_in) bias[j] = levels[c] * film.scale[k];
      else { row.push(i); col.push(j); weight.push(levels[c] * film.scale[k]); }
    }
    first = end;
    return { row: Int32Array.from(row), col: Int32Array.from(col), weight: Float64Array.from(weight), bias };
  });
}

/** Count the connections that a stored frame has and the one before had not; null if one of the two is not stored. */
function changedPlaces({ film }, frame) {
  if (!frame || !film.stored[frame] || !film.stored[frame - 1]) return null;
  const now = film.levels[frame], before = film.levels[frame - 1];
  return now.reduce((n, level, c) => n + (level !== 0 && before[c] === 0), 0);
}

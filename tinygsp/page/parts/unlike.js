// --- is a drawing like anything that was learnt? ---------------------------------------------------------------------

// An image is described by the directions of its edges: in each of up to 7 x 7 fields, how strong the edges in 4
// directions are. Its distance is that to the nearest of some typical training images. The limit is the distance that
// most validation images keep; page/likeness.py computes both, and must describe an image in the same way.
const FIELDS = 7, DIRECTIONS = 4;

/** Describe an image: directions x fields numbers, as `describe` in likeness.py. */
function describeEdges(pixels) {
  const [down, across] = [Math.min(FIELDS, rows), Math.min(FIELDS, cols)];
  const at = (r, c) => (r < 0 || c < 0 || r >= rows || c >= cols ? 0 : pixels[r * cols + c] / 255);
  const fields = Array.from({ length: DIRECTIONS }, () => new Float64Array(down * across));
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const dx = at(r, c + 1) - at(r, c - 1), dy = at(r + 1, c) - at(r - 1, c), strength = Math.hypot(dx, dy);
      if (!strength) continue;
      const turn = ((Math.atan2(dy, dx) / Math.PI + 1) % 1) * DIRECTIONS, low = Math.floor(turn) % DIRECTIONS;
      const field = Math.floor(r * down / rows) * across + Math.floor(c * across / cols);
      fields[low][field] += strength * (1 - turn + Math.floor(turn));
      fields[(low + 1) % DIRECTIONS][field] += strength * (turn - Math.floor(turn));
    }
  }
  const soft = (field, r, c) => {  // a mean over neighbours, weighted 1 2 1
    let total = 0;
    for (let i = -1; i <= 1; i++) {
      for (let j = -1; j <= 1; j++) {
        const [y, x] = [r + i, c + j];
        if (y >= 0 && x >= 0 && y < down && x < across) total += (2 - Math.abs(i)) * (2 - Math.abs(j)) * field[y * across + x];
      }
    }
    return total / 16;
  };
  return fields.flatMap(field => Array.from(field, (_, i) => Math.sqrt(soft(field, Math.floor(i / across), i % across))));
}

/** Compute how far an image is from all typical ones, in units of the limit: above 1 it is unlike them. */
function unlikeness(pixels) {
  if (!data.likeness) return 0;
  const { limit, unit } = data.likeness, edges = describeEdges(pixels), n = edges.length;
  let nearest = Infinity;
  for (let at = 0; at < arrays.typical.length; at += n) {
    let distance = 0;
    for (let i = 0; i < n; i++) distance += (edges[i] - unit * arrays.typical[at + i]) ** 2;
    nearest = Math.min(nearest, distance);
  }
  return Math.sqrt(nearest) / limit;
}

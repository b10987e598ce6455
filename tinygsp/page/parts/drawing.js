// --- a drawing becomes an image --------------------------------------------------------------------------------------

// A drawing is treated as MNIST was: fitted into a box of 20 of 28 pixels with its aspect kept, then moved so that its
// centre of mass is in the middle of the image, which in MNIST is the middle of pixel 14 of 0 ... 27. Strokes are lists
// of [x, y] in units of the pad's width. The pen is as thick in the image as MNIST's, however large one draws.
const PEN = 2.4 / 28, BOX = 20 / 28, SMALLEST = 0.1;  // a smaller drawing is not enlarged further

/** Turn strokes into rows * cols bytes, 0 for no ink. */
function rasterize(strokes) {
  if (!strokes.length) return new Uint8Array(rows * cols);
  const pen = Math.max(PEN * Math.min(rows, cols), 1);
  const room = size => Math.max(BOX * size - pen - 1, 1);  // for the middle of the pen; 1 is its grey rim
  const range = axis => strokes.flat().reduce(
    ([low, high], point) => [Math.min(low, point[axis]), Math.max(high, point[axis])], [Infinity, -Infinity]);
  const [left, right] = range(0), [top, bottom] = range(1);
  const scale = Math.min(room(cols) / Math.max(right - left, SMALLEST), room(rows) / Math.max(bottom - top, SMALLEST));
  const render = (dx, dy) => ink(strokes.map(stroke => stroke.map(
    ([x, y]) => [(x - (left + right) / 2) * scale + dx, (y - (top + bottom) / 2) * scale + dy])), pen);
  const [x, y] = centreOfMass(render(cols / 2, rows / 2));
  return Uint8Array.from(render(cols - x + 0.5, rows - y + 0.5), value => Math.round(255 * value));
}

/** Compute how much of each pixel a round pen covers; its edge is one pixel wide. Lines are in pixels from a corner. */
function ink(lines, pen) {
  const image = new Float64Array(rows * cols), reach = pen / 2 + 0.5;
  for (const line of lines) {
    line.forEach(([bx, by], i) => {
      const [ax, ay] = line[Math.max(i - 1, 0)], dx = bx - ax, dy = by - ay;
      const firstRow = clamp(Math.floor(Math.min(ay, by) - reach), 0, rows);
      const endRow = clamp(Math.ceil(Math.max(ay, by) + reach), 0, rows);
      const firstCol = clamp(Math.floor(Math.min(ax, bx) - reach), 0, cols);
      const endCol = clamp(Math.ceil(Math.max(ax, bx) + reach), 0, cols);
      for (let r = firstRow; r < endRow; r++) {
        for (let c = firstCol; c < endCol; c++) {
          const px = c + 0.5 - ax, py = r + 0.5 - ay;
          const t = clamp((px * dx + py * dy) / (dx * dx + dy * dy) || 0, 0, 1);  // nearest point of the segment
          const cover = clamp(reach - Math.hypot(px - t * dx, py - t * dy), 0, 1);
          image[r * cols + c] = Math.max(image[r * cols + c], cover);
        }
      }
    });
  }
  return image;
}

function centreOfMass(image) {
  let mass = 0, x = 0, y = 0;
  image.forEach((value, i) => {
    mass += value;
    x += value * (i % cols + 0.5);
    y += value * (Math.floor(i / cols) + 0.5);
  });
  return [x / mass, y / mass];
}

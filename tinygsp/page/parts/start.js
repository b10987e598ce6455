// --- begin -----------------------------------------------------------------------------------------------------------

const longest = Math.max(...names.map(name => name.length));
document.body.style.setProperty("--name", `${0.6 * Math.min(longest, 9) + 1.4}em`);
pad.style.aspectRatio = `${cols} / ${rows}`;
[shownImage, lastImage] = [null, 0];
readColours();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); paint(); });
adoptRun();
describeRun();
showImage(Math.max(isWrong.indexOf(false), 0));
if (location.hash) followLink();
let laidOut = box.clientWidth;
new ResizeObserver(() => {
  if (box.clientWidth === laidOut) return;
  laidOut = box.clientWidth;
  layout();
}).observe(box);
if (!location.hash && canPlay()) startPlaying();  // once: any use of the page ends it

window.explorer = {
  scores: image => Array.from(run(present().net ?? current.finished, image).values[last]),
  answer: () => { const { net, winner } = makeScene(); return net && winner !== null ? names[winner] : null; },
  contributions: (image, target, thing) =>
    contributions(current.finished, run(current.finished, image), names.map((_, j) => Number(j === target)), thing)
      .map(values => Array.from(values)),
  rasterize, unlikeness,
  pixels: () => Array.from(pixels),
  moment: () => ({ run: runs.indexOf(current), moment, frames: current.frames, playing: Boolean(playing) }),
  wires: () => present().graph?.edges.map(({ layer, from, to, weight, adds, cut, away, isNew }) =>
    ({ layer, row: from.index, col: to.index, weight, adds, cut, away, isNew, points: [from.x, from.y, to.x, to.y] })),
  cuts: () => [...cuts],
  rightNow,
  redraw: () => { const start = performance.now(); paint(); return performance.now() - start; },
};

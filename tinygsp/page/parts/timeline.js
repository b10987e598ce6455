// --- the film: play, drag, and the curves that run with it -----------------------------------------------------------

const [play, slider, curves] = ["play", "moment", "curves"].map(byId);
const SECONDS = 9;  // that the whole film takes, the first frames longer than the last
const HASTE = 1.5;
const THUMB = 10;   // half of the slider's thumb: the curves begin and end where its middle does
const [ACCURACY, COUNT, PANEL] = [34, 80, 24];  // where the panels of the curves begin, and their height
let playing = null; // {started, from} while the film plays

/** Position a moment along the curves. */
const along = (frame, width) => THUMB + (width - 2 * THUMB) * frame / Math.max(current.frames, 1);

function paintFilm() {
  if (!current.film) return;
  const { film, frames } = current;
  slider.max = frames;
  slider.value = moment;
  const text = momentText();
  set(slider, { "aria-valuetext": text });
  say("now", text);
  set(play, { "aria-label": playing ? "Pause" : "Play how it was pruned" });
  play.textContent = playing ? "❚❚" : isFinished() ? "↻" : "▶";
  paintCurves(film, frames);
}

/** Say which moment is shown. */
function momentText() {
  const { film, frames, kept } = current;
  if (isFinished()) return `Finished: ${number(kept)} of ${number(data.total)} numbers are left. ` +
    `${percent(current.right / test.n)} of ${number(test.n)} test images are right.`;
  const changed = changedPlaces(current, moment), few = changed !== null && changed < 0.2 * film.open[moment];
  const parts = [`After epoch ${film.epoch[moment]} of ${film.epoch[frames - 1]} (${film.phases[film.phase[moment]]})`,
                 `${number(film.open[moment])} connections`,
                 `${percent(film.accuracy[moment])} of validation images right`];
  if (few && changed) parts.push(`${number(changed)} changed places, drawn dark`);
  if (!film.stored[moment]) parts.push("too many to keep, a sample is drawn");
  return `${parts.join(" · ")}.`;
}

/** Draw both curves, each below its caption, and a line through them at the moment shown. */
function paintCurves(film, frames) {
  const context = blankContext(curves), width = curves.clientWidth, height = curves.clientHeight, x = frame => along(frame, width);
  const lowest = Math.floor(10 * Math.min(...film.accuracy)) / 10;
  const counts = film.open.map(Math.log), least = Math.log(current.kept), most = Math.log(data.total);
  say("accuracy-scale", `accuracy, ${Math.round(100 * lowest)} to 100 %`);
  say("count-scale", `connections, ${number(data.total)} to ${number(current.kept)}, log scale`);

  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  film.phases.forEach((phase, number) => {  // a band for each stretch of a phase, every second one shaded
    let start = null;
    for (let f = 0; f <= frames; f++) {
      const inside = f < frames && film.phase[f] === number;
      if (inside && start === null) start = f;
      if (inside || start === null) continue;
      const from = x(start ? start - 0.5 : 0), to = x(f === frames ? frames : f - 0.5);
      if (number % 2 === 0) Object.assign(context, { fillStyle: colours.shade }).fillRect(from, 0, to - from, height);
      Object.assign(context, { fillStyle: colours.soft, textAlign: "center" });
      if (context.measureText(phase).width < to - from) context.fillText(phase, (from + to) / 2, 2);
      start = null;
    }
  });
  const line = (top, shares) => {  // shares : of the height, 1 is the top
    const y = share => top + PANEL * (1 - clamp(share, 0, 1));
    context.fillStyle = colours.ink;
    context.fillRect(x(moment) - 0.75, y(1), 1.5, PANEL);
    context.beginPath();
    shares.forEach((share, f) => context[f ? "lineTo" : "moveTo"](x(f), y(share)));
    Object.assign(context, { strokeStyle: colours.soft, lineWidth: 2 }).stroke();
    context.beginPath();
    context.arc(x(moment), y(shares[Math.min(moment, frames - 1)]), 4, 0, 7);
    context.fill();
  };
  line(ACCURACY, film.accuracy.map(value => (value - lowest) / (1 - lowest || 1)));
  line(COUNT, counts.map(value => (value - least) / (most - least || 1)));
}

function startPlaying() {
  playing = { started: null, from: isFinished() ? 0 : (moment / current.frames) ** (1 / HASTE) };
  document.body.classList.add("playing");
  inspected = null;
  paint();
  requestAnimationFrame(playOn);
}

function stopPlaying() {
  if (!playing) return;
  playing = null;
  document.body.classList.remove("playing");
  paint();
}

function playOn(now) {
  if (!playing) return;
  playing.started ??= now;
  const share = Math.min(1, playing.from + (now - playing.started) / 1000 / SECONDS), next = Math.floor(share ** HASTE * current.frames);
  if (next !== moment || isFinished()) show({ moment: next });
  if (next < current.frames) requestAnimationFrame(playOn);
  else stopPlaying();
}

play.addEventListener("click", () => (playing ? stopPlaying() : startPlaying()));
slider.addEventListener("input", () => {
  stopPlaying();
  show({ moment: Number(slider.value) });
});

// --- the model of lesson 08: e' = -k u, where u is the logarithm of price / right price ------------------------------

const GOAL = 36, SPEED = 0.02, STEPS = 4000;

/** All e = log(count / target) and u of a run: from e = 1 and a first price that is too low by the factor 2.7. */
function respond(a, d, delay, steps = STEPS) {
  const e = [1], u = [];
  let integral = -1;
  for (let t = 0; t < steps; t++) {
    const seen = e[Math.max(0, t - delay)];
    integral += a * seen;
    u.push(integral + d * seen);
    e.push(Math.max(-60, Math.min(60, e[t] - SPEED * u[t])));
  }
  return { e, u };
}

/** The characteristic polynomial of the loop, highest power first: the errors of a run are sums of powers of its roots. */
function polynomial(a, d, delay) {
  if (a === 0) {  // the integral part is a constant then
    const p = new Array(delay + 2).fill(0);
    p[0] = 1;
    p[1] -= 1;
    p[delay + 1] += SPEED * d;
    return p;
  }
  const p = new Array(delay + 3).fill(0);
  p[0] = 1;
  p[1] = -2;
  p[2] = 1;
  p[delay + 1] += SPEED * (a + d);
  p[delay + 2] -= SPEED * d;
  return p;
}

/** Whether all roots are smaller than r (Schur and Cohn: compare first and last coefficient, lower the degree). */
function isInside(p, r) {
  let c = p.map((value, k) => value * r ** -k);
  while (c.length > 1) {
    const ratio = c[c.length - 1] / c[0];
    if (!(Math.abs(ratio) < 1)) return false;
    c = c.slice(0, -1).map((value, k) => value - ratio * c[c.length - 1 - k]);
  }
  return true;
}

/** The size of the largest root: what each step multiplies a deviation by, in the long run. */
function growth(a, d, delay) {
  const p = polynomial(a, d, delay);
  let [low, high] = [0.5, 2];
  for (let k = 0; k < 50; k++) {
    const middle = (low + high) / 2;
    if (isInside(p, middle)) high = middle;
    else low = middle;
  }
  return high;
}

function paint() {
  const a = sliders.a.value, d = sliders.d.value, delay = sliders.delay.value, { e, u } = respond(a, d, delay);
  const top = Math.min(2000, Math.max(200, GOAL * Math.exp(Math.max(...e)) * 1.1));
  const low = Math.max(1, Math.min(15, GOAL * Math.exp(Math.min(...e)) * 0.9));
  const view = plot("counts", [0, STEPS], [low, top, true], "step", "open gates",
    { yTicks: [1, 2, 5, 10, 20, 36, 100, 200, 500, 1000, 2000].filter(count => count >= low && count <= top) });
  view.curve([[0, GOAL], [STEPS, GOAL]], "ink thin", { "stroke-dasharray": "6 4" });
  view.curve(e.map((value, t) => [t, GOAL * Math.exp(value)]), "for");
  const prices = plot("prices", [0, STEPS], [1e-2, 1e2, true], "step", "price / right price");
  prices.curve([[0, 1], [STEPS, 1]], "ink thin", { "stroke-dasharray": "6 4" });
  prices.curve(u.map((value, t) => [t, Math.exp(value)]), "against solid");
  judge(a, d, delay, e);
}

/** Say whether the loop is stable, and what this run did. */
function judge(a, d, delay, e) {
  const size = growth(a, d, delay), per100 = size ** 100;
  const last = e.slice(-1000), span = Math.max(...last) - Math.min(...last);
  const count = value => whole(GOAL * Math.exp(value));
  const most = Math.min(...e) < -0.02 ? `The count goes as low as ${count(Math.min(...e))}.` : "";
  if (a === 0 && d === 0) return say("Nobody steers.", "The first price is too low, so the count grows without end.");
  if (size > 1 + 1e-6) {
    return say("Unstable.", `Swings grow by the factor ${number(per100)} in 100 steps. The controller reacts to an old count, by
      too much.`);
  }
  if (size > 1 - 1e-6 && a > 0) return say("It swings for ever.", `There is no friction: a swing neither grows nor dies out. ${most}`);
  const dying = `A deviation shrinks by the factor ${number(per100)} in 100 steps.`;
  if (a === 0) {
    return say("Stable, but off the target.", `${dying} The count rests at ${count(1 / d)}: e = 1 / d = ${number(1 / d)}, since the first
      price was too low by the factor 2.7.`);
  }
  const late = e.length - 1 - [...e].reverse().findIndex(value => Math.abs(value) > 0.05);
  const settled = late >= STEPS ? "It has not settled after 4,000 steps." : `From step ${whole(late + 1)} on it stays within 5 % of 36.`;
  const crossings = e.slice(1).filter((value, t) => value * e[t] < 0 && Math.abs(value) < 1).length;
  return say(crossings > 2 ? "Stable, with swings that die out." : "Stable.", `${dying} ${settled} ${span > 2 ? "" : most}`);
}

slider("d", { show: value => number(value) });
slider("a", { of: position => Number((position * position).toPrecision(6)), back: Math.sqrt, show: value => number(value, 2) });
slider("delay");

window.page = { respond, growth };
